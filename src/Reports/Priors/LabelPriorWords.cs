using MlNetIcl.Probes;
using static System.FormattableString;

namespace MlNetIcl.Reports.Priors;

/// <summary>The rows and sentences of a labelling task's priors, the same on a page, in Markdown and on a terminal.</summary>
public static class LabelPriorWords
{
    /// <summary>What was found, in three sentences.</summary>
    public static string Summary(LabelPriorResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return $"Demonstrations move {Show(result.Format)} of probability to the labels. "
            + $"Without them the model is {Show(result.AccuracyWithoutAboveGuess)} above a guess. "
            + $"True pairs are worth {Show(result.ShuffledPairs.Difference)} of accuracy against shuffled ones.";
    }

    /// <summary>The settings behind the numbers.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(LabelPriorResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return
        [
            ("Model", result.Model),
            ("Labels", string.Join(", ", result.Labels)),
            ("Queries (n)", Invariant($"{result.Queries}; seed {result.Seed}")),
            ("Demonstrations", Invariant($"{result.Demonstrations}, mean over {result.Draws} draws")),
        ];
    }

    /// <summary>The table: what was measured, its value, and the prior as a difference where the row has one.</summary>
    public static IReadOnlyList<(string Name, string Value, string Difference)> Rows(LabelPriorResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return
        [
            ("labels' probability, no demonstrations", Show(result.MassWithout), ""),
            ("format: with demonstrations", Show(result.MassWith), Show(result.Format)),
            .. result.Semantic.Select(label => ($"semantic: '{label.Label}' before any", Show(label.WithoutDemonstrations), Show(label.Difference))),
            .. result.Semantic.Select(label => ($"content-free: '{label.Label}'", Numbers.Score(label.ContentFree), "")),
            ("accuracy, no demonstrations", Show(result.AccuracyWithout), Show(result.AccuracyWithoutAboveGuess)),
            ("accuracy, true pairs", Show(result.AccuracyTrue), ""),
            ("structure: shuffled pairs", Show(result.ShuffledPairs.Accuracy), Show(result.ShuffledPairs.Difference)),
            ("structure: texts of random words", Show(result.ForeignTexts.Accuracy), Show(result.ForeignTexts.Difference)),
            ("structure: words that are no labels", Show(result.ForeignLabels.Accuracy), Show(result.ForeignLabels.Difference)),
        ];
    }

    private static string Show(QueryMean mean) => Numbers.Interval(mean.Value, mean.Interval.Low, mean.Interval.High);
}
