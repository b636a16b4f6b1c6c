using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.InContextRegression;

/// <summary>The study of in-context regression as a report.</summary>
public static class RegressionReport
{
    /// <summary>The whole report: what was found, settings, errors by demonstrations, out of distribution, the table of baselines.</summary>
    public static Report Of(RegressionStudyResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new("In-context regression and its baselines",
        [
            new("What was measured", new KeyFacts(RegressionWords.Facts(result)), new Note(Reading)),
            .. result.Comparison is { } comparison ? Comparison(comparison) : [],
            new(Invariant($"Baselines, {result.Options.BaselineDimension} dimensions"), Baselines(result)),
        ])
        {
            Lead = RegressionWords.Summary(result),
        };
    }

    private const string Reading =
        "Errors are squared, divided by the number of dimensions, against outputs without noise, so that an answer of 0 has error 1. Brackets are 95 % intervals over tasks, 1.96 standard errors to each side; squared errors have long tails, "
        + "so that they are rough where tasks are few, and where least squares has as many demonstrations as dimensions and noise, its mean error is not finite.";

    private static IEnumerable<Section> Comparison(RegressionComparison comparison)
    {
        var own = comparison.Sets[0];
        yield return new("By number of demonstrations", Curves(own), ByShots(own));
        if (comparison.Sets.Count == 1) yield break;
        ReportPart[] parts =
        [
            new Prose("Scales are divided out again, so that an answer of 0 keeps error 1; an orthogonal query exists behind fewer demonstrations than dimensions, and nothing can be known of it."),
            Shifts(comparison),
            .. comparison.Sets.Skip(1).Where(s => s.Shift.Kind is RegressionShiftKind.Skewed or RegressionShiftKind.RandomQuadrants or RegressionShiftKind.Noisy).Select(Curves),
        ];
        yield return new("Out of distribution", parts);
    }

    private static LineChart Curves(ShiftResult set) => new(
        [.. set.Curves.Select(c => new Series(c.Learner, [.. c.ByShots.Select((e, k) => (e, k)).Where(p => p.e.Tasks > 0 && p.k > 0).Select(p => new SeriesPoint(p.k, p.e.Mean, Math.Max(0, p.e.Estimate.Interval.Low), p.e.Estimate.Interval.High))]))])
    {
        Title = set.Shift.Kind == RegressionShiftKind.None ? "Error by number of demonstrations" : $"The same: {set.Shift.Name}",
        XName = "demonstrations",
        YName = Invariant($"error (drawn to {Most})"),
        YReaches = [0, 1],
        YMost = Most,
        Horizontal = [new(1, "an answer of 0")],
    };

    private const double Most = 2;

    private static DataTable ByShots(ShiftResult set)
    {
        int[] shots = [.. Enumerable.Range(0, set.Curves[0].ByShots.Count).Where(k => set.Curves.All(c => c.ByShots.Count > k))];
        return new([new("demonstrations", true), .. set.Curves.Select(c => new Column(c.Learner, true))],
            [.. shots.Select(k => (IReadOnlyList<Cell>)[Invariant($"{k}"), .. set.Curves.Select(c => (Cell)RegressionWords.Of(c.ByShots[k]))])]);
    }

    private static DataTable Shifts(RegressionComparison comparison) => new(
        [new("tasks"), new("demonstrations", true), .. comparison.Sets[1].Curves.Select(c => new Column(c.Learner, true))],
        [.. comparison.Sets.Select(set =>
        {
            int k = RegressionWords.LastMeasured(set);
            return (IReadOnlyList<Cell>)[set.Shift.Name, Invariant($"{k}"), .. comparison.Sets[1].Curves.Select(c => new Cell(RegressionWords.Of(set[c.Learner].ByShots[k]), Strong: c.Learner == RegressionLearners.InContext))];
        })]);

    private static DataTable Baselines(RegressionStudyResult result) => new(
        [new("learner"), new("demonstrations", true), new("noise", true), new("error", true), new("expected", true, "closed form; for ridge the Bayes risk of the very inputs")],
        [.. result.Baselines.Select(b => (IReadOnlyList<Cell>)
        [
            b.Learner, Invariant($"{b.Shots}"), Numbers.Brief(b.Noise), b.Error.Mean < 1e-6 || b.Error.Mean > 100 ? RegressionWords.Value(b.Error) : RegressionWords.Of(b.Error),
            b.Expected is { } expected ? Numbers.Score(expected) : Numbers.Missing,
        ])]);
}
