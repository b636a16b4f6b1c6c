using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="CrossTaskPrior"/>.</summary>
public sealed record CrossTaskPriorOptions
{
    /// <summary>Unknowns, d. Range: 2 to 256. <value>Default 20.</value></summary>
    public int Dimension { get; init; } = 20;

    /// <summary>Examples of a task, n. Range: 2 to d - 1. <value>Default 10.</value></summary>
    public int Examples { get; init; } = 10;

    /// <summary>The ranks of the prior's covariance that are tried, r. Range: ascending, from 1 to n. <value>Default 2, 4, 6, 8, 10.</value></summary>
    public IReadOnlyList<int> Ranks { get; init; } = [2, 4, 6, 8, 10];

    /// <summary>Length of the prior mean, |w0|. Range: finite, above 0. <value>Default 2.</value></summary>
    public double MeanNorm { get; init; } = 2;

    /// <summary>Standard deviation of the noise, sigma. Range: finite, above 0. <value>Default 0.1.</value></summary>
    public double Noise { get; init; } = 0.1;

    /// <summary>Tasks that two-stage ridge estimates the prior from. Range: 10 to 1,000,000. <value>Default 20,000.</value></summary>
    public int PriorTasks { get; init; } = 20_000;

    /// <summary>Fresh tasks that every learner is measured on. Range: 16 to 100,000. <value>Default 2,000.</value></summary>
    public int TestTasks { get; init; } = 2000;

    /// <summary>Blocks of linear attention. Range: 1 to 32. <value>Default 4.</value></summary>
    public int Layers { get; init; } = 4;

    /// <summary>Width of a token. Range: a multiple of the heads, to 1,024. <value>Default 64.</value></summary>
    public int DModel { get; init; } = 64;

    /// <summary>Heads of each block. Range: 1 to 64. <value>Default 4.</value></summary>
    public int Heads { get; init; } = 4;

    /// <summary>Training steps of each rank's transformer. Range: 1 to 10,000,000. <value>Default 1,000.</value></summary>
    public int Steps { get; init; } = 1000;

    /// <summary>Fresh tasks of a step. Range: 1 to 65,536. <value>Default 128.</value></summary>
    public int BatchTasks { get; init; } = 128;

    /// <summary>Learning rate after 50 steps of warm-up; it falls to 0 by a half cosine. Range: finite, above 0. <value>Default 0.003.</value></summary>
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>Seed of priors, tasks, weights and intervals. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Dimension is >= 2 and <= 256, Dimension, "from 2 to 256");
        Setting.Require(Examples >= 2 && Examples < Dimension, Examples, $"from 2 to {Dimension - 1}, fewer than there are unknowns");
        Setting.Require(Ranks is { Count: > 0 } && Ranks.All(r => r >= 1 && r <= Examples) && Setting.Ascends(Ranks), Ranks, $"ascending numbers from 1 to {Examples}, the number of examples");
        Setting.Require(double.IsFinite(MeanNorm) && MeanNorm > 0, MeanNorm, "finite and above 0");
        Setting.Require(double.IsFinite(Noise) && Noise > 0, Noise, "finite and above 0");
        Setting.Require(PriorTasks is >= 10 and <= 1_000_000, PriorTasks, "from 10 to 1,000,000");
        Setting.Require(TestTasks is >= 16 and <= 100_000, TestTasks, "from 16 to 100,000");
        Setting.Require(Layers is >= 1 and <= 32, Layers, "from 1 to 32");
        Setting.Require(Heads is >= 1 and <= 64, Heads, "from 1 to 64");
        Setting.Require(DModel is >= 1 and <= 1024 && DModel % Heads == 0, DModel, $"a multiple of {Heads}, the number of heads, to 1,024");
        Setting.Require(Steps is >= 1 and <= 10_000_000, Steps, "from 1 to 10,000,000");
        Setting.Require(BatchTasks is >= 1 and <= 65_536, BatchTasks, "from 1 to 65,536");
        Setting.Require(double.IsFinite(LearningRate) && LearningRate > 0, LearningRate, "finite and above 0");
    }
}
