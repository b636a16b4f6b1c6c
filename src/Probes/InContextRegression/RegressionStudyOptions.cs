using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="RegressionStudy"/>.</summary>
public sealed record RegressionStudyOptions
{
    /// <summary>d of the table of baselines. Range: 1 to 256. <value>Default 20.</value></summary>
    public int BaselineDimension { get; init; } = 20;

    /// <summary>Numbers of demonstrations in the table of baselines. Range: ascending, from 0 to 1,024. <value>Default 5, 10, 20, 40.</value></summary>
    public IReadOnlyList<int> BaselineShots { get; init; } = [5, 10, 20, 40];

    /// <summary>Fresh tasks of the table of baselines. Range: 100 to 10,000,000. <value>Default 20,000.</value></summary>
    public int BaselineTasks { get; init; } = 20_000;

    /// <summary>Standard deviation of the noise in the second half of the table of baselines. Range: finite, above 0. <value>Default 1.</value></summary>
    public double BaselineNoise { get; init; } = 1;

    /// <summary>lambda of ridge, which is the best one where it is the noise's variance. Range: finite, above 0. <value>Default 1.</value></summary>
    public double Lambda { get; init; } = 1;

    /// <summary>What the in-context regressor is trained on and how, where none is given. <value>Default: its defaults.</value></summary>
    public InContextRegressorOptions Regressor { get; init; } = new();

    /// <summary>Sets of tasks out of distribution that the regressor and the baselines are compared on, for linear tasks. <value>Default: all.</value></summary>
    public IReadOnlyList<RegressionShift> Shifts { get; init; } = RegressionShift.All;

    /// <summary>Fresh tasks of each comparison. Range: 16 to 1,000,000. <value>Default 2,000.</value></summary>
    public int TestTasks { get; init; } = 2000;

    /// <summary>How many of them learners from elsewhere answer, which learn task by task. Range: 2 to 100,000. <value>Default 100.</value></summary>
    public int LearnerTasks { get; init; } = 100;

    /// <summary>Numbers of demonstrations that learners from elsewhere get; those that the regressor does not take are left out. Range: from 1. <value>Default 2, 5, 10.</value></summary>
    public IReadOnlyList<int> LearnerShots { get; init; } = [2, 5, 10];

    /// <summary>Seed of tasks; the regressor has its own. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(BaselineDimension is >= 1 and <= 256, BaselineDimension, "from 1 to 256");
        Setting.Require(BaselineShots is { Count: > 0 } && BaselineShots.All(k => k is >= 0 and <= 1024) && Setting.Ascends(BaselineShots), BaselineShots, "ascending numbers from 0 to 1,024");
        Setting.Require(BaselineTasks is >= 100 and <= 10_000_000, BaselineTasks, "from 100 to 10,000,000");
        Setting.Require(double.IsFinite(BaselineNoise) && BaselineNoise > 0, BaselineNoise, "finite and above 0");
        Setting.Require(double.IsFinite(Lambda) && Lambda > 0, Lambda, "finite and above 0");
        ArgumentNullException.ThrowIfNull(Regressor);
        Regressor.Validate();
        Setting.Require(Shifts is not null && Shifts.All(s => Enum.IsDefined(s.Kind) && double.IsFinite(s.Factor) && s.Factor > 0), Shifts, "known sets with finite factors above 0");
        Setting.Require(TestTasks is >= 16 and <= 1_000_000, TestTasks, "from 16 to 1,000,000");
        Setting.Require(LearnerTasks is >= 2 and <= 100_000, LearnerTasks, "from 2 to 100,000");
        Setting.Require(LearnerShots is not null && LearnerShots.All(k => k >= 1), LearnerShots, "numbers from 1");
    }
}
