namespace MlNetIcl.Probes;

/// <summary>A regression that attention is held against.</summary>
public enum SmootherKind
{
    /// <summary>sum y k.</summary>
    Unnormalised,

    /// <summary>sum y k / sum k (Nadaraya-Watson).</summary>
    Normalised,

    /// <summary>y^T (K + ridge I)^-1 k.</summary>
    Ridge,
}

/// <summary>A kernel k(key, query).</summary>
public enum SmootherKernel
{
    /// <summary>key . query.</summary>
    Linear,

    /// <summary>exp(key . query / sqrt(width)).</summary>
    Exponential,

    /// <summary>exp(-|key - query|^2 / (2 sqrt(width))).</summary>
    Gaussian,
}

/// <summary>Where attention's outputs come from.</summary>
public enum SmootherSource
{
    /// <summary>A layer with constructed weights, on random regression tasks.</summary>
    Constructed,

    /// <summary>The same, with inputs of one length.</summary>
    ConstructedEqualNorms,

    /// <summary>All heads of a decoder, on random tokens.</summary>
    Decoder,
}

/// <summary>What <see cref="KernelEquality"/> found. Immutable.</summary>
public sealed record KernelEqualityResult
{
    /// <summary>The settings.</summary>
    public required KernelEqualityOptions Options { get; init; }

    /// <summary>Every comparison: first those that ought to be equal, then the others.</summary>
    public required IReadOnlyList<SmootherComparison> Comparisons { get; init; }

    /// <summary>The comparisons that ought to be equal.</summary>
    public IEnumerable<SmootherComparison> Equalities => Comparisons.Where(c => c.ExpectedEqual);
}

/// <summary>Attention held against one regression, on the same keys, queries and values.</summary>
public sealed record SmootherComparison
{
    /// <summary>Softmax or linear attention.</summary>
    public required Models.AttentionKind Attention { get; init; }

    /// <summary>Where its outputs come from.</summary>
    public required SmootherSource Source { get; init; }

    /// <summary>The decoder's name, or null for a constructed layer.</summary>
    public string? Model { get; init; }

    /// <summary>The regression.</summary>
    public required SmootherKind Smoother { get; init; }

    /// <summary>Its kernel.</summary>
    public required SmootherKernel Kernel { get; init; }

    /// <summary>The ridge over N, for <see cref="SmootherKind.Ridge"/>; else null.</summary>
    public double? Ridge { get; init; }

    /// <summary>Whether the two are the same function, so that only rounding may part them.</summary>
    public required bool ExpectedEqual { get; init; }

    /// <summary>Largest difference of an output.</summary>
    public required double MaxDifference { get; init; }

    /// <summary>Largest absolute output of attention, which differences are relative to; of a decoder, that of the head with the largest relative difference.</summary>
    public required double Scale { get; init; }

    /// <summary><see cref="MaxDifference"/> / <see cref="Scale"/>; of a decoder, the largest of its heads.</summary>
    public double RelativeDifference => Scale > 0 ? MaxDifference / Scale : MaxDifference;

    /// <summary>
    /// The root mean square of attention's outputs that no multiple of the regression explains, as share of their own, in [0, 1]: 0 where one is a
    /// multiple of the other, 1 where they have nothing in common. With its 95 % interval over tasks or rows, at the best multiple.
    /// </summary>
    public required Estimate Gap { get; init; }

    /// <summary>Tasks, or rows of tokens.</summary>
    public required int N { get; init; }

    /// <summary>Heads compared: 1 for a constructed layer.</summary>
    public required int Heads { get; init; }
}
