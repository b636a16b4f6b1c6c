using static System.FormattableString;

namespace MlNetIcl.Probes;

/// <summary>How tasks differ from those of a family (Garg et al. 2022, section 4: prompts and queries out of distribution).</summary>
public enum RegressionShiftKind
{
    /// <summary>They do not.</summary>
    None,

    /// <summary>Inputs with a skewed covariance: eigenvalues in proportion to 1/i^2 in random directions, their sum kept at d.</summary>
    Skewed,

    /// <summary>Inputs in a random subspace of d/2 dimensions (at least one), the sum of variances kept at d.</summary>
    HalfSubspace,

    /// <summary>Demonstrations of a task all in one random orthant; the query anywhere.</summary>
    RandomQuadrants,

    /// <summary>The query orthogonal to all demonstrations, as long as it was. From d demonstrations on there is no such query.</summary>
    Orthogonal,

    /// <summary>The query is one of the demonstrations' inputs.</summary>
    Overlapping,

    /// <summary>Inputs, of demonstrations and query, times a factor.</summary>
    InputScale,

    /// <summary>Functions times a factor.</summary>
    LabelScale,

    /// <summary>Noise of the factor's standard deviation on the demonstrations' outputs.</summary>
    Noisy,
}

/// <summary>One set of tasks out of distribution.</summary>
/// <param name="Kind">What is different.</param>
/// <param name="Factor">Of scales and noise; without meaning elsewhere.</param>
public readonly record struct RegressionShift(RegressionShiftKind Kind, double Factor = 1)
{
    private static readonly double[] Factors = [1.0 / 3, 0.5, 2, 3];

    /// <summary>The sets that are tried: every kind, scales 1/3, 1/2, 2 and 3, noise 1.</summary>
    public static IReadOnlyList<RegressionShift> All { get; } =
    [
        new(RegressionShiftKind.None),
        new(RegressionShiftKind.Skewed),
        new(RegressionShiftKind.HalfSubspace),
        new(RegressionShiftKind.RandomQuadrants),
        new(RegressionShiftKind.Orthogonal),
        new(RegressionShiftKind.Overlapping),
        .. Factors.Select(factor => new RegressionShift(RegressionShiftKind.InputScale, factor)),
        .. Factors.Select(factor => new RegressionShift(RegressionShiftKind.LabelScale, factor)),
        new(RegressionShiftKind.Noisy),
    ];

    /// <summary>A name as <c>skewed</c>, <c>x scale 0.5</c>.</summary>
    public string Name => Kind switch
    {
        RegressionShiftKind.None => "none",
        RegressionShiftKind.Skewed => "skewed",
        RegressionShiftKind.HalfSubspace => "half subspace",
        RegressionShiftKind.RandomQuadrants => "random quadrants",
        RegressionShiftKind.Orthogonal => "orthogonal query",
        RegressionShiftKind.Overlapping => "overlapping query",
        RegressionShiftKind.InputScale => Invariant($"x scale {Factor:0.##}"),
        RegressionShiftKind.LabelScale => Invariant($"y scale {Factor:0.##}"),
        RegressionShiftKind.Noisy => Invariant($"noise {Factor:0.##}"),
        _ => throw new InvalidOperationException($"Unknown kind {Kind}."),
    };

    /// <summary>Whether a query of this set exists behind so many demonstrations of so many dimensions.</summary>
    public bool Exists(int demonstrations, int dimension) => Kind switch
    {
        RegressionShiftKind.Orthogonal => demonstrations < dimension,
        RegressionShiftKind.Overlapping => demonstrations > 0,
        _ => true,
    };

    /// <summary>What the set's functions are times those of the family, for errors in the family's unit.</summary>
    internal double OutputFactor => Kind is RegressionShiftKind.InputScale or RegressionShiftKind.LabelScale ? Factor : 1;
}
