using MlNetIcl.Probes;
using MlNetIcl.Reports.Positions;
using static System.FormattableString;

namespace MlNetIcl.Reports.CausalGraphs;

/// <summary>The sentences of causal-graph results, the same on a page, in Markdown and on a terminal.</summary>
public static class CausalGraphWords
{
    /// <summary>How the metrics are to be read.</summary>
    public const string Reading =
        "Attention is layer 1's by position alone (the softmax of the position block of A1 over a position and what is before it). Positions 1 to T - 2 count: the first has no choice, and the last row is what is predicted from. "
        + "SHD: edges missing or added at the threshold. AUROC: how often an edge has more attention than a pair without one. Parents are right where, of the earlier positions, the heads attend most to exactly them.";

    /// <summary>A kind of graph, as it is named on a command line.</summary>
    public static string Of(CausalGraphKind kind) => kind switch
    {
        CausalGraphKind.Chain => "chain",
        CausalGraphKind.Tree => "tree",
        CausalGraphKind.Random => "random",
        CausalGraphKind.Induction => "induction",
        CausalGraphKind.SeveralParents => "parents",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Expected a known kind of graph."),
    };

    /// <summary>What a sweep varies, as it is named on a command line.</summary>
    public static string Of(CausalGraphVariable variable) => variable switch
    {
        CausalGraphVariable.Faithfulness => "faithfulness",
        CausalGraphVariable.Alpha => "alpha",
        CausalGraphVariable.TrainingRows => "rows",
        CausalGraphVariable.Steps => "steps",
        _ => throw new ArgumentOutOfRangeException(nameof(variable), variable, "Expected a known variable."),
    };

    /// <summary>What was found, in a few sentences.</summary>
    public static string Summary(CausalGraphResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        int n = result.Runs.Count;
        int children = result.Runs.Sum(r => r.Metrics.Children), right = result.Runs.Sum(r => r.Metrics.ArgmaxRight), strictly = result.Runs.Sum(r => r.Metrics.ArgmaxRightWithSelf);
        string text = children == 0 ? "The graph has no edges before its last position, so there is nothing to find."
            : Invariant($"The parents of {right} of {children} positions are right (by chance {Numbers.Score(result.Runs.Sum(r => r.Metrics.ArgmaxByChance))}{(right == strictly ? "" : Invariant($"; {right - strictly} attend to themselves still more"))}){(n == 1 ? "" : Invariant($", all of them in {result.AllArgmaxRight} of {n} seeds"))}. Children have {Of(result.Mean(r => r.Metrics.EdgeAttention))} of their attention on a parent; SHD {Of(result.Mean(r => r.Metrics.StructuralHammingDistance))}.");
        if (result.Heads > 1) text += Invariant($" Heads take one parent each in {result.Runs.Count(r => r.HeadsDivideParents)} of {n} {(n == 1 ? "seed" : "seeds")}.");
        return text + Invariant($" Loss {Of(result.Mean(r => r.Loss))}, counting with the graph known {Numbers.Score(result.Runs.Average(r => r.CountLoss))}.");
    }

    /// <summary>What a sweep found, in a sentence.</summary>
    public static string Summary(CausalGraphSweepResult sweep)
    {
        ArgumentNullException.ThrowIfNull(sweep);
        CausalGraphSweepPoint low = sweep.Points[0], high = sweep.Points[^1];
        return $"{Sentence(low)}; {Sentence(high)}.";

        string Sentence(CausalGraphSweepPoint point) => Invariant($"{Of(sweep.Variable)} {Numbers.Brief(point.Value)}: {Of(point.Result.Mean(r => r.Metrics.EdgeAttention))} of children's attention on a parent, all parents right in {point.Result.AllArgmaxRight} of {point.Result.Runs.Count}");
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(CausalGraphOptions options, int heads)
    {
        ArgumentNullException.ThrowIfNull(options);
        string kind = options.Graph is not null ? "a graph that was given" : options.Kind == CausalGraphKind.SeveralParents ? Invariant($"{options.Parents} parents of each position") : Of(options.Kind);
        double rate = options.LearningRate ?? (heads > 1 ? 0.01 : 1);
        return
        [
            ("Graph", Invariant($"{kind}, {options.Length} positions, {options.Vocabulary} tokens")),
            ("Data", Invariant($"a kernel for each row, Dirichlet({Numbers.Brief(options.Alpha)}), faithfulness {Numbers.Brief(options.Faithfulness)}; {(options.TrainingRows is { } rows ? Invariant($"{Numbers.Count(rows)} rows in all") : "fresh rows at every step")}")),
            ("Model", Invariant($"disentangled transformer, two layers, {heads} {(heads == 1 ? "head" : "heads")} in the first")),
            ("Training", Invariant($"{Numbers.Count(options.Steps)} steps of {Numbers.Count(options.BatchRows)} rows, {(heads > 1 ? "AdamW" : "gradient descent")}, rate {Numbers.Brief(rate)} falling to 0")),
            ("Read", Invariant($"an edge from attention {Numbers.Brief(options.Threshold)}; {Numbers.Count(options.Seeds)} {(options.Seeds == 1 ? "seed" : "seeds")} from {options.Seed}; losses on {Numbers.Count(options.TestRows)} fresh rows")),
        ];
    }

    /// <summary>A mean with its interval; without one where there is none, or where it is no wider than the value.</summary>
    public static string Of(Estimate? estimate) => estimate is not { } known ? Numbers.Missing
        : !double.IsFinite(known.Interval.Low) || known.Interval.Low == known.Interval.High ? Numbers.Score(known.Value) : PositionWords.Of(known);

    /// <summary>A step, or that it was never reached.</summary>
    public static string Step(int? step) => step is { } reached ? Numbers.Count(reached) : "never";

    /// <summary>The parents of a position: <c>3</c>, <c>1+4</c>, or <c>root</c>.</summary>
    public static string Parents(IReadOnlyList<int> parents)
    {
        ArgumentNullException.ThrowIfNull(parents);
        return parents.Count == 0 ? "root" : string.Join("+", parents.Select(p => Invariant($"{p}")));
    }
}
