using MlNetIcl.Models;
using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Activation patching of one site on one prompt pair or several, with what a reader needs to repeat it.</summary>
public sealed record PatchStudy
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>What was patched.</summary>
    public required SiteKind Site { get; init; }

    /// <summary>Which run's values were written into which.</summary>
    public required PatchDirection Direction { get; init; }

    /// <summary>The prompt pairs, at least one.</summary>
    public required IReadOnlyList<PromptPairTokens> Pairs { get; init; }

    /// <summary>The effects; with <see cref="AttributionSteps"/> they are estimates.</summary>
    public required ActivationPatchingResult Result { get; init; }

    /// <summary>How many gradients the estimates rest on; null (the default) where every slot was patched.</summary>
    public int? AttributionSteps { get; init; }

    /// <summary>A sample of the estimates beside exact patching. Default: none.</summary>
    public AttributionCheck? Check { get; init; }

    /// <summary>95 % interval of each effect's change over the pairs. Default: none, as with one pair there is none.</summary>
    public IReadOnlyList<Interval?> Intervals { get; init; } = [];

    /// <summary>Intervals for a result.</summary>
    /// <param name="result">The effects, with the values of each pair.</param>
    /// <param name="direction">Which run's values were written into which.</param>
    /// <param name="seed">Seed of the resamples.</param>
    /// <returns>One per effect, null where a value is not finite; none with fewer than two pairs.</returns>
    public static IReadOnlyList<Interval?> IntervalsOf(ActivationPatchingResult result, PatchDirection direction, int seed)
    {
        ArgumentNullException.ThrowIfNull(result);
        var before = direction == PatchDirection.CleanIntoCorrupted ? result.CorruptedValues : result.CleanValues;
        if (before.Count < 2) return [];
        var bootstrap = new BootstrapInterval(before.Count, seed);
        return [.. result.Effects.Select(effect =>
        {
            double[] changes = [.. effect.Values.Zip(before, (after, own) => after - own)];
            return changes.All(double.IsFinite) ? bootstrap.OfMean(changes) : (Interval?)null;
        })];
    }

    /// <summary>The effects, each with its interval, the strongest first.</summary>
    internal IEnumerable<(PatchEffect Effect, Interval? Interval)> Strongest =>
        Result.Effects.Select((e, i) => (Effect: e, Interval: i < Intervals.Count ? Intervals[i] : null)).OrderByDescending(e => Magnitude(e.Effect));

    /// <summary>The metric of the run that is patched.</summary>
    internal double Base => Direction == PatchDirection.CleanIntoCorrupted ? Result.Corrupted : Result.Clean;

    /// <summary>The metric of the run that values come from.</summary>
    internal double Source => Direction == PatchDirection.CleanIntoCorrupted ? Result.Clean : Result.Corrupted;

    internal bool PerPosition => Result.Effects.Any(e => e.Slot.Position is not null);

    internal bool PerHead => Result.Effects.Any(e => e.Slot.Head is not null);

    /// <summary>What a slot's effect is drawn and ranked by: its share of the whole difference, or the bare change where there is none.</summary>
    internal double Strength(PatchEffect effect) => effect.Normalised ?? (effect.Value - Base);

    internal IEnumerable<PatchEffect> ByStrength => Result.Effects.OrderByDescending(Magnitude);

    private double Magnitude(PatchEffect effect) => Math.Abs(Strength(effect)) is var s && double.IsFinite(s) ? s : -1;
}
