using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>The run behind the claims about ablation and restoration: the table of <see cref="CopyAblation"/> on the same models.</summary>
internal static class CopyCircuit
{
    private const int QuickSeeds = 3, FullSeeds = 5, TrainedPeriod = 28, GivenSequences = 16, GivenDraws = 3;

    /// <summary>Seeds that models are trained from.</summary>
    public static int Seeds(ClaimContext context) => context.Options.Quick ? QuickSeeds : FullSeeds;

    /// <summary>The tables, shared by all claims that read them. A given model is measured in full runs alone, since it takes minutes.</summary>
    public static IReadOnlyList<CopyAblationResult> Tables(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken) => context.Share("copy ablation", () =>
    {
        int seeds = Seeds(context), count = seeds + 1 + (context.Options is { Quick: false, ModelPath: not null } ? 1 : 0);
        var tables = new List<CopyAblationResult>();
        var options = new CopyAblationOptions { Seed = context.Options.Seed };
        for (int seed = 1; seed <= seeds; seed++)
        {
            var model = ClaimModels.Trained(context, seed, 2, cancellationToken);
            Add(model, options with { Period = TrainedPeriod });
        }
        Add(ClaimModels.Embedded(context), options);
        if (!context.Options.Quick && ClaimModels.Given(context) is { } given) Add(given, options with { Sequences = GivenSequences, ControlDraws = GivenDraws });
        return tables;

        void Add(LanguageModel model, CopyAblationOptions settings) =>
            tables.Add(CopyAblation.Measure(model, settings, progress.Part((double)tables.Count / count, (tables.Count + 1.0) / count), cancellationToken));
    });

    public static string Ran(IReadOnlyList<CopyAblationResult> tables) =>
        $"Heads replaced by their mean at each position on repeated random tokens (icl restore): {string.Join("; ", tables.GroupBy(t => FormattableString.Invariant($"{t.Protocol.Sequences} sequences of R = {t.Protocol.Period}")).Select(g => $"{g.Key} in {string.Join(", ", g.Select(t => t.Model))}"))}.";

    /// <summary>A row's change of copy accuracy, in percent.</summary>
    public static ClaimFigure? Figure(CopyAblationResult table, string name, CopyAblationRow? row, string? reference) =>
        row is { RelativeChange: { } change, RelativeChangeInterval: var (low, high) }
            ? new ClaimFigure($"{table.Model}: {name}", 100 * change, new Interval(100 * low, 100 * high), table.Protocol.Sequences, reference) { Unit = "%" }
            : null;

    public static CopyAblationRow? RowOf(CopyAblationResult table, CopyIntervention intervention) => table.Rows.FirstOrDefault(r => r.Intervention == intervention);
}

/// <summary>Claim 3: what copying loses without each layer's heads.</summary>
internal sealed class AblationFiguresClaim : Claim
{
    public override int Number => 3;

    public override string Text => "Without the first layer's heads copy accuracy falls by 85 %, without the second layer's by 92 %.";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken) =>
        Find(CopyCircuit.Tables(context, progress, cancellationToken));

    /// <summary>The verdict and its words from the tables.</summary>
    internal static ClaimFinding Find(IReadOnlyList<CopyAblationResult> tables)
    {
        var (first, second) = (Figures(tables, CopyIntervention.AblatePreviousToken, "previous-token heads off", "claimed -85 %"), Figures(tables, CopyIntervention.AblateInduction, "induction heads off", "claimed -92 %"));
        var verdicts = first.Select(f => ClaimRules.Is(f.Interval!.Value, 100 * CopyAblation.FirstLayerClaim))
            .Concat(second.Select(f => ClaimRules.Is(f.Interval!.Value, 100 * CopyAblation.SecondLayerClaim))).ToArray();
        return new ClaimFinding
        {
            Ran = CopyCircuit.Ran(tables),
            Figures = [.. first, .. second],
            Verdict = verdicts.Length == 0 ? ClaimVerdict.Depends : ClaimRules.All(verdicts),
            Rule = "per model and stage: reproduced where the interval holds the claimed figure, else refuted; the verdict of all, else depends",
            Explanation = FormattableString.Invariant($"{verdicts.Count(v => v == ClaimVerdict.Reproduced)} of {verdicts.Length} intervals hold the claimed figure. ")
                + FormattableString.Invariant($"Copying falls by more than half without either stage in {first.Concat(second).Count(f => f.Interval!.Value.High < -50)} of {first.Length + second.Length} cases: ")
                + "which stage is needed can be repeated, the two figures are no constants.",
        };
    }

    private static ClaimFigure[] Figures(IEnumerable<CopyAblationResult> tables, CopyIntervention intervention, string name, string reference) =>
        [.. tables.Select(t => CopyCircuit.Figure(t, name, CopyCircuit.RowOf(t, intervention), reference)).OfType<ClaimFigure>()];
}

/// <summary>Claim 12: what giving the layers back restores.</summary>
internal sealed class RestorationClaim : Claim
{
    /// <summary>The largest loss that still counts as restored, in percent of the whole model's accuracy.</summary>
    internal const double Restored = -5;

    public override int Number => 12;

    public override string Text => "Restoring the heads of both layers restores in-context learning in full.";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken) =>
        Find(CopyCircuit.Tables(context, progress, cancellationToken));

    /// <summary>The verdict and its words from the tables.</summary>
    internal static ClaimFinding Find(IReadOnlyList<CopyAblationResult> tables)
    {
        var stages = tables.SelectMany(t => new[]
        {
            CopyCircuit.Figure(t, "first stage back alone", CopyCircuit.RowOf(t, CopyIntervention.RestorePreviousToken), "both needed: stays low"),
            CopyCircuit.Figure(t, "second stage back alone", CopyCircuit.RowOf(t, CopyIntervention.RestoreInduction), "both needed: stays low"),
        }).OfType<ClaimFigure>().ToArray();
        var both = tables.Select(t => CopyCircuit.Figure(t, "both back", CopyCircuit.RowOf(t, CopyIntervention.RestoreBoth), "0 by construction")).OfType<ClaimFigure>().ToArray();
        var heads = tables.Select(t => CopyCircuit.Figure(t, "best head back beside the other stage", t.Rows.Where(r => r.Intervention == CopyIntervention.RestoreHeadBesideOtherSet).MaxBy(r => r.Measure.Accuracy), null)).OfType<ClaimFigure>().ToArray();
        // 'Both back' ablates nothing and can come out in no other way, so the parts decide: does each stage need the other?
        var verdicts = stages.Select(f => ClaimRules.Below(f.Interval!.Value, Restored)).Concat(heads.Select(f => ClaimRules.Below(f.Interval!.Value, Restored))).ToArray();
        return new ClaimFinding
        {
            Ran = CopyCircuit.Ran(tables) + " Both kinds of head off, then given back: one kind, both, and one head beside the other kind.",
            Figures = [.. stages, .. heads, .. both],
            Verdict = verdicts.Length == 0 ? ClaimVerdict.Depends : ClaimRules.All(verdicts),
            Rule = FormattableString.Invariant($"'both back' is the whole model and proves nothing; what can be wrong is that anything less restores nothing. Per part given back: reproduced where the interval stays below {Restored} %, refuted where it does not; the verdict of all, else depends"),
            Explanation = FormattableString.Invariant($"One stage alone leaves a loss in {stages.Count(f => f.Interval!.Value.High < Restored)} of {stages.Length} cases. ")
                + FormattableString.Invariant($"A single head beside the other stage restores all but {-Restored} % in {heads.Count(f => f.Interval!.Value.High >= Restored)} of {heads.Length} models: heads of one kind stand in for each other, so not all of both layers is needed."),
        };
    }
}
