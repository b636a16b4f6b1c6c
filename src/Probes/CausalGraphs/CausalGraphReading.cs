namespace MlNetIcl.Probes;

/// <summary>What held-out rows say of a position's parents.</summary>
/// <param name="Child">The position.</param>
/// <param name="Gain">By how much its token is predicted better with the attention to earlier positions than without, in nats a row; its mean with a BCa interval (95 %) over held-out rows.</param>
/// <param name="P">That of no gain, one-sided, by <see cref="SignFlipTest"/>.</param>
/// <param name="Q">The same after Benjamini and Hochberg over all positions.</param>
public readonly record struct ChildEvidence(int Child, Estimate Gain, double P, double Q);

/// <summary>A causal graph that was read from attention over rows of data, where nobody knows the true one. Immutable; thread-safe.</summary>
public sealed record CausalGraphReading
{
    /// <summary>Whose attention it is: <c>trained on the rows</c>, or a model's name.</summary>
    public required string Source { get; init; }

    /// <summary>Rows that were read.</summary>
    public required int Rows { get; init; }

    /// <summary>Positions of a row.</summary>
    public int Length => Map.Length;

    /// <summary>Attention of positions (queries) to earlier ones (keys); of trained attention the entry at a position itself is what goes to none.</summary>
    public required EdgeMap Map { get; init; }

    /// <summary>The edges.</summary>
    public required CausalGraph Graph { get; init; }

    /// <summary>The least attention of an edge.</summary>
    public required double Threshold { get; init; }

    /// <summary>Held-out rows; 0 where nothing was trained.</summary>
    public int HeldOut { get; init; }

    /// <summary>Mean loss of a position but the first on held-out rows, in nats; null where nothing was trained.</summary>
    public double? Loss { get; init; }

    /// <summary>The same without attention to earlier positions.</summary>
    public double? LossWithoutParents { get; init; }

    /// <summary>The evidence for parents, of all positions but the first; empty where nothing was trained.</summary>
    public IReadOnlyList<ChildEvidence> Evidence { get; init; } = [];

    /// <summary>All pairs that could be edges, by child and then by parent: the order of strengths.</summary>
    public IEnumerable<CausalEdge> Pairs => PairsOf(Length);

    internal static IEnumerable<CausalEdge> PairsOf(int length) =>
        Enumerable.Range(1, Math.Max(0, length - 1)).SelectMany(child => Enumerable.Range(0, child).Select(parent => new CausalEdge(parent, child)));
}
