using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.InContextRegression;
using MlNetIcl.Reports.Paradigms;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl paradigms</c>: in-context learning against classical learning and meta-learning.</summary>
internal static class ParadigmsCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new ParadigmOptions();
        var family = new Option<string?>("--family") { HelpName = "NAME", Description = "linear or sinusoid. Default: both." };
        family.AcceptOnlyFromAmong("linear", "sinusoid");
        var dimension = WholeNumber.Option("--dimension", "D", 1, defaults.Dimension, "Dimensions of linear tasks.");
        var shots = new Option<int[]>("--shots") { HelpName = "K", AllowMultipleArgumentsPerToken = true, Description = "Numbers of examples, ascending. Default: 2 5 10." };
        var steps = WholeNumber.Option("--steps", "N", 1, defaults.InContextSteps, "Training steps of the in-context model.");
        var metaSteps = WholeNumber.Option("--meta-steps", "N", 1, defaults.MetaSteps, "Training steps of the meta-learned network.");
        var tasks = WholeNumber.Option("--tasks", "N", 16, defaults.TestTasks, "Fresh tasks that learners are measured on.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of weights and tasks.");
        var timings = new Option<bool>("--timings") { Description = "Write into the JSON how long adapting takes, which differs from run to run." };
        var targets = new ReportTargets();

        var command = new ExplainedCommand("paradigms",
            "In-context learning against classical learning and meta-learning on the same tasks.",
            "Trains a decoder to learn in context and a network by MAML on the same family of regression tasks, and compares them with ridge and with the network trained from scratch on a task's examples: updates of parameters, "
                + "data, error by number of examples and out of distribution. Times go to standard error.",
            ("icl paradigms --html paradigms.html", "Both families; minutes."),
            ("icl paradigms --family sinusoid --shots 5 10 20", "One family."))
        { family, dimension, shots, steps, metaSteps, tasks, seed, timings };
        foreach (var option in targets.Options) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(dimension) is { Implicit: false } && result.GetResult(family)?.Tokens is [{ Value: "sinusoid" }]) result.AddError("--dimension is of linear tasks; sinusoids have one.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            var options = defaults with
            {
                Families = parsed.GetValue(family) switch
                {
                    "linear" => [RegressionFamily.Linear],
                    "sinusoid" => [RegressionFamily.Sinusoid],
                    _ => defaults.Families,
                },
                Dimension = parsed.GetValue(dimension) ?? defaults.Dimension,
                Shots = parsed.GetValue(shots) is { Length: > 0 } chosen ? chosen : defaults.Shots,
                InContextSteps = parsed.GetValue(steps) ?? defaults.InContextSteps,
                MetaSteps = parsed.GetValue(metaSteps) ?? defaults.MetaSteps,
                TestTasks = parsed.GetValue(tasks) ?? defaults.TestTasks,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
            };
            var result = ProgressDisplay.Run(host, "Training", progress => ParadigmStudy.Run(options, progress, host.Cancellation));
            foreach (var (name, learner) in result.Families.SelectMany(f => f.Learners.Select(l => (ParadigmWords.Of(f.Family), l))))
                host.Error.WriteLine(Invariant($"{name}, {learner.Name}: {learner.AdaptationTime.TotalMilliseconds:0.000} ms to adapt to a task and answer."));
            targets.Write(host, parsed, () => ParadigmReport.Of(result), stream => ParadigmJson.Write(result, stream, parsed.GetValue(timings)), () => WriteTables(host, result));
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteTables(CliHost host, ParadigmResult result)
    {
        Terminal.WriteFacts(host, ParadigmWords.Facts(result));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, ParadigmWords.Summary(result));
        foreach (var family in result.Families)
        {
            host.Output.WriteLine(Invariant($"\n{(family.Family == RegressionFamily.Linear ? "Linear tasks" : "Sinusoids")}:"));
            Terminal.WriteTable(host, [("paradigm", false), ("learner", false), ("updates", true), ("tasks before", true), .. result.Options.Shots.Take(3).Select(k => (Invariant($"k={k}"), true))],
                family.Learners.Select(l => Row(ParadigmWords.Of(l.Paradigm), l.Name, [Invariant($"{l.Updates}"), Numbers.Count(l.PretrainingTasks), .. l.ByShots.Take(3).Select(RegressionWords.Value)])));
            host.Output.WriteLine(Invariant($"\nWith {result.Options.Shots[^1]} examples, and out of distribution:"));
            Terminal.WriteTable(host, [("learner", false), ("error, 95 %", true), .. family.Learners[0].Shifted.Select(s => (s.Shift.Name, true))],
                family.Learners.Select(l => Row(l.Name, RegressionWords.Of(l.ByShots[^1]), [.. l.Shifted.Select(s => RegressionWords.Value(s.Error))])));
        }
        host.Output.WriteLine("\nWhat the article says:");
        Terminal.WriteTable(host, [("", false), ("classical", false), ("meta-learning", false), ("in context", false)],
            ParadigmWords.Article.Select(row => Row(row.Aspect, row.Classical, [row.MetaLearning, row.InContext])));
        Terminal.WriteText(host.Output, host.Width, "\nupdates: changes of all parameters when adapting; 1 is a closed form. tasks before: tasks of the same family in training.");

        (IReadOnlyList<string>, bool) Row(string first, string second, string[] rest) => ([first, second, .. rest], first == "in context" || first == "in-context model");
    }
}
