using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.LinearAttention;

/// <summary>Linear attention as a report.</summary>
public static class LinearAttentionReport
{
    private const int MostCurves = 6;

    /// <summary>The whole report: which regression attention equals and which it does not; loss curves with the plateaus of theory, what is learned when, all drops.</summary>
    public static Report Of(LinearAttentionResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var dynamics = result.Dynamics;
        return new("Linear attention: kernel regression and its dynamics",
        [
            new("What was measured", new KeyFacts(LinearAttentionWords.Facts(result))),
            new("Which kernel regression it is", [Equalities(result.Equality), Gaps(result.Equality), .. RidgeFigure(result.Equality), new Note(KernelReading)]),
            .. dynamics.Kinds.Select(kind => Section(dynamics, kind)),
            new("How drops are found", new Prose(LinearAttentionWords.Rule)),
        ])
        {
            Lead = LinearAttentionWords.Summary(result),
        };
    }

    private const string KernelReading =
        "'Equals kernel regression' is true of the unnormalised smoother and false of what statistics calls by that name. A linear kernel takes both signs, so that the sum of weights that normalisation divides by may be "
        + "near 0; and ridge regression accounts for inputs that resemble each other, which one product with each cannot. As the ridge grows, (K + ridge I)^-1 nears a multiple of I, and only then the two are alike.";

    /// <summary>The comparisons that ought to be equal: largest difference, and what it is relative to.</summary>
    public static DataTable Equalities(KernelEqualityResult equality)
    {
        ArgumentNullException.ThrowIfNull(equality);
        return new(
            [new("attention"), new("kernel regression"), new("largest difference", true), new("largest output", true, "what differences are relative to"), new("relative", true), new("heads", true), new("n", true, "tasks, or rows of tokens")],
            [.. equality.Equalities.Select(c => (IReadOnlyList<Cell>)
                [LinearAttentionWords.Attention(c), LinearAttentionWords.Regression(c), LinearAttentionWords.Difference(c.MaxDifference), Numbers.Brief(Math.Round(c.Scale, 3)), LinearAttentionWords.Difference(c.RelativeDifference), Numbers.Count(c.Heads), Numbers.Count(c.N)])])
        {
            Caption = "What ought to be equal: attention in float32, the regression in float64",
        };
    }

    private static DataTable Gaps(KernelEqualityResult equality) => new(
        [new("attention"), new("kernel regression"), new("gap", true, "share of attention's root mean square that no multiple of the regression explains"), new("n", true, "tasks, or rows of tokens")],
        [.. equality.Comparisons.Where(c => !c.ExpectedEqual).Select(c => (IReadOnlyList<Cell>)[LinearAttentionWords.Attention(c), LinearAttentionWords.Regression(c), LinearAttentionWords.Of(c.Gap), Numbers.Count(c.N)])])
    {
        Caption = "What is not equal, and how far apart it is: 0 where one is a multiple of the other, 1 where they have nothing in common; brackets are 95 % intervals",
    };

    private static IEnumerable<ReportPart> RidgeFigure(KernelEqualityResult equality)
    {
        if (equality.Options.Ridges.Count < 2) yield break;
        Series Of(string name, AttentionKind attention) => new(name,
            [.. equality.Comparisons.Where(c => c.Smoother == SmootherKind.Ridge && c.Attention == attention).Select(c => new SeriesPoint(c.Ridge!.Value, c.Gap.Value, c.Gap.Interval.Low, c.Gap.Interval.High))]);
        yield return new LineChart(Of("linear attention, linear kernel", AttentionKind.Linear), Of("softmax attention, exponential kernel", AttentionKind.Softmax))
        {
            Title = "Attention against kernel ridge regression",
            XName = "ridge / N",
            YName = "gap",
            YReaches = [0],
            LogX = true,
        };
    }

    private static Section Section(AttentionDynamicsResult dynamics, KeyQueryResult kind)
    {
        var first = kind.Runs[0];
        var parts = new List<ReportPart>
        {
            Curves(dynamics, kind),
            Components(dynamics, Invariant($"Share of each component that is learned, seed {first.Seed}"), "share of its optimum", first, p => p.Learned),
        };
        if (kind.Kind == KeyQueryKind.Separate)
            parts.Add(Components(dynamics, Invariant($"Alignment of key and query with each component, seed {first.Seed}"), "|key . e| |query . e|", first, p => p.Alignment));
        if (LinearAttentionWords.Unfinished(kind) is { } unfinished) parts.Add(new Note(unfinished));
        parts.Add(kind.Runs.Any(run => run.Drops.Count > 0) ? Drops(dynamics, kind) : new Prose("No training had a drop, so that there is no table of them."));
        return new(kind.Kind == KeyQueryKind.Merged ? "Merged keys and queries: one drop" : "Separate keys and queries: a staircase", [.. parts]);
    }

    private static LineChart Curves(AttentionDynamicsResult dynamics, KeyQueryResult kind) => new(
        [.. kind.Runs.Take(MostCurves).Select(run => new Series(Invariant($"seed {run.Seed}"), [.. run.Points.Select(p => new SeriesPoint(p.Step, p.Loss))]))])
    {
        Title = Invariant($"Loss in the population, {LinearAttentionWords.Of(kind.Kind)} keys and queries"),
        Caption = Invariant($"{LinearAttentionWords.Drops(kind)}{(kind.Runs.Count > MostCurves ? Invariant($"; the first {MostCurves} trainings are drawn") : "")}. Lines across: closed form"),
        XName = "steps of gradient descent",
        YName = "squared error",
        YReaches = [0],
        LogX = true,
        NamesAtStart = true,
        Horizontal = kind.Kind == KeyQueryKind.Merged
            ? [new(dynamics.Optimum, Invariant($"optimum {Numbers.Score(dynamics.Optimum)}"))]
            : [.. dynamics.Levels.Skip(1).Select((level, learned) => new ReferenceLine(level, Invariant($"{learned + 1} learned: {Numbers.Score(level)}")))],
    };

    private static LineChart Components(AttentionDynamicsResult dynamics, string title, string name, DynamicsRun run, Func<DynamicsPoint, IReadOnlyList<double>> values) => new(
        [.. Enumerable.Range(0, dynamics.Eigenvalues.Count).OrderBy(c => LinearAttentionWords.Rank(dynamics, c)).Take(MostCurves)
            .Select(c => new Series(Invariant($"component {LinearAttentionWords.Rank(dynamics, c)} ({Numbers.Brief(Math.Round(dynamics.Eigenvalues[c], 3))})"), [.. run.Points.Select(p => new SeriesPoint(p.Step, values(p)[c]))]))])
    {
        Title = title,
        Caption = "Components by their eigenvalue, which stands in brackets",
        XName = "steps of gradient descent",
        YName = name,
        YReaches = [0, 1],
        LogX = true,
    };

    /// <summary>Every drop of every training, with the plateau after it beside that of theory.</summary>
    public static DataTable Drops(AttentionDynamicsResult dynamics, KeyQueryResult kind)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        ArgumentNullException.ThrowIfNull(kind);
        return new(
            [
                new("seed"), new("drop", true), new("step", true, "where the loss falls fastest"), new("component", true, "learned in it, by eigenvalue"), new("head", true, "that grew most"), new("alignment", true, "of its key and query with that component"),
                new("plateau after it", true, "population loss where it falls slowest"), new("closed form", true, "with as many of the largest components learned"),
            ],
            [.. kind.Runs.SelectMany(run => run.Drops.Select((drop, i) => (IReadOnlyList<Cell>)
            [
                Invariant($"{run.Seed}"), Invariant($"{i + 1}"), Numbers.Count(drop.Step), LinearAttentionWords.Components(dynamics, drop.Components), drop.Head is { } head ? Invariant($"{head}") : Numbers.Missing,
                drop.Alignment is { } alignment ? Numbers.Score(alignment) : Numbers.Missing, Numbers.Score(run.Plateaus[i + 1].Loss), Numbers.Score(run.Plateaus[i + 1].Level),
            ]))])
        {
            Caption = Invariant($"Drops: {LinearAttentionWords.Drops(kind)}. Final loss {LinearAttentionWords.Of(kind.FinalLoss)}, closed form {Numbers.Score(dynamics.Optimum)}"),
        };
    }
}
