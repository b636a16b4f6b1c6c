namespace MlNetIcl.Probes;

/// <summary>How much two heads' weights have to do with each other, beside the causal effect of the edge between them.</summary>
/// <param name="Score">Composition score, in [0, 1] (<see cref="CompositionScores"/>).</param>
/// <param name="ZScore">The score minus the mean of random matrices of equal shape, in their standard deviations.</param>
public sealed record EdgeComposition(double Score, double ZScore);

/// <summary>An edge of a circuit with its evidence. What was not measured is null.</summary>
public sealed record CircuitEdge
{
    /// <summary>Where it starts and ends. Keys and values end in key heads, which several query heads may share (<see cref="Circuit.Ends"/>).</summary>
    public required PathEdge Path { get; init; }

    /// <summary>
    /// Its weight: the share of the metric's difference between clean and corrupted run that is lost when this edge alone carries the
    /// corrupted value. 1: all of it; below 0: the edge works against the behaviour.
    /// </summary>
    public required double Effect { get; init; }

    /// <summary>95 % interval of <see cref="Effect"/> over rows; null with fewer than two rows.</summary>
    public Interval? Interval { get; init; }

    /// <summary>Two-sided p-value of the sign-flip test that the edge moves the metric; null where there are too few rows.</summary>
    public double? P { get; init; }

    /// <summary>Benjamini-Hochberg q-value over the edges that were tested at the same step of the search; null with <see cref="P"/>.</summary>
    public double? Q { get; init; }

    /// <summary>Composition of sender and receiver, for edges between heads; where query heads share the key head, of the one that scores most.</summary>
    public EdgeComposition? Composition { get; init; }

    /// <summary>The faithfulness that the circuit loses without this edge; near 0 where others stand in for it.</summary>
    public double? Removal { get; init; }
}
