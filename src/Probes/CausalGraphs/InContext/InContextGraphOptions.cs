using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="InContextGraphProbe"/>. Immutable; checked when they are used.</summary>
public sealed record InContextGraphOptions
{
    /// <summary>Tokens, S. Range: 2 to 8. <value>Default 3.</value></summary>
    public int Vocabulary { get; init; } = 3;

    /// <summary>Positions of a sequence, T. Range: 3 to 8. <value>Default 4.</value></summary>
    public int Length { get; init; } = 4;

    /// <summary>Example sequences in a prompt, L. Range: 1 to 32. <value>Default 8.</value></summary>
    public int Examples { get; init; } = 8;

    /// <summary>Concentration of the Dirichlet distribution of the kernel's rows. Range: 0.01 to 100. <value>Default 0.3.</value></summary>
    public double Alpha { get; init; } = 0.3;

    /// <summary>Models trained, each with a kernel of its own. Range: 1 to 100. <value>Default 3.</value></summary>
    public int Seeds { get; init; } = 3;

    /// <summary>Training steps. Range: 1 to 1,000,000. <value>Default 1,500.</value></summary>
    public int Steps { get; init; } = 1500;

    /// <summary>Prompts of a step. Range: 1 to 4,096. <value>Default 64.</value></summary>
    public int BatchPrompts { get; init; } = 64;

    /// <summary>Largest learning rate, reached after 50 steps; it falls to 0 by a half cosine. Range: finite, above 0. <value>Default 0.001.</value></summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Layers of the decoder. Range: 1 to 8. <value>Default 2.</value></summary>
    public int Layers { get; init; } = 2;

    /// <summary>Width of the decoder, a multiple of 8. Range: 16 to 512. <value>Default 64.</value></summary>
    public int DModel { get; init; } = 64;

    /// <summary>Fresh prompts that are measured on. Range: 16 to 100,000. <value>Default 2,000.</value></summary>
    public int TestPrompts { get; init; } = 2000;

    /// <summary>Seed of kernels, prompts, weights and intervals. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>A folder for the state of each run; an interrupted one goes on from there, to the same weights. <value>Default (null): nothing is kept.</value></summary>
    public string? CheckpointFolder { get; init; }

    internal int SeedOf(int run) => unchecked((Seed * 1000) + run);

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Vocabulary is >= 2 and <= 8, Vocabulary, "from 2 to 8");
        Setting.Require(Length is >= 3 and <= 8, Length, "from 3 to 8");
        Setting.Require(Examples is >= 1 and <= 32, Examples, "from 1 to 32");
        Setting.Require(Alpha is >= 0.01 and <= 100, Alpha, "from 0.01 to 100");
        Setting.Require(Seeds is >= 1 and <= 100, Seeds, "from 1 to 100");
        Setting.Require(Steps is >= 1 and <= 1_000_000, Steps, "from 1 to 1,000,000");
        Setting.Require(BatchPrompts is >= 1 and <= 4096, BatchPrompts, "from 1 to 4,096");
        Setting.Require(double.IsFinite(LearningRate) && LearningRate > 0, LearningRate, "finite and above 0");
        Setting.Require(Layers is >= 1 and <= 8, Layers, "from 1 to 8");
        Setting.Require(DModel is >= 16 and <= 512 && DModel % 8 == 0, DModel, "from 16 to 512, a multiple of 8");
        Setting.Require(TestPrompts is >= 16 and <= 100_000, TestPrompts, "from 16 to 100,000");
    }
}
