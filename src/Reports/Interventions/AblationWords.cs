using MlNetIcl.Probes;
using static System.FormattableString;

namespace MlNetIcl.Reports.Interventions;

/// <summary>The sentences of ablation, the same on a page and on a terminal.</summary>
internal static class AblationWords
{
    /// <summary>What was found, in one or two sentences.</summary>
    public static string Summary(AblationStudy study)
    {
        string metric = Metric(study);
        if (study.ByStrength.FirstOrDefault() is not { } strongest) return "No head was ablated.";
        string alone = study.Effects.Count == 1
            ? $"Without {strongest.Heads[0]} the {metric} goes from {Numbers.Score(study.Base)} to {Numbers.Score(study.Base + strongest.Change)}, a change of {Change(strongest)}."
            : $"Of {study.Effects.Count} heads, {strongest.Heads[0]} has the largest effect: without it the {metric} goes from {Numbers.Score(study.Base)} to {Numbers.Score(study.Base + strongest.Change)}, a change of {Change(strongest)}.";
        return study.Together is { } together ? $"{alone} Without all {together.Heads.Count} together it changes by {Change(together)}." : alone;
    }

    /// <summary>A change with its sign and its interval.</summary>
    public static string Change(HeadEffect effect) => effect.Interval is { } i
        ? $"{PatchWords.Signed(effect.Change)} [{PatchWords.Signed(i.Low)}, {PatchWords.Signed(i.High)}]"
        : PatchWords.Signed(effect.Change);

    /// <summary>What a number of the maps and tables is.</summary>
    public static string Meaning(AblationStudy study)
    {
        string n = study.Rows.Sequences == 1 ? "n = 1 row, so there is no interval." : $"Mean over n = {Numbers.Count(study.Rows.Sequences)} rows; intervals are 95 % over rows, for each head by itself.";
        return $"{Capital(Metric(study))} without the head minus with it, in {Unit(study)}. {n}";
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(AblationStudy study) =>
    [
        ("Model", study.Model),
        ("Heads", Invariant($"{study.Effects.Count} of {study.Layers * study.HeadsPerLayer}, each alone{(study.Together is null ? "" : " and all together")}")),
        ("Replaced by", $"{Replacement(study)}{(study.KeepPatterns ? "; later layers keep their attention patterns" : "")}"),
        ("Metric", $"{Description(study)}, {Unit(study)}"),
        ("Without ablation", Numbers.Score(study.Base)),
        ("Rows (n)", $"{Numbers.Count(study.Rows.Sequences)}, {Rows(study.Rows)}"),
        ("Seed", Invariant($"{study.Rows.Seed}")),
    ];

    /// <summary>The metric in words.</summary>
    public static string Metric(AblationStudy study) => study.Metric == "loss_second_repeat" ? "loss of the second repeat" : PatchWords.Metric(study.Metric);

    public static string Unit(AblationStudy study) => study.Metric switch
    {
        "loss" or "loss_second_repeat" => "nats",
        "copy_accuracy" => "share of tokens",
        _ => "logits",
    };

    /// <summary>Where rows come from.</summary>
    public static string Rows(SequenceProtocol rows) => (rows.Source, rows.Period, rows.Repeats) switch
    {
        (HeadScoreSource.Generated, { } period, { } repeats) => Invariant($"generated: {period} random tokens, {repeats} times"),
        (_, { } period, { } repeats) => Invariant($"given: {period} tokens, {repeats} times"),
        _ => "given",
    };

    private static string Replacement(AblationStudy study)
    {
        string of = study.ReferenceRows is { } rows ? $"{Numbers.Count(rows)} reference {(rows == 1 ? "row" : "rows")}" : "the same rows";
        return study.Kind switch
        {
            AblationKind.Zero => "zero",
            AblationKind.Mean => $"the mean over {of} and all positions",
            AblationKind.MeanPerPosition => $"the mean over {of} at each position",
            _ => $"the value on another of {of}",
        };
    }

    private static string Description(AblationStudy study) => study.Metric switch
    {
        "loss" when study.Positions is { } p => Invariant($"mean loss of the tokens at positions {p.First} to {p.Last}"),
        "loss_second_repeat" => "mean loss of the second repeat",
        "logit_difference" when study is { Answer: { } answer, Foil: { } foil } => $"logit of {PatchWords.Name(answer)} minus logit of {PatchWords.Name(foil)} at the last position",
        "copy_accuracy" => "copied tokens of the second repeat, from its second on",
        "copy_logit_difference" => "logit of the right token minus the mean logit, second repeat from its second token on",
        _ => Metric(study),
    };

    private static string Capital(string text) => Heads.HeadWords.Capital(text);
}
