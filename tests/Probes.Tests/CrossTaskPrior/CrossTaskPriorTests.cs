using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.CrossTaskPriors;

public sealed class CrossTaskPriorTests : IDisposable
{
    private static readonly CrossTaskPriorOptions Small = new() { Dimension = 8, Examples = 5, Ranks = [2], Layers = 3, DModel = 32, Steps = 300, BatchTasks = 64, TestTasks = 400, PriorTasks = 4000 };

    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    static CrossTaskPriorTests() => Models.Native.NativeTorch.EnsureLoaded();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Run_LowRank_TransformerBeatsRidgeAndKeepsTheMean()
    {
        var rank = Assert.Single(CrossTaskPrior.Run(Small).Ranks);
        PriorLearnerResult ridge = rank[InverseLearner.Ridge], transformer = rank[InverseLearner.Transformer], oracle = rank[InverseLearner.Oracle];

        Assert.InRange(rank.OracleRisk, oracle.Risk.Interval.Low - 0.001, oracle.Risk.Interval.High + 0.001);
        Assert.True(transformer.Risk.Interval.High < ridge.Risk.Interval.Low / 2, $"{transformer.Risk} against {ridge.Risk}");
        Assert.True(transformer.Risk.Value > rank.OracleRisk); // no estimate is better
        Assert.True(transformer.MeanError.Value < ridge.MeanError.Value / 2);
        Assert.True(transformer.OutsideVariance.Value < ridge.OutsideVariance.Value / 2);
        Assert.True(transformer.ForeignRisk.Value > transformer.Risk.Value * 10); // what is learned is this family's prior
        Assert.True(rank.TrainingLoss.Last < rank.TrainingLoss.First / 5);
    }

    [Fact]
    public void Resume_AfterSave_EqualsAnUninterruptedRunBitForBit()
    {
        using var scope = NewDisposeScope();
        using var family = new PriorTaskFamily(Small, 2);
        using InverseTransformer whole = new(family, Small), first = new(family, Small), second = new(family, Small);
        whole.Train(9);
        first.Train(4);
        first.Save(_path);
        second.Resume(_path);
        second.Train(9);

        var tasks = family.Draw(10, 1, RandomStream.PriorTest, 0);
        Assert.True(whole.Estimate(tasks.X, tasks.Y).equal(second.Estimate(tasks.X, tasks.Y)).all().item<bool>());
        Assert.False(whole.Estimate(tasks.X, tasks.Y).equal(first.Estimate(tasks.X, tasks.Y)).all().item<bool>());
    }

    [Fact]
    public void Recovery_OfTheWeightsThemselves_IsFull()
    {
        using var scope = NewDisposeScope();
        using var family = new PriorTaskFamily(Small, 2);
        var tasks = family.Draw(20_000, 1, RandomStream.PriorTest, 0);
        var exact = PriorRecovery.Of(tasks.W, family, 0);
        var shrunk = PriorRecovery.Of(tasks.W * 0.5, family, 0);
        var noise = PriorRecovery.Of(randn([20_000, 8], ScalarType.Float64, generator: new Generator(1)), family, 0);

        Assert.InRange(exact[0].Value, 0, 0.03);
        Assert.InRange(exact[2].Value, 0, 0.03);
        Assert.Equal(1, exact[3].Value, 9);
        Assert.Equal(0, exact[4].Value, 9);
        Assert.InRange(shrunk[0].Value, 0.48, 0.52); // half of w0
        Assert.InRange(shrunk[1].Value, 0.999, 1); // which its cosine does not tell
        Assert.InRange(shrunk[2].Value, 0.73, 0.77); // a quarter of the covariance
        Assert.InRange(noise[4].Value, 0.72, 0.78); // 6 of 8 directions
    }

    [Theory]
    [InlineData(10, 20, 4, "Examples")]
    [InlineData(20, 10, 11, "Ranks")]
    public void Run_OptionOutOfRange_Throws(int dimension, int examples, int rank, string name) =>
        Assert.Contains(name, Assert.ThrowsAny<ArgumentException>(() => CrossTaskPrior.Run(new() { Dimension = dimension, Examples = examples, Ranks = [rank] })).Message, StringComparison.Ordinal);
}
