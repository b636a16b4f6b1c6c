using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="GradientDescentProbe"/>. The defaults are the protocol of von Oswald et al. 2023.</summary>
public sealed record GradientDescentOptions
{
    /// <summary>Inputs of a task, d. Range: 1 to 64. <value>Default 10.</value></summary>
    public int Dimension { get; init; } = 10;

    /// <summary>Examples of a task, N. Range: 1 to 256. <value>Default 10.</value></summary>
    public int Examples { get; init; } = 10;

    /// <summary>Inputs are uniform in [-range, range). Range: 0.05 to 20. <value>Default 0.5, which the paper's code draws; its text says 1.</value></summary>
    public double Range { get; init; } = 0.5;

    /// <summary>Layers of linear self-attention, and steps of gradient descent that they are held against. Range: 1 to 8. <value>Default 1.</value></summary>
    public int Layers { get; init; } = 1;

    /// <summary>Whether all layers have the same weights, as steps of gradient descent with one learning rate have. <value>Default true.</value></summary>
    public bool SharedLayers { get; init; } = true;

    /// <summary>Models trained, each from other weights and on other tasks. Range: 1 to 100. <value>Default 3.</value></summary>
    public int Seeds { get; init; } = 3;

    /// <summary>Training steps of each. Range: 1 to 1,000,000. <value>Default 5,000.</value></summary>
    public int Steps { get; init; } = 5000;

    /// <summary>Fresh tasks of a step. Range: 1 to 65,536. <value>Default 2,048.</value></summary>
    public int BatchTasks { get; init; } = 2048;

    /// <summary>Learning rate of Adam. Range: finite, above 0. <value>Default 0.001.</value></summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Largest L2 norm of a gradient. Range: above 0. <value>Default 0.001.</value></summary>
    public double ClipNorm { get; init; } = 1e-3;

    /// <summary>Variance of the first weights times the width of a token, d + 1. Range: finite, above 0. <value>Default 0.002.</value></summary>
    public double InitialVariance { get; init; } = 0.002;

    /// <summary>Fresh tasks that everything is measured on. Range: 100 to 100,000. <value>Default 10,000.</value></summary>
    public int TestTasks { get; init; } = 10_000;

    /// <summary>Tasks that learning rates are searched on. Range: 100 to 100,000. <value>Default 2,000: nothing but the eigenvalues of their inputs is random in the search.</value></summary>
    public int SearchTasks { get; init; } = 2000;

    /// <summary>Factors of the shift tests. Range: ascending, finite, above 0. <value>Default 0.5, 0.75, 1, 1.25, 1.5, 2 and 3.</value></summary>
    public IReadOnlyList<double> ShiftFactors { get; init; } = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];

    /// <summary>A softmax transformer that is trained on the same tasks and held against the same algorithms. <value>Default (null): none.</value></summary>
    public SoftmaxOptions? Softmax { get; init; }

    /// <summary>Seed of weights, tasks and W0. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>
    /// A folder for the state of each run, saved every 500 steps and at the end. A run that was interrupted, or that had fewer steps, goes on from there
    /// to the same weights, bit for bit. <value>Default (null): nothing is kept.</value>
    /// </summary>
    public string? CheckpointFolder { get; init; }

    internal LinearTaskFamily Family => new(Dimension, Examples, Range);

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Dimension is >= 1 and <= 64, Dimension, "from 1 to 64");
        Setting.Require(Examples is >= 1 and <= 256, Examples, "from 1 to 256");
        Setting.Require(Range is >= 0.05 and <= 20, Range, "from 0.05 to 20");
        Setting.Require(Layers is >= 1 and <= 8, Layers, "from 1 to 8");
        Setting.Require(Seeds is >= 1 and <= 100, Seeds, "from 1 to 100");
        Setting.Require(Steps is >= 1 and <= 1_000_000, Steps, "from 1 to 1,000,000");
        Setting.Require(BatchTasks is >= 1 and <= 65_536, BatchTasks, "from 1 to 65,536");
        Setting.Require(double.IsFinite(LearningRate) && LearningRate > 0, LearningRate, "finite and above 0");
        Setting.Require(ClipNorm > 0, ClipNorm, "above 0");
        Setting.Require(double.IsFinite(InitialVariance) && InitialVariance > 0, InitialVariance, "finite and above 0");
        Setting.Require(TestTasks is >= 100 and <= 100_000, TestTasks, "from 100 to 100,000");
        Setting.Require(SearchTasks is >= 100 and <= 100_000, SearchTasks, "from 100 to 100,000");
        Setting.Require(ShiftFactors is { Count: > 0 } && ShiftFactors.All(f => double.IsFinite(f) && f > 0) && Setting.Ascends(ShiftFactors), ShiftFactors, "ascending numbers above 0, at least one");
        Softmax?.Validate();
    }
}

/// <summary>The softmax transformer of <see cref="GradientDescentOptions.Softmax"/>: examples attend to examples, the query to examples, no positions.</summary>
public sealed record SoftmaxOptions
{
    /// <summary>Layers. Range: 1 to 12. <value>Default 3.</value></summary>
    public int Layers { get; init; } = 3;

    /// <summary>Width of a token. Range: a multiple of the heads, to 512. <value>Default 64.</value></summary>
    public int Width { get; init; } = 64;

    /// <summary>Heads of each layer. Range: 1 to 32. <value>Default 4.</value></summary>
    public int Heads { get; init; } = 4;

    /// <summary>Whether layers have an MLP, of twice the width. <value>Default true.</value></summary>
    public bool Mlp { get; init; } = true;

    /// <summary>Training steps. Range: 1 to 1,000,000. <value>Default 2,000.</value></summary>
    public int Steps { get; init; } = 2000;

    /// <summary>Fresh tasks of a step. Range: 1 to 65,536. <value>Default 128.</value></summary>
    public int BatchTasks { get; init; } = 128;

    /// <summary>Learning rate after 50 steps of warm-up; it falls to 0 by a half cosine. Range: finite, above 0. <value>Default 0.003.</value></summary>
    public double LearningRate { get; init; } = 3e-3;

    internal void Validate()
    {
        Setting.Require(Layers is >= 1 and <= 12, Layers, "from 1 to 12");
        Setting.Require(Heads is >= 1 and <= 32, Heads, "from 1 to 32");
        Setting.Require(Width is >= 1 and <= 512 && Width % Heads == 0, Width, $"a multiple of the heads, {Heads}, to 512");
        Setting.Require(Steps is >= 1 and <= 1_000_000, Steps, "from 1 to 1,000,000");
        Setting.Require(BatchTasks is >= 1 and <= 65_536, BatchTasks, "from 1 to 65,536");
        Setting.Require(double.IsFinite(LearningRate) && LearningRate > 0, LearningRate, "finite and above 0");
    }
}
