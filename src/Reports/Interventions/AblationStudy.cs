using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Interventions;

/// <summary>What a metric loses or gains without some heads.</summary>
/// <param name="Heads">The heads that were ablated together; mostly one.</param>
/// <param name="Change">Metric after the ablation minus before, mean over the rows.</param>
/// <param name="Interval">95 % interval of the change over the rows; null with fewer than two, or where a change is not finite.</param>
/// <param name="Rows">Number of rows, n.</param>
public sealed record HeadEffect(IReadOnlyList<HeadId> Heads, double Change, Interval? Interval, int Rows)
{
    /// <summary>The effects of a result with their intervals.</summary>
    /// <param name="result">The result; its slots have heads.</param>
    /// <param name="seed">Seed of the resamples.</param>
    public static IReadOnlyList<HeadEffect> Of(AblationResult result, int seed)
    {
        ArgumentNullException.ThrowIfNull(result);
        int rows = result.Effects.Select(e => e.Changes.Count).FirstOrDefault();
        var bootstrap = rows < 2 ? null : new BootstrapInterval(rows, seed);
        return [.. result.Effects.Select(effect => new HeadEffect(
            [.. effect.Slots.Select(s => new HeadId(s.Layer, s.Head!.Value))], effect.Change,
            bootstrap is null || !effect.Changes.All(double.IsFinite) ? null : bootstrap.OfMean([.. effect.Changes]), rows))];
    }
}

/// <summary>Ablation of heads, each alone and, where asked for, together, with what a reader needs to repeat it.</summary>
public sealed record AblationStudy
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The model's layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Heads in each layer.</summary>
    public required int HeadsPerLayer { get; init; }

    /// <summary>The rows on which the metric was read.</summary>
    public required SequenceProtocol Rows { get; init; }

    /// <summary>Rows of the set that replacements came from; null (the default) where it is the rows themselves.</summary>
    public int? ReferenceRows { get; init; }

    /// <summary>What values were replaced by.</summary>
    public required AblationKind Kind { get; init; }

    /// <summary>Whether later layers kept their attention patterns. Default false.</summary>
    public bool KeepPatterns { get; init; }

    /// <summary>The metric's name.</summary>
    public required string Metric { get; init; }

    /// <summary>First and last position of the loss; null (the default) for other metrics.</summary>
    public (int First, int Last)? Positions { get; init; }

    /// <summary>The token whose logit counts; null (the default) for metrics without one.</summary>
    public TokenLabel? Answer { get; init; }

    /// <summary>The token whose logit is subtracted; null (the default) for metrics without one.</summary>
    public TokenLabel? Foil { get; init; }

    /// <summary>The metric without ablation, mean over the rows.</summary>
    public required double Base { get; init; }

    /// <summary>Each head's effect alone, in the order in which they were asked for.</summary>
    public required IReadOnlyList<HeadEffect> Effects { get; init; }

    /// <summary>The effect of all those heads ablated together. Default (null): not measured.</summary>
    public HeadEffect? Together { get; init; }

    internal IEnumerable<HeadEffect> ByStrength => Effects.OrderByDescending(e => double.IsFinite(e.Change) ? Math.Abs(e.Change) : -1);
}
