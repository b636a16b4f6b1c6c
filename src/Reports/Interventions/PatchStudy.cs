using MlNetIcl.Models;
using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Activation patching of one site on one prompt pair, with what a reader needs to repeat it.</summary>
public sealed record PatchStudy
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>What was patched.</summary>
    public required SiteKind Site { get; init; }

    /// <summary>Which run's values were written into which.</summary>
    public required PatchDirection Direction { get; init; }

    /// <summary>The tokens of the clean prompt.</summary>
    public required IReadOnlyList<TokenLabel> Clean { get; init; }

    /// <summary>The tokens of the corrupted prompt, as many.</summary>
    public required IReadOnlyList<TokenLabel> Corrupted { get; init; }

    /// <summary>The token whose logit counts.</summary>
    public required TokenLabel Answer { get; init; }

    /// <summary>The token whose logit is subtracted.</summary>
    public required TokenLabel Foil { get; init; }

    /// <summary>The effects; with <see cref="AttributionSteps"/> they are estimates.</summary>
    public required ActivationPatchingResult Result { get; init; }

    /// <summary>How many gradients the estimates rest on; null (the default) where every slot was patched.</summary>
    public int? AttributionSteps { get; init; }

    /// <summary>A sample of the estimates beside exact patching. Default: none.</summary>
    public AttributionCheck? Check { get; init; }

    /// <summary>The metric of the run that is patched.</summary>
    internal double Base => Direction == PatchDirection.CleanIntoCorrupted ? Result.Corrupted : Result.Clean;

    /// <summary>The metric of the run that values come from.</summary>
    internal double Source => Direction == PatchDirection.CleanIntoCorrupted ? Result.Clean : Result.Corrupted;

    internal bool PerPosition => Result.Effects.Any(e => e.Slot.Position is not null);

    internal bool PerHead => Result.Effects.Any(e => e.Slot.Head is not null);

    /// <summary>What a slot's effect is drawn and ranked by: its share of the whole difference, or the bare change where there is none.</summary>
    internal double Strength(PatchEffect effect) => effect.Normalised ?? (effect.Value - Base);

    internal IEnumerable<PatchEffect> ByStrength => Result.Effects.OrderByDescending(e => Math.Abs(Strength(e)) is var s && double.IsFinite(s) ? s : -1);
}
