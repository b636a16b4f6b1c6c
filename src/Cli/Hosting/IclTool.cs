using System.CommandLine;
using MlNetIcl.Cli.Commands;

namespace MlNetIcl.Cli.Hosting;

/// <summary>The tool: parses a command line, runs the command, turns whatever happens into an exit code and at most one line of error.</summary>
internal static class IclTool
{
    /// <summary>Runs one command line.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static int Run(IReadOnlyList<string> args, CliHost host)
    {
        var verbose = new Option<bool>("--verbose") { Description = "Show where in the code a failure comes from.", Recursive = true };
        var root = new RootCommand("Analyses in-context learning in language models: which attention heads carry it, and how sure that is.")
        {
            verbose,
            HeadsCommand.Create(host),
            AblateCommand.Create(host),
            PatchCommand.Create(host),
            RestoreCommand.Create(host),
            PositionsCommand.Create(host),
            PriorCommand.Create(host),
            RegressionCommand.Create(host),
            ParadigmsCommand.Create(host),
            CausalCommand.Create(host),
            CausalContextCommand.Create(host),
            GraphCommand.Create(host),
            GradientDescentCommand.Create(host),
            EmergenceCommand.Create(host),
            LinearCommand.Create(host),
            ClaimsCommand.Create(host),
            LabelPriorsCommand.Create(host),
            CircuitCommand.Create(host),
            LensCommand.Create(host),
            ForwardCommand.Create(host),
            TokenizeCommand.Create(host),
            ModelCommand.Create(host),
            OnnxCommand.Create(host),
        };
        CommandHelp.Install(root, host.Width);

        // A text to tokenize may start with '@', so no argument is a response file.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            if (parsed.Errors.Count > 0)
            {
                foreach (var error in parsed.Errors) host.Error.WriteLine($"icl: {Failure.OneLine(error.Message)}");
                host.Error.WriteLine($"Try '{CommandHelp.PathOf(parsed.CommandResult)} --help'.");
                return ExitCode.WrongInput;
            }
            int code = parsed.Invoke(new InvocationConfiguration
            {
                Output = host.Output,
                Error = host.Error,
                EnableDefaultExceptionHandler = false,
                // Program handles signals itself.
                ProcessTerminationTimeout = null,
            });
            host.Output.Flush();
            return code;
        }
        // The one place where everything is caught: a tool ends with an exit code, never with a stack trace.
#pragma warning disable CA1031
        catch (Exception error)
#pragma warning restore CA1031
        {
            return Failure.Report(error, host, host.Debug || parsed.GetValue(verbose));
        }
    }
}
