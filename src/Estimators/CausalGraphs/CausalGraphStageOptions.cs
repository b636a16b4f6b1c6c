using MlNetIcl.Probes;

namespace MlNetIcl.Estimators;

/// <summary>Settings of <see cref="CausalGraphEstimator"/>.</summary>
public sealed record CausalGraphStageOptions : StageOptions
{
    /// <summary>
    /// Positions of the graph. Rows that are longer are read from their beginning, and shorter ones cannot be computed. Range: 2 to 64.
    /// <value>Default (null): the length of the first row that can be read; all others must have it, too.</value>
    /// </summary>
    public int? Length { get; init; }

    /// <summary>How the graph is learned. <value>Default (null): <see cref="CausalGraphLearningOptions"/> as it is, seeded by <c>MLContext(seed)</c> where that is given.</value></summary>
    public CausalGraphLearningOptions? Learning { get; init; }

    /// <summary>The most rows that <c>Fit</c> reads; they are held in memory. Range: at least 10. <value>Default 100,000.</value></summary>
    public int MaximumRows { get; init; } = 100_000;

    /// <summary>Rows that are read ahead. Range: 1 to 4,096; 1 reads nothing ahead. <value>Default 32.</value></summary>
    public int BatchRows { get; init; } = 32;
}

/// <summary>Settings of <see cref="ModelCausalGraphEstimator"/>.</summary>
public sealed record ModelCausalGraphStageOptions : ModelStageOptions
{
    /// <summary>Positions of the graph, as in <see cref="CausalGraphStageOptions.Length"/>.</summary>
    public int? Length { get; init; }

    /// <summary>The heads whose attention is read. <value>Default (null): those of the first layer.</value></summary>
    public IReadOnlyList<HeadId>? Heads { get; init; }

    /// <summary>The least mean attention of an edge. Range: above 0, to 1. <value>Default 0.5.</value></summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>The most rows that <c>Fit</c> reads; they are held in memory. Range: at least 1. <value>Default 1,000.</value></summary>
    public int MaximumRows { get; init; } = 1000;
}
