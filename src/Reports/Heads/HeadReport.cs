using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;

namespace MlNetIcl.Reports.Heads;

/// <summary>Head detection as a report, or as the parts of one. Every number stands with its interval, its control and n.</summary>
public static class HeadReport
{
    /// <summary>The whole report: what was found, settings, a map and a table for each kind of head, other scores, confirmation and losses where measured.</summary>
    public static Report Of(HeadDetectionResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new($"Attention heads of {result.Model}",
        [
            new("What was measured", [Facts(result), .. Caveats(result)]),
            .. Enum.GetValues<HeadKind>().Where(kind => result.Heads.Any(h => h[kind].Score is not null)).Select(kind => SectionOf(result, kind)),
            .. result.Confirmation is { } confirmation ? [ConfirmationReport.SectionOf(confirmation)] : Array.Empty<Section>(),
            .. result.Losses is { } losses ? [new Section("Losses", LossCurve(losses, result.Protocol), new KeyFacts(HeadWords.Facts(losses)))] : Array.Empty<Section>(),
            .. OtherScores(result) is { } table ? [new Section("Other scores", new Prose(OtherScoresMeaning), table)] : Array.Empty<Section>(),
        ])
        {
            Lead = HeadWords.Summary(result, HeadKind.Induction) + (result.Confirmation is { Heads.Count: > 0 } found ? " " + ConfirmationWords.Summary(found) : ""),
        };
    }

    /// <summary>Model, sequences, seed and thresholds.</summary>
    public static KeyFacts Facts(HeadDetectionResult result) => new(HeadWords.Facts(result));

    /// <summary>The scores of a kind, layer by head; outlined where the verdict says so.</summary>
    public static Heatmap Map(HeadDetectionResult result, HeadKind kind)
    {
        ArgumentNullException.ThrowIfNull(result);
        var values = new double[result.Layers, result.HeadsPerLayer];
        foreach (var head in result.Heads) values[head.Layer, head.Head] = head[kind].Score ?? double.NaN;
        string verdict = HeadVerdicts.Of(kind);
        bool decided = result.Heads.Any(h => h[kind].Verdict is not null);
        return new(values)
        {
            Title = $"{HeadWords.Capital(HeadWords.Of(kind))} score of every head",
            Caption = HeadWords.Meaning(result, kind),
            Mark = (layer, head) => result[layer, head][kind].Verdict is { } v ? v == verdict ? CellMark.Outlined : v == HeadVerdicts.Weak ? CellMark.Dashed : CellMark.None : CellMark.None,
            MarkMeanings = decided ? new Dictionary<CellMark, string> { [CellMark.Outlined] = $"verdict: {verdict}", [CellMark.Dashed] = "verdict: weak" } : [],
            Describe = (layer, head) => HeadWords.Line(result[layer, head], kind),
        };
    }

    /// <summary>All heads with score, control, difference, p, q, verdict and n of a kind, the strongest first. What was measured for no head has no column.</summary>
    public static DataTable Table(HeadDetectionResult result, HeadKind kind)
    {
        ArgumentNullException.ThrowIfNull(result);
        bool Found(HeadMeasure m) => m.Verdict == HeadVerdicts.Of(kind);
        var columns = new (Column Column, Func<HeadMeasure, bool> IsMeasured, Func<HeadMeasure, Cell> Cell)[]
        {
            (new("score", true, "mean attention, with its 95 % interval over sequences"), m => m.Score is not null, m => Exact(m.Score, HeadWords.Interval(m.Score, m.ScoreInterval))),
            (new("control", true, "the same attention entries without repetition (previous-token: uniform attention)"), m => m.Control is not null, m => Exact(m.Control, HeadWords.Interval(m.Control, m.ControlInterval))),
            (new("difference", true, "score minus control, with its 95 % interval over sequences; the verdict rests on it"), m => m.Difference is not null, m => Exact(m.Difference, HeadWords.Interval(m.Difference, m.DifferenceInterval))),
            (new("p", true, "one-sided sign-flip permutation test of the difference"), m => m.P is not null, m => Exact(m.P, Numbers.Probability(m.P ?? double.NaN))),
            (new("q", true, "p after Benjamini-Hochberg over all heads"), m => m.Q is not null, m => Exact(m.Q, Numbers.Probability(m.Q ?? double.NaN))),
            (new("verdict"), m => m.Verdict is not null, m => new(m.Verdict ?? Numbers.Missing, Strong: Found(m))),
            (new("n", true, "sequences"), _ => true, m => Numbers.Count(m.Sequences)),
        }.Where(c => result.Heads.Any(h => c.IsMeasured(h[kind]))).ToArray();
        return new(
            [new("head"), .. columns.Select(c => c.Column)],
            [.. HeadWords.ByStrength(result, kind).Select(h => (IReadOnlyList<Cell>)[new(h.Name, Strong: Found(h[kind])), .. columns.Select(c => c.Cell(h[kind]))])])
        {
            Caption = $"{HeadWords.Capital(HeadWords.Of(kind))} scores, strongest first; brackets are 95 % intervals over the n sequences",
        };
    }

    /// <summary>Mean loss of each token, with the starts of the repeats.</summary>
    public static LineChart LossCurve(RepetitionLosses losses, SequenceProtocol protocol)
    {
        ArgumentNullException.ThrowIfNull(losses);
        ArgumentNullException.ThrowIfNull(protocol);
        return new(Series.Of("mean loss", losses.ByPosition, first: 1))
        {
            Title = "Loss by position",
            Caption = $"Loss of the token at each position, mean over n = {Numbers.Count(protocol.Sequences)} sequences. A model that copies is better from the second token of the second repeat on.",
            XName = "position of the predicted token",
            YName = "loss (nats)",
            YReaches = [0],
            Vertical = protocol is { Period: { } period, Repeats: { } repeats }
                ? [.. Enumerable.Range(1, repeats - 1).Select(i => new ReferenceLine(i * period + (protocol.BosTokenId is null ? 0 : 1), $"repeat {i + 1}"))]
                : [],
        };
    }

    private const string OtherScoresMeaning =
        "None of these is part of a verdict. TransformerLens's scores run over all rows, so that an induction head reaches about 0.5 on two repeats; " +
        "copying is the eigenvalue score of the head's output circuit, from -1 to 1, and can be positive in a model without induction heads.";

    private static DataTable? OtherScores(HeadDetectionResult result)
    {
        var columns = new (Column Column, Func<HeadScores, double?> Value)[]
        {
            (new("copying", true, "sum of eigenvalues over sum of their magnitudes, W_E W_V W_O W_U"), h => h.Copying),
            (new("entropy", true, "mean entropy of the attention, nats"), h => h.Entropy),
            (new("TL induction mul", true), h => h.TransformerLens?.InductionMul),
            (new("TL induction abs", true), h => h.TransformerLens?.InductionAbs),
            (new("TL previous mul", true), h => h.TransformerLens?.PreviousTokenMul),
            (new("TL previous abs", true), h => h.TransformerLens?.PreviousTokenAbs),
            (new("TL duplicate mul", true), h => h.TransformerLens?.DuplicateTokenMul),
            (new("TL duplicate abs", true), h => h.TransformerLens?.DuplicateTokenAbs),
        }.Where(c => result.Heads.Any(h => c.Value(h) is not null)).ToArray();
        return columns.Length == 0 ? null : new(
            [new("head"), .. columns.Select(c => c.Column)],
            [.. result.Heads.Select(head => (IReadOnlyList<Cell>)[head.Name, .. columns.Select(c => (Cell)Numbers.Score(c.Value(head) ?? double.NaN))])]);
    }

    // What rounding hides shows when the pointer rests on the cell.
    private static Cell Exact(double? value, string text) => new(text, value is { } v ? Numbers.Brief(v) : "not measured");

    private static Section SectionOf(HeadDetectionResult result, HeadKind kind) =>
        new($"{HeadWords.Capital(HeadWords.Of(kind))} heads", new Prose(HeadWords.Summary(result, kind)), Map(result, kind), Table(result, kind));

    private static IEnumerable<Note> Caveats(HeadDetectionResult result)
    {
        yield return new("A score says where a head looks, not what the model would lose without it: a high score is not a large effect."
            + (result.Confirmation is null ? "" : " Causal confirmation, below, asks that."));
        if (result.Protocol.BosTokenId is null && result.Protocol.Source == HeadScoreSource.Generated)
            yield return new("The model names no token that starts a text, so the sequences start with their first random token; heads that rest on such a token may score lower.");
    }
}
