using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="CausalGraphLearner"/>. Immutable; checked when they are used.</summary>
public sealed record CausalGraphLearningOptions
{
    /// <summary>The least attention of an edge. Range: above 0, to 1. <value>Default 0.5: at most one parent.</value></summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>The false discovery rate of children with parents: one whose parents don't predict held-out rows better than none is a root. Range: in (0, 1). <value>Default 0.05.</value></summary>
    public double Alpha { get; init; } = 0.05;

    /// <summary>Steps of each of two long trainings; the short ones take a quarter. Range: 1 to 1,000,000. <value>Default 800.</value></summary>
    public int Steps { get; init; } = 800;

    /// <summary>
    /// Short trainings, of which the best decides where the long one starts. Groups of positions with one parent are easily given another's, and few starts avoid it. Range: 1 to 1,000.
    /// <value>Default 18.</value>
    /// </summary>
    public int Starts { get; init; } = 18;

    /// <summary>Rows of a step. Range: 1 to 65,536. <value>Default 128.</value></summary>
    public int BatchRows { get; init; } = 128;

    /// <summary>First learning rate, which falls to 0 by a half cosine. Range: finite, above 0. <value>Default 0.05.</value></summary>
    public double LearningRate { get; init; } = 0.05;

    /// <summary>The share of rows that no training sees. Range: in (0, 1). <value>Default 0.2, and of many rows 1,000.</value></summary>
    public double HeldOutShare { get; init; } = 0.2;

    /// <summary>Seed of the split, of batches and of tests. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Threshold is > 0 and <= 1, Threshold, "above 0 and at most 1");
        Setting.Require(Alpha is > 0 and < 1, Alpha, "in (0, 1)");
        Setting.Require(Steps is >= 1 and <= 1_000_000, Steps, "from 1 to 1,000,000");
        Setting.Require(Starts is >= 1 and <= 1000, Starts, "from 1 to 1,000");
        Setting.Require(BatchRows is >= 1 and <= 65_536, BatchRows, "from 1 to 65,536");
        Setting.Require(double.IsFinite(LearningRate) && LearningRate > 0, LearningRate, "finite and above 0");
        Setting.Require(HeldOutShare is > 0 and < 1, HeldOutShare, "in (0, 1)");
    }
}
