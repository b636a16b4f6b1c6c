using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.CrossTaskPrior;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl prior</c>: whether a transformer learns the prior that tasks have in common.</summary>
internal static class PriorCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new CrossTaskPriorOptions();
        var ranks = WholeNumber.Option("--rank", "R", 1, null, "One rank of the prior alone, to the 10 examples of a task. Default: 2, 4, 6, 8 and 10.");
        var steps = WholeNumber.Option("--steps", "N", 1, defaults.Steps, "Training steps for each rank.");
        var tasks = WholeNumber.Option("--tasks", "N", 16, defaults.TestTasks, "Fresh tasks that learners are measured on.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of priors, tasks, weights and intervals.");
        var targets = new ReportTargets();

        var command = new ExplainedCommand("prior",
            "Whether a transformer learns the prior that tasks have in common.",
            "Tasks y = Xw + noise have fewer examples than unknowns, so that one task cannot tell w; w of all tasks comes from one prior of low rank. Compares ridge, two-stage ridge, a linear "
                + "transformer that never sees w, and the oracle, and reads the prior back from the answers.",
            ("icl prior", "All ranks; minutes."),
            ("icl prior --rank 4 --html prior.html", "One rank, and a report."))
        { ranks, steps, tasks, seed };
        foreach (var option in targets.Options) command.Add(option);
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            var options = defaults with
            {
                Ranks = parsed.GetValue(ranks) is { } rank ? [rank] : defaults.Ranks,
                Steps = parsed.GetValue(steps) ?? defaults.Steps,
                TestTasks = parsed.GetValue(tasks) ?? defaults.TestTasks,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
            };
            var result = ProgressDisplay.Run(host, "Training", progress => CrossTaskPrior.Run(options, progress, host.Cancellation));
            targets.Write(host, parsed, () => PriorReport.Of(result), stream => PriorJson.Write(result, stream), () => WriteTables(host, result));
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteTables(CliHost host, CrossTaskPriorResult result)
    {
        Terminal.WriteFacts(host, PriorWords.Facts(result));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, PriorWords.Summary(result));
        foreach (var rank in result.Ranks)
        {
            host.Output.WriteLine(Invariant($"\nRank {rank.Rank}: always w0 has risk {Numbers.Score(rank.PriorMeanRisk)}, the oracle {Numbers.Score(rank.OracleRisk)} in closed form."));
            Terminal.WriteTable(host, [("learner", false), ("risk, 95 %", true), ("foreign", true), ("mean", true), ("cov.", true), ("outside", true)],
                rank.Learners.Select(l => ((IReadOnlyList<string>)
                    [PriorWords.Of(l.Learner), PriorWords.Of(l.Risk), Numbers.Score(l.ForeignRisk.Value), Numbers.Score(l.MeanError.Value), Numbers.Score(l.CovarianceError.Value), Numbers.Score(l.OutsideVariance.Value)],
                    l.Learner == InverseLearner.Transformer)));
        }
        Terminal.WriteText(host.Output, host.Width, "\nforeign: risk on tasks of another prior. mean, cov.: relative errors of the answers' mean and covariance against the prior's. outside: share of their variance outside the prior's directions.");
    }
}
