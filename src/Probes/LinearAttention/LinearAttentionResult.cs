namespace MlNetIcl.Probes;

/// <summary>Linear attention: which kernel regression it equals, and how it learns. Immutable.</summary>
public sealed record LinearAttentionResult
{
    /// <summary>Which kernel regression attention equals.</summary>
    public required KernelEqualityResult Equality { get; init; }

    /// <summary>How linear attention learns.</summary>
    public required AttentionDynamicsResult Dynamics { get; init; }
}
