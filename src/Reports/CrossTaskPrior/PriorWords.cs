using MlNetIcl.Probes;
using MlNetIcl.Reports.Positions;
using static System.FormattableString;

namespace MlNetIcl.Reports.CrossTaskPrior;

/// <summary>The sentences of the study of cross-task priors, the same on a page, in Markdown and on a terminal.</summary>
public static class PriorWords
{
    /// <summary>The name of a learner.</summary>
    public static string Of(InverseLearner learner) => learner switch
    {
        InverseLearner.Ridge => "ridge",
        InverseLearner.TwoStageRidge => "two-stage ridge",
        InverseLearner.Transformer => "transformer",
        InverseLearner.Oracle => "oracle",
        _ => throw new ArgumentOutOfRangeException(nameof(learner), learner, "Expected a known learner."),
    };

    /// <summary>What was found, in a few sentences.</summary>
    public static string Summary(CrossTaskPriorResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var (low, high) = (result.Ranks[0], result.Ranks[^1]);
        string text = $"{At(low)} Its mean answer is {Share(low[InverseLearner.Transformer].MeanError)} of |w0| away from w0 (ridge: {Share(low[InverseLearner.Ridge].MeanError)}), "
            + $"the covariance of its answers {Share(low[InverseLearner.Transformer].CovarianceError)} of the true one's size away (ridge: {Share(low[InverseLearner.Ridge].CovarianceError)}).";
        return result.Ranks.Count == 1 ? text : $"{text} {At(high)}";

        string At(PriorRankResult rank) => Invariant($"Weights of rank {rank.Rank}, {result.Options.Examples} examples: risk of the transformer {Risk(rank, InverseLearner.Transformer)}, of ridge {Risk(rank, InverseLearner.Ridge)}, of two-stage ridge {Risk(rank, InverseLearner.TwoStageRidge)}, of the oracle {Risk(rank, InverseLearner.Oracle)}.");
        string Risk(PriorRankResult rank, InverseLearner learner) => Numbers.Score(rank[learner].Risk.Value);
        string Share(Estimate estimate) => Numbers.Score(estimate.Value);
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(CrossTaskPriorResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var o = result.Options;
        return
        [
            ("Tasks", Invariant($"y = Xw + eps, {o.Examples} examples of {o.Dimension} unknowns, noise {Numbers.Brief(o.Noise)}, |w0| = {Numbers.Brief(o.MeanNorm)}, w varies by 1 in each of r directions")),
            ("Transformer", Invariant($"{o.Layers} layers of linear attention after a layer norm, {o.Heads} heads, width {o.DModel}; {Numbers.Count(o.Steps)} steps of {Numbers.Count(o.BatchTasks)} fresh tasks on |X what - Y|^2: w is never shown")),
            ("Two-stage ridge", Invariant($"prior from {Numbers.Count(o.PriorTasks)} other tasks without their w; it is told the rank")),
            ("Measured (n)", Invariant($"{Numbers.Count(o.TestTasks)} fresh tasks; seed {o.Seed}")),
        ];
    }

    /// <summary>A mean with its interval.</summary>
    public static string Of(Estimate estimate) => PositionWords.Of(estimate);
}
