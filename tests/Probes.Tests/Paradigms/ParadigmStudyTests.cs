using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.Paradigms;

public sealed class ParadigmStudyTests : IDisposable
{
    private static readonly ParadigmOptions Small = new() { Families = [RegressionFamily.Linear], Dimension = 2, Shots = [2, 6], TestTasks = 100, InContextSteps = 20, MetaSteps = 200, ScratchSteps = 50, Hidden = 16 };

    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    static ParadigmStudyTests() => Models.Native.NativeTorch.EnsureLoaded();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Run_LinearTasks_CountsUpdatesAndDataAndMetaLearningHelps()
    {
        var family = Assert.Single(ParadigmStudy.Run(Small).Families);
        ParadigmLearner ridge = family.Learners[0], scratch = family.Learners[1], meta = family.Learners[2], inContext = family.Learners[3];
        int network = (2 * 16) + 16 + (16 * 16) + 16 + 16 + 1;

        Assert.Equal([Paradigm.Classical, Paradigm.Classical, Paradigm.MetaLearning, Paradigm.InContext], family.Learners.Select(l => l.Paradigm));
        Assert.Equal([1, 50, 5, 0], family.Learners.Select(l => l.Updates));
        Assert.Equal((2, network, network), ((int)ridge.Parameters, (int)scratch.Parameters, (int)meta.Parameters));
        Assert.Equal([0, 0, 200 * 25, 20 * 64], family.Learners.Select(l => l.PretrainingTasks));
        Assert.Equal(200 * 25 * 16, meta.PretrainingExamples);
        Assert.Equal(20 * 64 * 7, inContext.PretrainingExamples);
        Assert.True(ridge.ByShots[1].Mean < 1e-3);
        Assert.True(meta.ByShots[1].Mean < scratch.ByShots[1].Mean, $"{meta.ByShots[1]} against {scratch.ByShots[1]}");
        Assert.All(family.Learners.Take(3), l => Assert.True(l.ByShots[0].Mean > l.ByShots[1].Mean));
        Assert.All(family.Learners, l => Assert.True(l.AdaptationTime > TimeSpan.Zero));
        Assert.All(family.Learners, l => Assert.Equal(["skewed", "x scale 2", "y scale 2"], l.Shifted.Select(s => s.Shift.Name)));
    }

    [Fact]
    public void Run_MoreTasksThanAtOnce_MeasuresEachOnce()
    {
        var options = Small with { TestTasks = 1003, InContextSteps = 1, MetaSteps = 1, ScratchSteps = 1, InnerSteps = 1, Hidden = 2 };
        var learners = ParadigmStudy.Run(options).Families[0].Learners;
        using var scope = NewDisposeScope();
        var (x, y, query, target) = new RegressionTaskSource(RegressionFamily.Linear, 2, 6).Draw(1003, options.Seed, RandomStream.ParadigmTest, 0).At(6);
        double[] errors = (ClassicRegressors.Ridge(x, y, query, options.Lambda) - target).square().div(2).data<double>().ToArray();

        Assert.All(learners, l => Assert.All(l.ByShots, e => Assert.Equal(1003, e.Tasks)));
        Assert.Equal(errors.Average(), learners[0].ByShots[1].Mean, 1e-12);
    }

    [Fact]
    public void TaskNetwork_ManyTasks_EachIsComputedWithItsOwnWeights()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var network = new TaskNetwork(RegressionFamily.Linear, 3, 4);
        Tensor[] weights = [.. network.Initial(1, RandomStream.MetaTraining).Select(w => w.unsqueeze(0) + randn([5, .. w.shape], generator: generator))];
        var x = randn([5, 7, 3], generator: generator);
        var together = network.Answer(weights, x);

        for (int task = 0; task < 5; task++)
        {
            var h = (mm(x[task], weights[0][task]) + weights[1][task]).relu();
            h = (mm(h, weights[2][task]) + weights[3][task]).relu();
            Assert.True((mm(h, weights[4][task]) + weights[5][task] - together[task].unsqueeze(1)).abs().max().item<float>() < 1e-4);
        }
    }

    [Fact]
    public void MetaLearner_OneTaskAmongMany_AdaptsAsIfAlone()
    {
        using var scope = NewDisposeScope();
        using var learner = new MetaLearner(RegressionFamily.Linear, 2, Small);
        var (x, y, query, _) = new RegressionTaskSource(RegressionFamily.Linear, 2, 6).Draw(4, 1, RandomStream.ParadigmTest, 0).At(6);
        var together = learner.Answer(x, y, query);

        for (int task = 0; task < 4; task++)
            Assert.Equal(together[task].item<double>(), learner.Answer(x.narrow(0, task, 1), y.narrow(0, task, 1), query.narrow(0, task, 1)).item<double>(), 1e-4);
    }

    /// <summary>With first derivatives alone (Finn et al. 2017, section 5.2, 'first order') the gradient is another one.</summary>
    [Fact]
    public void MetaLearner_Gradient_GoesThroughTheInnerSteps()
    {
        using var scope = NewDisposeScope();
        using var learner = new MetaLearner(RegressionFamily.Linear, 2, Small with { InnerSteps = 2 }); // after many steps kinks lie close
        Tensor[] gradients;
        using (enable_grad()) gradients = [.. autograd.grad([learner.LossAt(0)], [.. learner.Weights])];
        double length = Math.Sqrt(gradients.Sum(g => (double)g.square().sum().item<float>()));

        double slope = (Moved(3e-4) - Moved(-3e-4)) / 6e-4;

        Assert.Equal(length, slope, 0.02 * length);

        // The loss with the weights moved along the gradient.
        double Moved(double by)
        {
            Move(by);
            using var inner = NewDisposeScope();
            using var loss = learner.LossAt(0);
            Move(-by);
            return loss.item<float>();
        }

        void Move(double by)
        {
            using var noGradients = no_grad();
            foreach (var (weight, gradient) in learner.Weights.Zip(gradients)) weight.add_(gradient * (by / length));
        }
    }

    [Fact]
    public void MetaLearner_ResumeAfterSave_EqualsAnUninterruptedRunBitForBit()
    {
        using var scope = NewDisposeScope();
        using MetaLearner whole = new(RegressionFamily.Linear, 2, Small), first = new(RegressionFamily.Linear, 2, Small), second = new(RegressionFamily.Linear, 2, Small);
        whole.Train(8);
        first.Train(3);
        first.Save(_path);
        second.Resume(_path);
        second.Train(8);
        var (x, y, query, _) = new RegressionTaskSource(RegressionFamily.Linear, 2, 6).Draw(4, 1, RandomStream.ParadigmTest, 0).At(6);

        Assert.True(whole.Answer(x, y, query).equal(second.Answer(x, y, query)).all().item<bool>());
        Assert.False(whole.Answer(x, y, query).equal(first.Answer(x, y, query)).all().item<bool>());
    }

    [Theory]
    [InlineData(nameof(ParadigmOptions.Shots))]
    [InlineData(nameof(ParadigmOptions.Families))]
    public void Run_OptionOutOfRange_Throws(string name) => Assert.Contains(name,
        Assert.ThrowsAny<ArgumentException>(() => ParadigmStudy.Run(name == nameof(ParadigmOptions.Shots) ? new() { Shots = [5, 2] } : new() { Families = [] })).Message, StringComparison.Ordinal);
}
