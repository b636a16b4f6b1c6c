namespace MlNetIcl.Probes;

/// <summary>The usual rules from figures to verdicts.</summary>
internal static class ClaimRules
{
    /// <summary>'The number exceeds the bound': reproduced where the whole interval does, refuted where none of it does.</summary>
    public static ClaimVerdict Above(Interval measured, double bound) =>
        measured.Low > bound ? ClaimVerdict.Reproduced : measured.High <= bound ? ClaimVerdict.Refuted : ClaimVerdict.Depends;

    /// <summary>'The number is less than the bound': reproduced where the whole interval is, refuted where none of it is.</summary>
    public static ClaimVerdict Below(Interval measured, double bound) =>
        measured.High < bound ? ClaimVerdict.Reproduced : measured.Low >= bound ? ClaimVerdict.Refuted : ClaimVerdict.Depends;

    /// <summary>'The number is this one': reproduced where the interval holds it, refuted elsewhere.</summary>
    public static ClaimVerdict Is(Interval measured, double claimed) =>
        measured.Low <= claimed && claimed <= measured.High ? ClaimVerdict.Reproduced : ClaimVerdict.Refuted;

    /// <summary>'It is so': reproduced or refuted.</summary>
    public static ClaimVerdict Holds(bool holds) => holds ? ClaimVerdict.Reproduced : ClaimVerdict.Refuted;

    /// <summary>Over cases (models, seeds, settings): the verdict of all, or <see cref="ClaimVerdict.Depends"/> where they differ.</summary>
    /// <exception cref="ArgumentException">There is no case.</exception>
    public static ClaimVerdict All(IEnumerable<ClaimVerdict> cases)
    {
        ClaimVerdict[] different = [.. cases.Distinct()];
        return different.Length switch
        {
            0 => throw new ArgumentException("A verdict needs at least one case.", nameof(cases)),
            1 => different[0],
            _ => ClaimVerdict.Depends,
        };
    }
}
