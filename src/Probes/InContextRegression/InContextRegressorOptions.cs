using MlNetIcl.Models;

using static System.FormattableString;

namespace MlNetIcl.Probes;

/// <summary>What an <see cref="InContextRegressor"/> is trained on and how. The defaults take about a minute of one core.</summary>
public sealed record InContextRegressorOptions
{
    /// <summary>The family of tasks. <value>Default <see cref="RegressionFamily.Linear"/>.</value></summary>
    public RegressionFamily Family { get; init; }

    /// <summary>Inputs of a function, d. Range: 1 to 64; 1 for sinusoids. <value>Default 5.</value></summary>
    public int Dimension { get; init; } = 5;

    /// <summary>The most demonstrations before a query, n; it is trained behind 0, 1, …, n of them. Range: 1 to 256. <value>Default 10.</value></summary>
    public int Demonstrations { get; init; } = 10;

    /// <summary>Standard deviation of the noise on demonstrations' outputs, in the family's unit. Range: finite, at least 0. <value>Default 0.</value></summary>
    public double Noise { get; init; }

    /// <summary>Whether each task has a noise of its own, uniform between 0 and <see cref="Noise"/>, which has to be guessed from the demonstrations. <value>Default false.</value></summary>
    public bool NoiseVaries { get; init; }

    /// <summary>Share of tasks whose last inputs are 0, as those of data with fewer features. Range: [0, 1]. <value>Default 0.</value></summary>
    public double PaddedShare { get; init; }

    /// <summary>Blocks of the decoder. Range: 1 to 24. <value>Default 5.</value></summary>
    public int Layers { get; init; } = 5;

    /// <summary>Width of the residual stream; the MLP has twice as much. Range: a multiple of the heads, to 1,024. <value>Default 32: at equal cost, narrow and deep came nearer to least squares than wide and flat.</value></summary>
    public int DModel { get; init; } = 32;

    /// <summary>Heads of each block. Range: 1 to 64. <value>Default 4.</value></summary>
    public int Heads { get; init; } = 4;

    /// <summary>Training steps. Range: 1 to 10,000,000. <value>Default 2,000.</value></summary>
    public int Steps { get; init; } = 2000;

    /// <summary>Fresh tasks of a step. Range: 1 to 65,536. <value>Default 64.</value></summary>
    public int BatchTasks { get; init; } = 64;

    /// <summary>Learning rate after 100 steps of warm-up; it falls to 0 by a half cosine. Range: finite, above 0. <value>Default 0.008.</value></summary>
    public double LearningRate { get; init; } = 8e-3;

    /// <summary>Seed of weights and tasks. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Enum.IsDefined(Family), Family, "Linear or Sinusoid");
        Setting.Require(Dimension is >= 1 and <= 64, Dimension, "from 1 to 64");
        Setting.Require(Family != RegressionFamily.Sinusoid || Dimension == 1, Dimension, "1 for sinusoids");
        Setting.Require(Demonstrations is >= 1 and <= 256, Demonstrations, "from 1 to 256");
        Setting.Require(double.IsFinite(Noise) && Noise >= 0, Noise, "finite and at least 0");
        Setting.Require(PaddedShare is >= 0 and <= 1, PaddedShare, "in [0, 1]");
        Setting.Require(Layers is >= 1 and <= 24, Layers, "from 1 to 24");
        Setting.Require(Heads is >= 1 and <= 64, Heads, "from 1 to 64");
        Setting.Require(DModel >= 1 && DModel <= 1024 && DModel % Heads == 0, DModel, Invariant($"a multiple of {Heads}, the number of heads, to 1,024"));
        Setting.Require(Steps is >= 1 and <= 10_000_000, Steps, "from 1 to 10,000,000");
        Setting.Require(BatchTasks is >= 1 and <= 65_536, BatchTasks, "from 1 to 65,536");
        Setting.Require(double.IsFinite(LearningRate) && LearningRate > 0, LearningRate, "finite and above 0");
    }
}
