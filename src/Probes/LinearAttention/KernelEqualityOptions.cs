using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="KernelEquality"/>.</summary>
public sealed record KernelEqualityOptions
{
    /// <summary>Random regression tasks. Range: 10 to 100,000. <value>Default 1,000.</value></summary>
    public int Tasks { get; init; } = 1000;

    /// <summary>Demonstrations of a task, N. Range: 1 to 1,000. <value>Default 20.</value></summary>
    public int Examples { get; init; } = 20;

    /// <summary>Dimensions of an input, D. Range: 1 to 256. <value>Default 5.</value></summary>
    public int Dimension { get; init; } = 5;

    /// <summary>Step size of the constructed layer, eta: it adds (eta / N) sum y k. Range: finite, above 0. <value>Default 1.</value></summary>
    public double StepSize { get; init; } = 1;

    /// <summary>The ridges of kernel ridge regression, each times N. Range: finite, above 0, ascending. <value>Default 0.01, 0.1, 1, 10, 1,000.</value></summary>
    public IReadOnlyList<double> Ridges { get; init; } = [0.01, 0.1, 1, 10, 1000];

    /// <summary>Rows of random tokens that decoders read. Range: 2 to 1,000. <value>Default 16.</value></summary>
    public int Rows { get; init; } = 16;

    /// <summary>Tokens of such a row, at most the decoder's context. Range: 2 to 4,096. <value>Default 32.</value></summary>
    public int Length { get; init; } = 32;

    /// <summary>Steps that the decoder with linear attention is trained for on random tokens that repeat, before its heads are looked at. Range: 0 to 100,000. <value>Default 100.</value></summary>
    public int TrainingSteps { get; init; } = 100;

    /// <summary>Seed of tasks, rows, weights and intervals. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Tasks is >= 10 and <= 100_000, Tasks, "from 10 to 100,000");
        Setting.Require(Examples is >= 1 and <= 1000, Examples, "from 1 to 1,000");
        Setting.Require(Dimension is >= 1 and <= 256, Dimension, "from 1 to 256");
        Setting.Require(double.IsFinite(StepSize) && StepSize > 0, StepSize, "finite and above 0");
        Setting.Require(Ridges is not null && Ridges.All(r => double.IsFinite(r) && r > 0) && Setting.Ascends(Ridges), Ridges, "finite numbers above 0, ascending");
        Setting.Require(Rows is >= 2 and <= 1000, Rows, "from 2 to 1,000");
        Setting.Require(Length is >= 2 and <= 4096, Length, "from 2 to 4,096");
        Setting.Require(TrainingSteps is >= 0 and <= 100_000, TrainingSteps, "from 0 to 100,000");
    }
}
