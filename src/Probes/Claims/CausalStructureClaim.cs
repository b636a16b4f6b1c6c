using static System.FormattableString;

namespace MlNetIcl.Probes;

/// <summary>Claim 10: transformers learn the right causal structure from finite samples, and heads correspond to edges.</summary>
internal sealed class CausalStructureClaim : Claim
{
    public override int Number => 10;

    public override string Text => "Transformers learn the right causal structure from finite samples; the more faithful the data, the sooner; heads correspond to edges.";

    public override string? Source => "Nichani, Damian & Lee 2024, arXiv:2402.14735, for fresh samples at every step";

    /// <summary>The four experiments: random graphs; a chain from a fixed number of rows; a chain by faithfulness; two parents and two heads.</summary>
    internal sealed record Experiments(CausalGraphResult Graphs, CausalGraphSweepResult Rows, CausalGraphSweepResult Faithfulness, CausalGraphResult Parents);

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        bool quick = context.Options.Quick;
        var options = new CausalGraphOptions { Seed = context.Options.Seed, Seeds = quick ? 4 : 10, TestRows = 4096 };
        var random = options with { Kind = CausalGraphKind.Random, Steps = quick ? 4096 : 16_384 };
        var chain = options with { Seeds = quick ? 2 : 5, Steps = quick ? 2048 : 16_384 };
        return Find(new(
            CausalGraphProbe.Run(random, progress.Part(0, 0.3), cancellationToken),
            CausalGraphSweep.Run(CausalGraphVariable.TrainingRows, [16, 256, 4096], chain, progress.Part(0.3, 0.55), cancellationToken),
            CausalGraphSweep.Run(CausalGraphVariable.Faithfulness, [0, 0.25, 0.5, 1], chain, progress.Part(0.55, 0.8), cancellationToken),
            CausalGraphProbe.Run(TwoParents(options with { Seeds = quick ? 2 : 5 }, quick), progress.Part(0.8, 1), cancellationToken)));
    }

    private static CausalGraphOptions TwoParents(CausalGraphOptions options, bool quick) => options with
    {
        Kind = CausalGraphKind.SeveralParents,
        Length = 16,
        Steps = quick ? 8192 : 32_768,
    };

    internal static ClaimFinding Find(Experiments found)
    {
        var (graphs, rows, faithfulness, parents) = found;
        var whole = faithfulness.Points[^1].Result;
        var finite = rows.Points.Where(p => AllRight(p.Result)).Select(p => (double?)p.Value).FirstOrDefault();
        var half = parents.Runs.Count(r => r.HeadsDivideParents);
        return new ClaimFinding
        {
            Ran = Invariant($"Two-layer disentangled transformers, {graphs.Options.Vocabulary} tokens, {graphs.Options.Length} positions (icl causal): {graphs.Runs.Count} random graphs, {graphs.Options.Steps} steps; chains from {Values(rows)} rows and with faithfulness {Values(faithfulness)}, {whole.Runs.Count} seeds, {whole.Options.Steps} steps; two parents and two heads, {parents.Runs.Count} seeds, {parents.Options.Steps} steps."),
            Figures =
            [
                new("random graphs: seeds with the parents of all positions right", graphs.AllArgmaxRight, Reference: Invariant($"of {graphs.Runs.Count}; {graphs.Runs.Count(r => r.Metrics.ArgmaxRightWithSelf == r.Metrics.Children)} where no position attends to itself still more")),
                Figure("random graphs: structural Hamming distance", graphs, r => r.Metrics.StructuralHammingDistance, Invariant($"an empty graph has {graphs.Runs.Average(r => r.Graph.Edges.Count(e => e.Child < r.Graph.Length - 1)):0.0}")),
                Figure("random graphs: attention of children to parents", graphs, r => r.Metrics.EdgeAttention, Invariant($"even attention has {graphs.Runs.Average(Even):0.000}")),
                .. rows.Points.Select(p => Figure(Invariant($"chain, {p.Value:0} rows in all: attention to parents"), p.Result, r => r.Metrics.EdgeAttention, Invariant($"all parents right in {p.Result.AllArgmaxRight} of {p.Result.Runs.Count}"))),
                .. faithfulness.Points.Select(p => Figure(Invariant($"chain, faithfulness {p.Value}: attention to parents"), p.Result, r => r.Metrics.EdgeAttention, Invariant($"{p.Result.Runs.Average(r => r.Information):0.000} nats a child; all right from step {Steps(p.Result)}"))),
                new("two parents: seeds whose heads take one parent each", half, Reference: Invariant($"of {parents.Runs.Count}")),
                Figure("two parents: attention to parents", parents, r => r.Metrics.EdgeAttention),
            ],
            Verdict = ClaimRules.All(
            [
                ClaimRules.Holds(AllRight(graphs)),
                ClaimRules.Holds(finite is not null),
                ClaimRules.Holds(DependsOnFaithfulness(faithfulness)),
                Share(half, parents.Runs.Count),
            ]),
            Rule = "reproduced where all hold: in every seed each position with parents attends, of those before it, most to them; some fixed number of rows suffices for that; attention to parents rises with faithfulness from value to value; "
                + "in every seed each of two heads has half of its attention on a parent of its own. Refuted where none holds, else depends",
            Explanation = Explain(found, finite, half),
        };
    }

    private static string Explain(Experiments found, double? finite, int divided)
    {
        string structure = AllRight(found.Graphs) ? "The graph of every seed is learned" : Invariant($"{found.Graphs.AllArgmaxRight} of {found.Graphs.Runs.Count} random graphs are learned whole");
        string samples = finite is { } rows ? Invariant($"; {rows:0} rows suffice for the parents of a chain, and fewer are learned by heart") : "; no number of rows that was tried suffices";
        string heads = divided == found.Parents.Runs.Count ? "With two parents each head takes one." : divided == 0
            ? "With two parents no seed's heads take one each: a head is no edge here." : Invariant($"With two parents, heads take one each in {divided} of {found.Parents.Runs.Count} seeds.");
        return $"{structure}{samples}. {(DependsOnFaithfulness(found.Faithfulness) ? "The less children depend on their parents, the later and the weaker edges are learned." : "Attention to parents does not rise with faithfulness throughout.")} {heads}";
    }

    /// <summary>The attention to a parent of a head that attends to all it can see alike, mean over edges.</summary>
    private static double Even(CausalGraphRun run) => run.Graph.Edges.Where(e => e.Child < run.Graph.Length - 1).Select(e => 1.0 / (e.Child + 1)).DefaultIfEmpty(double.NaN).Average();

    private static ClaimVerdict Share(int holds, int of) => holds == of ? ClaimVerdict.Reproduced : holds == 0 ? ClaimVerdict.Refuted : ClaimVerdict.Depends;

    private static bool AllRight(CausalGraphResult result) => result.AllArgmaxRight == result.Runs.Count;

    private static bool DependsOnFaithfulness(CausalGraphSweepResult sweep) =>
        sweep.Points.Select(p => p.Result.Runs.Average(r => r.Metrics.EdgeAttention)).ToArray() is var attention && attention.Zip(attention.Skip(1), (low, high) => low < high).All(rises => rises);

    private static ClaimFigure Figure(string name, CausalGraphResult result, Func<CausalGraphRun, double> of, string? reference = null) =>
        result.Mean(of) is { } mean ? new(name, mean.Value, result.Runs.Count > 1 ? mean.Interval : null, result.Runs.Count, reference) : new(name, double.NaN, Reference: reference);

    private static string Steps(CausalGraphResult result) => string.Join(", ", result.Runs.Select(r => r.StepsToArgmax is { } step ? Invariant($"{step}") : "never"));

    private static string Values(CausalGraphSweepResult sweep) => string.Join(", ", sweep.Points.Select(p => Invariant($"{p.Value}")));
}
