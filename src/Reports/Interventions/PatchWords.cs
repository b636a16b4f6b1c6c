using System.Globalization;
using MlNetIcl.Probes;
using static System.FormattableString;

namespace MlNetIcl.Reports.Interventions;

/// <summary>The sentences of activation patching, the same on a page and on a terminal.</summary>
internal static class PatchWords
{
    /// <summary>A metric in words: <c>logit difference</c>.</summary>
    public static string Metric(string name) => name.Replace('_', ' ');

    /// <summary>The logit difference of these pairs in words.</summary>
    public static string Metric(IReadOnlyList<PromptPairTokens> pairs) => pairs is [var only]
        ? $"logit of {Name(only.Answer)} minus logit of {Name(only.Foil)}"
        : "logit of each pair's answer minus logit of its foil, mean";

    /// <summary><c>L1.H2</c> or <c>L1</c>; where a position is patched alone, also <c>, position 5 ·the</c>.</summary>
    public static string Place(PatchStudy study, PatchSlot slot) => slot.Position is { } position ? $"{Part(slot)}, position {Numbered(study, position)}" : Part(slot);

    /// <summary><c>5 ·the</c>: a position and its token.</summary>
    public static string Numbered(PatchStudy study, int position) => Invariant($"{position} {Position(study, position)}").TrimEnd();

    /// <summary><c>L1.H2</c> or <c>L1</c>.</summary>
    public static string Part(PatchSlot slot) => slot.Head is { } head ? new HeadId(slot.Layer, head).ToString() : Invariant($"L{slot.Layer}");

    /// <summary>The token at a position; both where the prompts differ, nothing where not all pairs have the same there.</summary>
    public static string Position(PatchStudy study, int position)
    {
        TokenLabel clean = study.Pairs[0].Clean[position], corrupted = study.Pairs[0].Corrupted[position];
        if (study.Pairs.Any(pair => pair.Clean[position].Id != clean.Id || pair.Corrupted[position].Id != corrupted.Id)) return "";
        return clean.Id == corrupted.Id ? clean.Visible : $"{VisibleText.Shorten(clean.Visible, 10)}→{VisibleText.Shorten(corrupted.Visible, 10)}";
    }

    /// <summary>What was found, in one sentence.</summary>
    public static string Summary(PatchStudy study)
    {
        string metric = Metric(study.Result.Metric);
        if (study.Result.Clean == study.Result.Corrupted)
            return $"Clean and corrupted run have the same {metric}, {Numbers.Score(study.Base)}: there is nothing that a patch could restore.";
        var (from, to) = Runs(study);
        var best = study.ByStrength.First();
        return $"{(study.AttributionSteps is null ? "Writing" : "By estimate, writing")} the {from} {SiteWords.Meaning(study.Site)} of {Place(study, best.Slot)} into the {to} run moves the {metric} furthest, "
            + $"from {Numbers.Score(study.Base)} to {Numbers.Score(best.Value)}: {Numbers.Score(best.Normalised ?? double.NaN)} of the way to the {from} run's {Numbers.Score(study.Source)}.";
    }

    /// <summary>What a number of the maps and tables is.</summary>
    public static string Meaning(PatchStudy study)
    {
        var (from, to) = Runs(study);
        string value = study.Result.Clean == study.Result.Corrupted
            ? $"Change of the {Metric(study.Result.Metric)}, patched minus {to}"
            : $"(patched - {to}) / ({from} - {to}) of the {Metric(study.Result.Metric)}: 0 where the patch does nothing, 1 where it does all";
        string pairs = study.Pairs.Count == 1 ? "n = 1 prompt pair, so there is no interval." : Invariant($"Means over n = {study.Pairs.Count} prompt pairs.");
        return $"{value}. {(study.AttributionSteps is null ? "" : "Estimates by attribution, not patched runs. ")}{pairs}";
    }

    /// <summary>One effect in one line.</summary>
    public static string Line(PatchStudy study, PatchEffect effect) =>
        $"{Place(study, effect.Slot)}: {Metric(study.Result.Metric)} {Numbers.Score(effect.Value)}, change {Signed(effect.Value - study.Base)}"
            + (effect.Normalised is { } share ? $", share {Numbers.Score(share)}" : "");

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(PatchStudy study)
    {
        var (from, to) = Runs(study);
        return
        [
            ("Model", study.Model),
            ("Patched", $"{SiteWords.Meaning(study.Site)}, {(study.PerHead ? $"each {SiteWords.Head(study.Site)}" : "each layer")} {(study.PerPosition ? "at each position alone" : "at all positions")}"),
            ("Direction", $"{from} values into the {to} run"),
            ("Method", study.AttributionSteps switch
            {
                null => "a patched run for each",
                1 => $"attribution: gradient at the {to} run",
                { } steps => Invariant($"attribution: mean of {steps} gradients on the way to the {from} run"),
            }),
            ("Metric", Metric(study.Pairs)),
            ("Clean run", Numbers.Score(study.Result.Clean)),
            ("Corrupted run", Numbers.Score(study.Result.Corrupted)),
            ("Prompts (n)", Pairs(study)),
            .. study.Check is { } check ? [("Attribution check", Check(check))] : Array.Empty<(string, string)>(),
        ];
    }

    private static string Pairs(PatchStudy study)
    {
        int[] lengths = [.. study.Pairs.Select(p => p.Clean.Count)];
        string tokens = lengths.Min() == lengths.Max() ? Invariant($"{lengths[0]}") : Invariant($"{lengths.Min()} to {lengths.Max()}");
        return study.Pairs is [var only]
            ? Invariant($"1 pair of {tokens} tokens, {only.Clean.Zip(only.Corrupted).Count(t => t.First.Id != t.Second.Id)} of them differ")
            : Invariant($"{study.Pairs.Count} pairs of {tokens} tokens");
    }

    /// <summary>A change, with its interval where there is one.</summary>
    public static string Change(PatchStudy study, PatchEffect effect, Interval? interval) => interval is { } i
        ? $"{Signed(effect.Value - study.Base)} [{Numbers.Score(i.Low)}, {Numbers.Score(i.High)}]"
        : Signed(effect.Value - study.Base);

    /// <summary>How far the estimates can be trusted.</summary>
    public static string Check(AttributionCheck check) => Invariant($"{check.Disagreeing.Count()} of {check.Sample.Count} sampled estimates disagree")
        + $"; rank correlation {Numbers.Score(check.RankCorrelation ?? double.NaN)}, linear {Numbers.Score(check.LinearCorrelation ?? double.NaN)}";

    public static string Name(TokenLabel token) => token.Text == token.Id.ToString(CultureInfo.InvariantCulture) ? $"id {token.Text}" : Invariant($"'{token.Short}' (id {token.Id})");

    /// <summary>A change with its sign.</summary>
    public static string Signed(double value) => value > 0 && Numbers.Score(value) is not "0.000" and var text ? $"+{text}" : Numbers.Score(value);

    public static (string From, string To) Runs(PatchStudy study) => study.Direction == PatchDirection.CleanIntoCorrupted ? ("clean", "corrupted") : ("corrupted", "clean");
}
