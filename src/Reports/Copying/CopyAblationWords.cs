using System.Globalization;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Heads;
using static System.FormattableString;

namespace MlNetIcl.Reports.Copying;

/// <summary>The sentences of the copying circuit's ablation, the same on a page, in Markdown and on a terminal.</summary>
public static class CopyAblationWords
{
    /// <summary>What was found, in two or three sentences.</summary>
    public static string Summary(CopyAblationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        string whole = $"'{result.Model}' copies {Accuracy(result.Base)} of what repeats";
        if (result.InductionHeads.Count == 0)
            return $"None of the {Numbers.Count(result.Layers * result.HeadsPerLayer)} heads is an induction head, so there is no copying circuit to ablate. {whole}; percentages of that would mean nothing.";
        if (!result.Copies) return $"{whole}: too little for percentages of it to mean anything.";
        return $"{whole}. {Without(CopyIntervention.AblatePreviousToken, "previous-token", result.PreviousTokenHeads.Count)} {Without(CopyIntervention.AblateInduction, "induction", result.InductionHeads.Count)}";

        string Without(CopyIntervention intervention, string kind, int count) => result.Rows.FirstOrDefault(r => r.Intervention == intervention) is { } row
            ? $"Without its {count} {kind} {(count == 1 ? "head" : "heads")} that changes by {Change(row)} (article: {Percent(row.Claim!.Value)})."
            : $"It has no {kind} head.";
    }

    /// <summary>What was done, in a few words.</summary>
    public static string Of(CopyAblationRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row.Intervention switch
        {
            CopyIntervention.AblatePreviousToken => "previous-token heads off",
            CopyIntervention.AblateInduction => "induction heads off",
            CopyIntervention.AblateBoth => "both off",
            CopyIntervention.RestorePreviousToken => "previous-token heads back",
            CopyIntervention.RestoreInduction => "induction heads back",
            CopyIntervention.RestoreBoth => "both back",
            CopyIntervention.RestoreHead => $"{row.Head} back",
            CopyIntervention.RestoreHeadBesideOtherSet => $"{row.Head} and other kind back",
            CopyIntervention.AblateFirstLayer => "all of layer 0 off",
            CopyIntervention.AblateSecondLayer => "all of layer 1 off",
            CopyIntervention.AblateBothLayers => "all heads off",
            CopyIntervention.ControlPreviousToken => "control of previous-token",
            CopyIntervention.ControlInduction => "control of induction",
            CopyIntervention.ControlBoth => "control of both",
            _ => throw new ArgumentOutOfRangeException(nameof(row), row.Intervention, "Expected a known intervention."),
        };
    }

    /// <summary>Copy accuracy with its interval.</summary>
    public static string Accuracy(CopyMeasure measure)
    {
        ArgumentNullException.ThrowIfNull(measure);
        return HeadWords.Interval(measure.Accuracy, measure.AccuracyInterval);
    }

    /// <summary>The relative change with its interval, in percent: <c>-98.4 % [-99.1, -97.6]</c>.</summary>
    public static string Change(CopyAblationRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row is { RelativeChange: { } change, RelativeChangeInterval: { } interval } ? $"{Percent(change)} [{Hundredfold(interval.Low)}, {Hundredfold(interval.High)}]" : Numbers.Missing;
    }

    /// <summary>How the article's claim stands to what was measured; empty where it claims nothing.</summary>
    public static string Verdict(CopyAblationRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (row is not { Claim: { } claim, RelativeChangeInterval: { } interval }) return "";
        if (row.Intervention == CopyIntervention.RestoreBoth) return "true by construction: nothing is ablated";
        return interval.High < claim ? "falls further than claimed"
            : interval.Low > claim ? "falls less than claimed"
            : "as claimed, within the interval";
    }

    /// <summary>A share in percent with one decimal: <c>-85.0 %</c>.</summary>
    public static string Percent(double share) => double.IsFinite(share) ? $"{Hundredfold(share)} %" : Numbers.Missing;

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(CopyAblationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var protocol = result.Protocol;
        return
        [
            ("Model", result.Model),
            ("Previous-token heads", Heads(result.PreviousTokenHeads)),
            ("Induction heads", Heads(result.InductionHeads)),
            ("Replaced by", result.Kind switch
            {
                AblationKind.Zero => "zero",
                AblationKind.Mean => "the mean over 32 other sequences and all positions",
                _ => "the mean at each position over 32 other sequences",
            }),
            ("Sequences (n)", Invariant($"{protocol.Sequences}, a period of {protocol.Period} random tokens, twice; seed {result.Seed}")),
            ("Copy accuracy", $"{Accuracy(result.Base)}; a uniform guess {Numbers.Score(result.Chance)}"),
            ("Second repeat", $"{HeadWords.Interval(result.Base.Loss, result.Base.LossInterval)} nats"),
        ];
    }

    private static string Heads(IReadOnlyList<HeadId> heads) => heads.Count == 0 ? "none" : Invariant($"{heads.Count}: {string.Join(", ", heads)}");

    private static string Hundredfold(double share) => (100 * share).ToString("0.0", CultureInfo.InvariantCulture) is not "-0.0" and var text ? text : "0.0";
}
