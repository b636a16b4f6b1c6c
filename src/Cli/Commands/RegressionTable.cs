using MlNetIcl.Cli.Hosting;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.InContextRegression;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>The study of in-context regression on a terminal.</summary>
internal static class RegressionTable
{
    public static void Write(CliHost host, RegressionStudyResult result)
    {
        Terminal.WriteFacts(host, RegressionWords.Facts(result));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, RegressionWords.Summary(result));
        if (result.Comparison is { } comparison) WriteComparison(host, comparison);
        foreach (var noise in result.Baselines.GroupBy(b => b.Noise)) WriteBaselines(host, noise);
        Terminal.WriteText(host.Output, host.Width, "\nexpected: the closed form; for ridge the Bayes risk of these inputs, where lambda is the noise's variance. An interval is 1.96 standard errors to each side.");
    }

    private static void WriteComparison(CliHost host, RegressionComparison comparison)
    {
        var set = comparison.Sets[0];
        int last = comparison.Regressor.Demonstrations;
        int[] shots = [.. new[] { 1, 2, comparison.Regressor.Dimension, last }.Where(k => k <= last).Distinct().Order()];
        host.Output.WriteLine("\nError by number of demonstrations:");
        Terminal.WriteTable(host, [("learner", false), .. shots.SkipLast(1).Select(k => (Invariant($"{k}"), true)), (Invariant($"{last}, 95 %"), true), ("n", true)],
            set.Curves.Select(c => ((IReadOnlyList<string>)[c.Learner, .. shots.SkipLast(1).Select(k => RegressionWords.Value(c.ByShots[k])), RegressionWords.Of(c.ByShots[last]), Numbers.Count(c.ByShots.Max(e => e.Tasks))], c.Learner == RegressionLearners.InContext)));
        if (comparison.Sets.Count == 1) return;
        host.Output.WriteLine("\nOut of distribution:");
        Terminal.WriteTable(host, [("tasks", false), ("k", true), .. comparison.Sets[1].Curves.Select(c => (Brief(c.Learner), true))],
            comparison.Sets.Select(s =>
            {
                int k = RegressionWords.LastMeasured(s);
                return ((IReadOnlyList<string>)[s.Shift.Name, Invariant($"{k}"), .. comparison.Sets[1].Curves.Select(c => RegressionWords.Value(s[c.Learner].ByShots[k]))], false);
            }));
    }

    private static void WriteBaselines(CliHost host, IGrouping<double, BaselineResult> baselines)
    {
        host.Output.WriteLine(Invariant($"\nBaselines, noise {Numbers.Brief(baselines.Key)}:"));
        Terminal.WriteTable(host, [("learner", false), ("k", true), ("error, 95 %", true), ("expected", true)],
            baselines.Select(b => ((IReadOnlyList<string>)
                [b.Learner, Invariant($"{b.Shots}"), b.Error.Mean is < 1e-6 or > 100 ? RegressionWords.Value(b.Error) : RegressionWords.Of(b.Error), b.Expected is { } expected ? Numbers.Score(expected) : Numbers.Missing], false)));
    }

    private static string Brief(string learner) => learner == RegressionLearners.InContext ? "model" : learner == RegressionLearners.LeastSquares ? "least sq." : learner;
}
