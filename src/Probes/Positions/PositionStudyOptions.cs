using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="PositionStudy"/>. Every encoding gets the same decoder, rows, steps, seeds and learning rates to choose from.</summary>
public sealed record PositionStudyOptions
{
    /// <summary>The encodings, each once. <value>Default: all.</value></summary>
    public IReadOnlyList<PositionScheme> Schemes { get; init; } = Enum.GetValues<PositionScheme>();

    /// <summary>Decoders trained of each encoding. Range: 1 to 100. <value>Default 3.</value></summary>
    public int Seeds { get; init; } = 3;

    /// <summary>Training steps of each decoder. Range: 1 to 1,000,000. <value>Default 300.</value></summary>
    public int Steps { get; init; } = 300;

    /// <summary>
    /// The learning rates to choose from, by the loss on held-out rows after all steps, with a seed that is not measured.
    /// Range: at least one, finite, above 0. <value>Default 0.003 and 0.01.</value>
    /// </summary>
    public IReadOnlyList<double> LearningRates { get; init; } = [3e-3, 1e-2];

    /// <summary>The most demonstrations of a training row; rows have from 4 to so many. Range: 4 to 64. <value>Default 16.</value></summary>
    public int TrainedDemonstrations { get; init; } = 16;

    /// <summary>Numbers of demonstrations that are tested. Range: each from 1 to 64, ascending. <value>Default 4, 8, 16, 24, 32, 48, 64.</value></summary>
    public IReadOnlyList<int> TestedDemonstrations { get; init; } = [4, 8, 16, 24, 32, 48, 64];

    /// <summary>Rows of each measurement of each decoder. Range: 2 to 10,000. <value>Default 128.</value></summary>
    public int Rows { get; init; } = 128;

    /// <summary>Tokens in a training batch. Range: 256 to 1,048,576. <value>Default 1,024.</value></summary>
    public int BatchTokens { get; init; } = 1024;

    /// <summary>Seed of weights, rows and intervals. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Width of the residual stream. Range: a multiple of 16, 16 to 512. <value>Default 64.</value></summary>
    public int DModel { get; init; } = 64;

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Schemes is { Count: > 0 } && Schemes.Distinct().Count() == Schemes.Count && Schemes.All(s => Enum.IsDefined(s)), Schemes, "at least one encoding, each once");
        Setting.Require(Seeds is >= 1 and <= 100, Seeds, "from 1 to 100");
        Setting.Require(Steps is >= 1 and <= 1_000_000, Steps, "from 1 to 1,000,000");
        Setting.Require(LearningRates is { Count: > 0 } && LearningRates.All(r => double.IsFinite(r) && r > 0), LearningRates, "at least one, finite and above 0");
        Setting.Require(TrainedDemonstrations is >= DemonstrationTask.Fewest and <= DemonstrationTask.Keys, TrainedDemonstrations, $"from {DemonstrationTask.Fewest} to {DemonstrationTask.Keys}");
        Setting.Require(TestedDemonstrations is { Count: > 0 } && TestedDemonstrations.All(n => n is >= 1 and <= DemonstrationTask.Keys)
            && Setting.Ascends(TestedDemonstrations), TestedDemonstrations, $"ascending numbers from 1 to {DemonstrationTask.Keys}");
        Setting.Require(Rows is >= 2 and <= 10_000, Rows, "from 2 to 10,000");
        Setting.Require(BatchTokens is >= 256 and <= 1 << 20, BatchTokens, "from 256 to 1,048,576");
        Setting.Require(DModel is >= 16 and <= 512 && DModel % 16 == 0, DModel, "a multiple of 16 from 16 to 512");
    }
}
