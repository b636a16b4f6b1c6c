using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.CausalGraphs;

/// <summary>Causal graphs and how they were learned as a report.</summary>
public static class CausalGraphReport
{
    private const int MostRuns = 12; // drawn one by one

    /// <summary>The whole report: what was found, settings, the training, and each run's attention beside its graph.</summary>
    public static Report Of(CausalGraphResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new("Causal structure in attention",
        [
            new("What was measured", [new KeyFacts(CausalGraphWords.Facts(result.Options, result.Heads)), new Note(CausalGraphWords.Reading)]),
            new("Seed by seed", Runs(result), Thresholds(result)),
            new("While training", Curve(result)),
            .. result.Runs.Take(MostRuns).Select(run => new Section(Invariant($"Seed {run.Seed}"), [.. Drawings(run), .. Heads(run)])),
        ])
        {
            Lead = CausalGraphWords.Summary(result),
        };
    }

    /// <summary>A sweep: attention and steps by the value, and all numbers.</summary>
    public static Report Of(CausalGraphSweepResult sweep)
    {
        ArgumentNullException.ThrowIfNull(sweep);
        string name = CausalGraphWords.Of(sweep.Variable);
        return new($"Causal structure by {name}",
        [
            new("What was measured", [new KeyFacts(CausalGraphWords.Facts(sweep.Options, sweep.Points[0].Result.Heads)), new Note(CausalGraphWords.Reading)]),
            new($"By {name}", BySweep(sweep), Sweep(sweep)),
        ])
        {
            Lead = CausalGraphWords.Summary(sweep),
        };
    }

    /// <summary>The columns of a sweep's table, and its rows.</summary>
    internal static DataTable Sweep(CausalGraphSweepResult sweep) => new(
        [
            new(CausalGraphWords.Of(sweep.Variable), true), new("information", true, "nats that a child has about its parents"), new("edge attention", true), new("parents right", true, "seeds with all of them"), new("SHD", true),
            new("steps to right parents", true, "mean over seeds; 'never' where a seed has none"), new("loss", true), new("count", true, "loss of counting with the graph known"),
        ],
        [.. sweep.Points.Select(p => (IReadOnlyList<Cell>)
        [
            Numbers.Brief(p.Value), Numbers.Score(p.Result.Runs.Average(r => r.Information)), CausalGraphWords.Of(p.Result.Mean(r => r.Metrics.EdgeAttention)), Invariant($"{p.Result.AllArgmaxRight} of {p.Result.Runs.Count}"),
            CausalGraphWords.Of(p.Result.Mean(r => r.Metrics.StructuralHammingDistance)), Steps(p.Result), CausalGraphWords.Of(p.Result.Mean(r => r.Loss)), Numbers.Score(p.Result.Runs.Average(r => r.CountLoss)),
        ])])
    {
        Caption = "Brackets are 95 % intervals over seeds",
    };

    /// <summary>The mean number of steps to right parents, or never.</summary>
    internal static string Steps(CausalGraphResult result) =>
        result.Runs.All(r => r.StepsToArgmax is not null) ? Numbers.Count((long)Math.Round(result.Runs.Average(r => r.StepsToArgmax!.Value))) : "never";

    private static LineChart BySweep(CausalGraphSweepResult sweep)
    {
        // Values that span magnitudes stand side by side by their logarithms.
        bool wide = sweep.Points[0].Value > 0 && sweep.Points[^1].Value / sweep.Points[0].Value > 20;
        double X(double value) => wide ? Math.Log10(value) : value;
        return new(
        [
            new Series("attention of children to a parent", [.. sweep.Points.Where(p => p.Result.Mean(r => r.Metrics.EdgeAttention) is not null).Select(p => Point(X(p.Value), p.Result.Mean(r => r.Metrics.EdgeAttention)!.Value))]),
            new Series("share of positions with the right parents", [.. sweep.Points.Select(p => new SeriesPoint(X(p.Value), p.Result.Runs.Average(r => (double)r.Metrics.ArgmaxRight / Math.Max(1, r.Metrics.Children))))]),
        ])
        {
            Title = "What is learned",
            XName = wide ? $"{CausalGraphWords.Of(sweep.Variable)}, logarithm to base 10" : CausalGraphWords.Of(sweep.Variable),
            YName = "share",
            YReaches = [0, 1],
        };
    }

    private static SeriesPoint Point(double x, Estimate e) => double.IsFinite(e.Interval.Low) ? new(x, e.Value, e.Interval.Low, e.Interval.High) : new(x, e.Value);

    private static DataTable Runs(CausalGraphResult result) => new(
        [
            new("seed", true), new("edge attention", true), new("parents right", true), new("SHD", true), new("precision", true), new("recall", true), new("AUROC", true),
            new("right from step", true, "all parents right at every later measurement"), new("loss", true), new("count", true, "loss of counting with the graph known"),
        ],
        [.. result.Runs.Select(r => (IReadOnlyList<Cell>)
        [
            Invariant($"{r.Seed}"), Numbers.Score(r.Metrics.EdgeAttention), Invariant($"{r.Metrics.ArgmaxRight} of {r.Metrics.Children}"),
            Invariant($"{r.Metrics.StructuralHammingDistance}"), Numbers.Score(r.Metrics.Precision), Numbers.Score(r.Metrics.Recall), Numbers.Score(r.Metrics.Auroc), CausalGraphWords.Step(r.StepsToArgmax),
            Numbers.Score(r.Loss), Numbers.Score(r.CountLoss),
        ])]);

    private static DataTable Thresholds(CausalGraphResult result) => new(
        [new("an edge from", true, "least attention"), new("SHD", true), new("precision", true), new("recall", true)],
        [.. result.Runs[0].ByThreshold.Select((t, i) => (IReadOnlyList<Cell>)
        [
            Numbers.Brief(t.Threshold), CausalGraphWords.Of(result.Mean(r => r.ByThreshold[i].Metrics.StructuralHammingDistance)), CausalGraphWords.Of(result.Mean(r => r.ByThreshold[i].Metrics.Precision)),
            CausalGraphWords.Of(result.Mean(r => r.ByThreshold[i].Metrics.Recall)),
        ])])
    {
        Caption = "The graph by threshold, mean over seeds",
    };

    private static LineChart Curve(CausalGraphResult result)
    {
        var runs = result.Runs.Take(MostRuns / 2).ToArray();
        return new([.. runs.Select(run => new Series(Invariant($"seed {run.Seed}"), [.. run.Curve.Select(p => new SeriesPoint(p.Step, p.EdgeAttention))]))])
        {
            Title = "Attention of children to a parent",
            XName = "step",
            YName = "mean attention",
            YReaches = [0, 1],
            Vertical = runs is [{ StepsToArgmax: { } step }] ? [new(step, "all parents right")] : [],
        };
    }

    private static IEnumerable<ReportPart> Drawings(CausalGraphRun run)
    {
        var map = EdgeMap.Largest(run.Heads);
        var truth = new CausalGraph(run.Graph.Parents.Select((p, child) => child > run.Graph.Length - 2 ? [] : p));
        yield return Map(map, run.Heads.Count == 1 ? "Attention, true edges outlined" : "Largest attention of all heads, true edges outlined", truth.Has);
        yield return new CausalGraphFigure(map, run.Found, truth) { Title = "The graph that is read from it" };
    }

    private static IEnumerable<ReportPart> Heads(CausalGraphRun run) => run.Heads.Count == 1 ? []
        : run.Heads.Select((head, i) => Map(head, Invariant($"Head {i} alone"), e => run.Graph.Has(e) && e.Child <= run.Graph.Length - 2));

    /// <summary>A map as a heatmap.</summary>
    internal static Heatmap Map(EdgeMap map, string title, Func<CausalEdge, bool> outlined)
    {
        var values = new double[map.Length, map.Length];
        for (int query = 0; query < map.Length; query++)
            for (int key = 0; key < map.Length; key++) values[query, key] = key <= query ? map[query, key] : double.NaN;
        return new(values)
        {
            Title = title,
            RowName = "position",
            ColumnName = "attends to",
            Mark = (query, key) => key < query && outlined(new(key, query)) ? CellMark.Outlined : CellMark.None,
            MarkMeanings = new Dictionary<CellMark, string> { [CellMark.Outlined] = "edge" },
        };
    }
}
