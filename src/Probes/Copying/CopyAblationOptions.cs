namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="CopyAblation"/>.</summary>
public sealed record CopyAblationOptions
{
    /// <summary>Sequences that heads are detected on, and as many others that copying is measured on. Range: 2 to 10,000. <value>Default 32.</value></summary>
    public int Sequences { get; init; } = 32;

    /// <summary>Tokens in a period, R. Range: at least 2, as far as context and usable ids reach. <value>Default (null): min(50, what context and usable ids allow).</value></summary>
    public int? Period { get; init; }

    /// <summary>Seed of sequences, intervals, tests and random sets of heads. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>What head outputs are replaced by; not <see cref="AblationKind.Resample"/>. <value>Default <see cref="AblationKind.MeanPerPosition"/>.</value></summary>
    public AblationKind Kind { get; init; } = AblationKind.MeanPerPosition;

    /// <summary>Random sets of heads drawn as a control for each set. Range: 0 to 1,000. <value>Default 10.</value></summary>
    public int ControlDraws { get; init; } = 10;

    internal void Validate()
    {
        if (Kind is not (AblationKind.Zero or AblationKind.Mean or AblationKind.MeanPerPosition))
            throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "Expected Zero, Mean or MeanPerPosition.");
        if (ControlDraws is < 0 or > 1000) throw new ArgumentOutOfRangeException(nameof(ControlDraws), ControlDraws, "Expected ControlDraws from 0 to 1,000.");
        Detection.Validate();
    }

    internal HeadDetectionOptions Detection => new() { Sequences = Sequences, Period = Period, Seed = Seed, TransformerLens = false, Copying = false };
}
