using MlNetIcl.Probes;
using static System.FormattableString;

namespace MlNetIcl.Reports.Positions;

/// <summary>The sentences of the study of position encodings, the same on a page, in Markdown and on a terminal.</summary>
public static class PositionWords
{
    /// <summary>Why an absolute table has no figure beyond its length.</summary>
    public const string NoRows = "A learned table has no rows for positions beyond the longest training row, so there is nothing to measure there: a dash is not 0.";

    /// <summary>The name of an encoding.</summary>
    public static string Of(PositionScheme scheme) => scheme switch
    {
        PositionScheme.Learned => "learned",
        PositionScheme.Sinusoidal => "sinusoidal",
        PositionScheme.Shortformer => "shortformer",
        PositionScheme.T5Bias => "t5",
        PositionScheme.Rotary => "rotary",
        PositionScheme.Alibi => "alibi",
        PositionScheme.None => "none",
        _ => throw new ArgumentOutOfRangeException(nameof(scheme), scheme, "Expected a known encoding."),
    };

    /// <summary>A mean with its interval; a dash where nothing was measured.</summary>
    public static string Of(Estimate? estimate) => estimate is { } e ? Numbers.Interval(e.Value, e.Interval.Low, e.Interval.High) : Numbers.Missing;

    /// <summary>What was found, in a few sentences.</summary>
    public static string Summary(PositionStudyResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        int trained = result.Options.TrainedDemonstrations, longest = result.Options.TestedDemonstrations[^1];
        string reliance = Names(result, s => s.Trained.First.Interval.Low > 0);
        string recency = Names(result, s => s.Trained.Last.Interval.Low > 0);
        string first = Names(result, s => s.Conflict.FirstWins.Interval.Low > s.Conflict.LastWins.Interval.High);
        string last = Names(result, s => s.Conflict.LastWins.Interval.Low > s.Conflict.FirstWins.Interval.High);
        string beyond = longest <= trained ? "" : " " + (result.Schemes.Where(s => s.ByLength[^1].Accuracy is not null).ToArray() is { Length: > 0 } able
            ? Invariant($"With {longest} demonstrations, {trained} at most in training: {string.Join(", ", able.OrderByDescending(s => s.ByLength[^1].Accuracy!.Value.Value).Select(s => $"{Of(s.Scheme)} {Numbers.Score(s.ByLength[^1].Accuracy!.Value.Value)}"))}.")
            : Invariant($"None of them takes {longest} demonstrations."));
        return Invariant($"With {trained} demonstrations, more often right about the first one than about the others: {reliance}; about the last one: {recency}. Of two demonstrations that contradict each other the first wins: {first}; the last: {last}.{beyond}");
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(PositionStudyResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var o = result.Options;
        return
        [
            ("Task", Invariant($"keys and values mapped anew in each row, {DemonstrationCounts(o)} demonstrations in training, then a key")),
            ("Decoder", Invariant($"2 layers of attention, 4 heads, width {o.DModel}, no MLP; the encodings differ in nothing else")),
            ("Training", Invariant($"{Numbers.Count(o.Steps)} steps of {Numbers.Count(o.BatchTokens)} tokens, learning rate from {string.Join(", ", o.LearningRates.Select(Numbers.Brief))} by a decoder that is not measured")),
            ("Measured (n)", Invariant($"{o.Seeds} decoders of each encoding, {o.Rows} rows each; seed {o.Seed}")),
            ("A uniform guess", Numbers.Score(result.Chance)),
        ];
    }

    private static string DemonstrationCounts(PositionStudyOptions options) => Invariant($"4 to {options.TrainedDemonstrations}");

    private static string Names(PositionStudyResult result, Func<PositionSchemeResult, bool> are) =>
        result.Schemes.Where(are).Select(s => Of(s.Scheme)).ToArray() is { Length: > 0 } names ? string.Join(", ", names) : "none";
}
