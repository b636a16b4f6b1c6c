using System.CommandLine;
using System.Text;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Cli.Input;

/// <summary>The option <c>--dot</c> of commands that find graphs.</summary>
internal sealed class DotTarget
{
    /// <summary>The option.</summary>
    public Option<string?> Option { get; } = new("--dot") { HelpName = "FILE", Description = "Write what is found as a graph in Graphviz's DOT language." };

    /// <summary>Refuses a target that cannot be written before any work is done.</summary>
    /// <exception cref="InputException">The message names the target or the option.</exception>
    public void Check(ParseResult parsed) => OutputFile.CheckFile(parsed, Option);

    /// <summary>Writes the graph where that is asked for.</summary>
    public void Write(CliHost host, ParseResult parsed, Func<string> graph)
    {
        if (parsed.GetValue(Option) is not { } path) return;
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(graph())), host.Cancellation);
        host.Error.WriteLine($"Wrote {path}.");
    }
}
