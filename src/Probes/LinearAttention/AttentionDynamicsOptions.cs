using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="AttentionDynamics"/>. What is null is derived from the rest, so that the published protocol comes out at its sizes.</summary>
public sealed record AttentionDynamicsOptions
{
    /// <summary>
    /// Eigenvalues of the inputs' covariance, up to a factor: they are scaled so that their sum, which is the loss of answering 0, is 1.
    /// Range: 1 to 32 numbers, finite and above 0, of which none is more than 10,000 times another. <value>Default 1, 2, 3, 4.</value>
    /// </summary>
    public IReadOnlyList<double> Eigenvalues { get; init; } = [1, 2, 3, 4];

    /// <summary>Demonstrations in a sequence, N. Range: 1 to 10,000. <value>Default 32.</value></summary>
    public int Examples { get; init; } = 32;

    /// <summary>Sequences that are trained on, all at every step. Range: from four for each entry of the D x D matrix that is learned, to 1,000,000. <value>Default 5,000.</value></summary>
    public int Sequences { get; init; } = 5000;

    /// <summary>Trainings of each kind, each with sequences and first weights of its own. Range: 1 to 1,000. <value>Default 5.</value></summary>
    public int Seeds { get; init; } = 5;

    /// <summary>
    /// Heads. Range: 1 to 256. <value>Default (null): two for each dimension, since of rank-1 heads that are as many as dimensions one often starts
    /// so badly that its component takes several times longer.</value>
    /// </summary>
    public int? Heads { get; init; }

    /// <summary>
    /// Size of the first weights: the root mean square of a value, and of the lengths of key, query and merged matrix (Frobenius), which start normal. The smaller
    /// it is, the longer plateaus last and the further drops stand apart. Range: finite, above 0. <value>Default (null): 0.05, in more than four dimensions
    /// 0.2 / D, as more drops need more room.</value>
    /// </summary>
    public double? InitialSize { get; init; }

    /// <summary>Learning rate of merged heads. Range: finite, above 0. <value>Default (null): 0.001 (0.4 / largest eigenvalue)^2, which is 0.001 for 1, 2, 3, 4.</value></summary>
    public double? MergedRate { get; init; }

    /// <summary>Learning rate of separate heads. Range: finite, above 0. <value>Default (null): 0.1 (0.4 / largest eigenvalue)^2.</value></summary>
    public double? SeparateRate { get; init; }

    /// <summary>
    /// Steps of each training. Range: 1 to 100,000,000. <value>Default (null): until the loss of the sequences is within 0.5 % of its optimum and within
    /// 2 % of what the smallest component is worth, <see cref="MostSteps"/> at most.</value>
    /// </summary>
    public int? Steps { get; init; }

    /// <summary>Where a training whose <see cref="Steps"/> are not given ends in any case. Range: 1 to 100,000,000. <value>Default 5,000,000.</value></summary>
    public int MostSteps { get; init; } = 5_000_000;

    /// <summary>Seed of sequences, first weights and intervals. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Number of eigenvalues, D.</summary>
    public int Dimension => Eigenvalues.Count;

    internal int HeadsInEffect => Heads ?? 2 * Dimension;

    internal double SizeInEffect => InitialSize ?? Math.Min(0.05, 0.2 / Dimension);

    /// <summary>A component grows by rate times eigenvalue squared, so that the published rates, for a largest eigenvalue of 0.4, carry over.</summary>
    internal double RateOf(KeyQueryKind kind, double largestEigenvalue) =>
        (kind == KeyQueryKind.Merged ? MergedRate : SeparateRate) ?? (kind == KeyQueryKind.Merged ? 1e-3 : 0.1) * Math.Pow(0.4 / largestEigenvalue, 2);

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Eigenvalues is { Count: >= 1 and <= 32 } && Eigenvalues.All(IsPositive) && Eigenvalues.Max() <= 1e4 * Eigenvalues.Min(), Eigenvalues,
            "1 to 32 finite numbers above 0, none more than 10,000 times another");
        Setting.Require(Examples is >= 1 and <= 10_000, Examples, "from 1 to 10,000");
        Setting.Require(Sequences >= 4 * Dimension * Dimension && Sequences <= 1_000_000, Sequences, FormattableString.Invariant($"from {4 * Dimension * Dimension}, four for each entry of a {Dimension} x {Dimension} matrix, to 1,000,000"));
        Setting.Require(Seeds is >= 1 and <= 1000, Seeds, "from 1 to 1,000");
        Setting.Require(HeadsInEffect is >= 1 and <= 256, HeadsInEffect, "from 1 to 256", nameof(Heads));
        Setting.Require(IsPositive(SizeInEffect), SizeInEffect, "finite and above 0", nameof(InitialSize));
        Setting.Require(MergedRate is null || IsPositive(MergedRate.Value), MergedRate, "finite and above 0");
        Setting.Require(SeparateRate is null || IsPositive(SeparateRate.Value), SeparateRate, "finite and above 0");
        Setting.Require(Steps is null or (>= 1 and <= 100_000_000), Steps, "from 1 to 100,000,000");
        Setting.Require(MostSteps is >= 1 and <= 100_000_000, MostSteps, "from 1 to 100,000,000");
    }

    private static bool IsPositive(double value) => double.IsFinite(value) && value > 0;
}
