using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="ParadigmStudy"/>.</summary>
public sealed record ParadigmOptions
{
    /// <summary>The families, each once. <value>Default: linear and sinusoids.</value></summary>
    public IReadOnlyList<RegressionFamily> Families { get; init; } = [RegressionFamily.Linear, RegressionFamily.Sinusoid];

    /// <summary>d of linear tasks. Range: 1 to 64. <value>Default 5.</value></summary>
    public int Dimension { get; init; } = 5;

    /// <summary>Numbers of examples that learners adapt to. Range: ascending, from 1 to 256. <value>Default 2, 5, 10.</value></summary>
    public IReadOnlyList<int> Shots { get; init; } = [2, 5, 10];

    /// <summary>Fresh tasks that all learners are measured on. Range: 16 to 100,000. <value>Default 500.</value></summary>
    public int TestTasks { get; init; } = 500;

    /// <summary>Training steps of the in-context model, of 64 tasks. Range: 1 to 10,000,000. <value>Default 2,000.</value></summary>
    public int InContextSteps { get; init; } = 2000;

    /// <summary>Training steps of the meta-learned network, of 25 tasks. Range: 1 to 10,000,000. <value>Default 3,000.</value></summary>
    public int MetaSteps { get; init; } = 3000;

    /// <summary>Steps of gradient descent by which the meta-learned network adapts. Range: 1 to 100. <value>Default 5.</value></summary>
    public int InnerSteps { get; init; } = 5;

    /// <summary>Adam updates of the network that starts from random weights. Range: 1 to 100,000. <value>Default 200.</value></summary>
    public int ScratchSteps { get; init; } = 200;

    /// <summary>Width of the networks' two hidden layers. Range: 1 to 1,024. <value>Default 40 (Finn et al. 2017).</value></summary>
    public int Hidden { get; init; } = 40;

    /// <summary>lambda of ridge on linear tasks. Range: finite, above 0. <value>Default 0.01.</value></summary>
    public double Lambda { get; init; } = 0.01;

    /// <summary>Seed of weights and tasks. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Families is { Count: > 0 } && Families.All(Enum.IsDefined) && Families.Distinct().Count() == Families.Count, Families, "known families, each once");
        Setting.Require(Dimension is >= 1 and <= 64, Dimension, "from 1 to 64");
        Setting.Require(Shots is { Count: > 0 } && Shots.All(k => k is >= 1 and <= 256) && Setting.Ascends(Shots), Shots, "ascending numbers from 1 to 256");
        Setting.Require(TestTasks is >= 16 and <= 100_000, TestTasks, "from 16 to 100,000");
        Setting.Require(InContextSteps is >= 1 and <= 10_000_000, InContextSteps, "from 1 to 10,000,000");
        Setting.Require(MetaSteps is >= 1 and <= 10_000_000, MetaSteps, "from 1 to 10,000,000");
        Setting.Require(InnerSteps is >= 1 and <= 100, InnerSteps, "from 1 to 100");
        Setting.Require(ScratchSteps is >= 1 and <= 100_000, ScratchSteps, "from 1 to 100,000");
        Setting.Require(Hidden is >= 1 and <= 1024, Hidden, "from 1 to 1,024");
        Setting.Require(double.IsFinite(Lambda) && Lambda > 0, Lambda, "finite and above 0");
    }
}
