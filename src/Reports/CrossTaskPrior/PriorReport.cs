using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.CrossTaskPrior;

/// <summary>The study of cross-task priors as a report.</summary>
public static class PriorReport
{
    /// <summary>The whole report: what was found, settings, risk by rank, the recovered prior of each rank.</summary>
    public static Report Of(CrossTaskPriorResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new("Cross-task priors in an inverse problem",
        [
            new("What was measured", [new KeyFacts(PriorWords.Facts(result)), new Note(Reading)]),
            new("Risk by the rank of the prior", Risks(result), Closeness(result), new Prose("As the rank nears the number of examples, the examples no longer tell the directions apart, and the prior helps less; the oracle loses as well.")),
            .. result.Ranks.Select(rank => new Section(Invariant($"Rank {rank.Rank}"), Table(result, rank))),
        ])
        {
            Lead = PriorWords.Summary(result),
        };
    }

    private const string Reading =
        "A cosine of 1 is no evidence of a learned mean: ridge, which knows one task alone, shrinks all answers evenly and has it too, as it has the right top directions. What tells a prior is the size of the mean, "
        + "a covariance that lies in the prior's directions alone, and harm on tasks of another family.";

    private static LineChart Risks(CrossTaskPriorResult result) => new(
        [.. Enum.GetValues<InverseLearner>().Select(learner => new Series(PriorWords.Of(learner), [.. result.Ranks.Select(r => Point(r, r[learner].Risk))])),
            new Series("always w0", [.. result.Ranks.Select(r => new SeriesPoint(r.Rank, r.PriorMeanRisk))])])
    {
        Title = "Mean squared error of w",
        XName = "rank of the prior's covariance",
        YName = "risk",
        YReaches = [0],
    };

    private static LineChart Closeness(CrossTaskPriorResult result) => new(
        [.. new[] { InverseLearner.Transformer, InverseLearner.Oracle }.Select(learner => new Series(PriorWords.Of(learner), [.. result.Ranks.Select(r => Point(r, r[learner].Risk))])),
            new Series("oracle, closed form", [.. result.Ranks.Select(r => new SeriesPoint(r.Rank, r.OracleRisk))])])
    {
        Title = "The transformer and the oracle alone",
        XName = "rank of the prior's covariance",
        YName = "risk",
        YReaches = [0],
    };

    private static DataTable Table(CrossTaskPriorResult result, PriorRankResult rank) => new(
        [
            new("learner"), new("risk", true, "mean of |what - w|^2"), new("on foreign tasks", true, "the same where w0 and directions are others"), new("mean: error", true, "|mean of what - w0| / |w0|"),
            new("mean: cosine", true), new("covariance: error", true, "relative, Frobenius"), new("subspace overlap", true, Invariant($"random directions have {Numbers.Score((double)rank.Rank / result.Options.Dimension)}")),
            new("variance outside", true, "share of the variance outside the prior's directions"),
        ],
        [.. rank.Learners.Select(l => (IReadOnlyList<Cell>)
        [
            PriorWords.Of(l.Learner), PriorWords.Of(l.Risk), PriorWords.Of(l.ForeignRisk), PriorWords.Of(l.MeanError), PriorWords.Of(l.MeanCosine), PriorWords.Of(l.CovarianceError),
            PriorWords.Of(l.SubspaceOverlap), PriorWords.Of(l.OutsideVariance),
        ])])
    {
        Caption = Invariant($"Oracle's risk in closed form: {Numbers.Score(rank.OracleRisk)}; always w0: {Numbers.Score(rank.PriorMeanRisk)}; training loss {Numbers.Score(rank.TrainingLoss.First)} to {Numbers.Score(rank.TrainingLoss.Last)}. Brackets are 95 % intervals over tasks"),
    };

    private static SeriesPoint Point(PriorRankResult rank, Estimate e) => new(rank.Rank, e.Value, e.Interval.Low, e.Interval.High);
}
