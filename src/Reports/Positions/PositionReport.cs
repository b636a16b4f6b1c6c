using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Positions;

/// <summary>The study of position encodings as a report.</summary>
public static class PositionReport
{
    /// <summary>The whole report: what was found, settings, reliance on the first and last demonstration, contradictions, extrapolation.</summary>
    public static Report Of(PositionStudyResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        int trained = result.Options.TrainedDemonstrations, longest = result.Options.TestedDemonstrations[^1];
        bool missing = result.Schemes.Any(s => s.ByLength.Any(l => l.Accuracy is null));
        return new("Position encodings on one in-context task",
        [
            new("What was measured", [new KeyFacts(PositionWords.Facts(result)), Training(result)]),
            new(Invariant($"Which demonstration is relied on, {trained} of them"), ByPosition(result, s => s.Trained), Reliance(result, s => s.Trained)),
            .. longest > trained && result.Schemes.Any(s => s.Longest is not null)
                ? [new Section(Invariant($"The same with {longest}, more than in training"), ByPosition(result, s => s.Longest), Reliance(result, s => s.Longest))] : Array.Empty<Section>(),
            new("Two demonstrations that contradict each other", new Prose("One key stands twice, with two values, and is asked for. Training has no such rows, so that nothing but the encoding and chance decide."), Conflict(result)),
            new("More demonstrations than in training", [Lengths(result), .. missing ? [new Note(PositionWords.NoRows)] : Array.Empty<ReportPart>()]),
        ])
        {
            Lead = PositionWords.Summary(result),
        };
    }

    private static DataTable Training(PositionStudyResult result) => new(
        [new("encoding"), new("learning rate", true), new("loss by learning rate", true, "of the decoder that the choice was made with, nats"), new("loss of the measured decoders", true, "held-out rows, nats")],
        [.. result.Schemes.Select(s => (IReadOnlyList<Cell>)
        [
            PositionWords.Of(s.Scheme), Numbers.Brief(s.LearningRate),
            s.Candidates.Count == 0 ? Numbers.Missing : string.Join(", ", s.Candidates.Select(c => $"{Numbers.Brief(c.Rate)}: {Numbers.Score(c.Loss)}")),
            string.Join(", ", s.HeldOutLosses.Select(Numbers.Score)),
        ])]);

    private static LineChart ByPosition(PositionStudyResult result, Func<PositionSchemeResult, DemonstrationReliance?> of) => new(
        [.. result.Schemes.Where(s => of(s) is not null).Select(s => new Series(PositionWords.Of(s.Scheme), [.. of(s)!.ByPosition.Select((e, i) => Point(i + 1, e))]))])
    {
        Title = "Accuracy by the place of the demonstration that answers",
        XName = "demonstration",
        YName = "accuracy",
        YReaches = [0, 1],
        Horizontal = [new(result.Chance, "uniform guess")],
    };

    private static DataTable Reliance(PositionStudyResult result, Func<PositionSchemeResult, DemonstrationReliance?> of) => new(
        [new("encoding"), new("first - others", true, "accuracy where the answer stands in the first demonstration minus the mean of the others"), new("last - others", true)],
        [.. result.Schemes.Select(s => (IReadOnlyList<Cell>)[PositionWords.Of(s.Scheme), PositionWords.Of(of(s)?.First), PositionWords.Of(of(s)?.Last)])])
    {
        Caption = "Brackets are 95 % intervals over decoders and rows; 0 is no preference",
    };

    private static DataTable Conflict(PositionStudyResult result) => new(
        [new("encoding"), new("first wins", true), new("last wins", true), new("first demonstration's pull", true, "how much more often the first of the two wins where it is the row's first demonstration")],
        [.. result.Schemes.Select(s => (IReadOnlyList<Cell>)[PositionWords.Of(s.Scheme), PositionWords.Of(s.Conflict.FirstWins), PositionWords.Of(s.Conflict.LastWins), PositionWords.Of(s.Conflict.FirstDemonstrationPull)])]);

    private static LineChart Lengths(PositionStudyResult result) => new(
        [.. result.Schemes.Select(s => new Series(PositionWords.Of(s.Scheme),
            [.. s.ByLength.Select(l => l.Accuracy is { } e ? Point(l.Demonstrations, e) : new SeriesPoint(l.Demonstrations, double.NaN))]))])
    {
        Title = "Accuracy by number of demonstrations",
        XName = "demonstrations",
        YName = "accuracy",
        YReaches = [0, 1],
        Horizontal = [new(result.Chance, "uniform guess")],
        Vertical = [new(result.Options.TrainedDemonstrations, "most in training")],
    };

    private static SeriesPoint Point(double x, Estimate e) => new(x, e.Value, e.Interval.Low, e.Interval.High);
}
