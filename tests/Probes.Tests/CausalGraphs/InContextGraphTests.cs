using MlNetIcl.Models;

namespace MlNetIcl.Probes.Tests.CausalGraphs;

public sealed class InContextGraphTests : IDisposable
{
    private static readonly InContextGraphOptions Short = new() { Seeds = 1, Steps = 6, BatchPrompts = 4, Layers = 1, DModel = 16, TestPrompts = 16, Examples = 2 };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("icl-context-");

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>All graphs are enumerated: the joint probability of graph and sequences, without what was used that positions do not depend on each other.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Posterior_OfAPosition_IsTheSumOverWholeGraphs(int seed)
    {
        var task = new InContextGraphTask(new() { Length = 4, Examples = 3, Seed = seed }, 0);
        int[] values = task.Draw(new SeededRandom(seed, RandomStream.CausalTest), new int[4]);
        for (int examples = 0; examples <= 3; examples++)
        {
            double[][] sums = [[], new double[1], new double[2], new double[3]];
            for (int second = 0; second < 2; second++)
                for (int third = 0; third < 3; third++)
                {
                    int[] parents = [-1, 0, second, third];
                    double joint = 1;
                    for (int sequence = 0; sequence < examples; sequence++)
                        for (int position = 0; position < 4; position++)
                        {
                            int value = values[(sequence * 4) + position];
                            joint *= position == 0 ? task.Stationary[value] : task.Kernel(values[(sequence * 4) + parents[position]])[value];
                        }
                    for (int position = 1; position < 4; position++) sums[position][parents[position]] += joint;
                }
            for (int position = 1; position < 4; position++)
                Assert.All(sums[position].Select(s => s / sums[position].Sum()).Zip(BayesianGraphAverage.Posterior(task, values, examples, position)), p => Assert.Equal(p.First, p.Second, 1e-9));
        }
    }

    [Fact]
    public void Posterior_OfManyExamples_IsSureOfTheTrueParent()
    {
        var task = new InContextGraphTask(new() { Length = 5, Examples = 32, Alpha = 0.3 }, 0);
        int[] parents = new int[5];
        var random = new SeededRandom(3, RandomStream.CausalTest);
        double sure = Enumerable.Range(0, 200).Average(_ =>
        {
            int[] values = task.Draw(random, parents);
            return BayesianGraphAverage.Posterior(task, values, 32, 4)[parents[4]];
        });

        Assert.InRange(sure, 0.97, 1);
    }

    [Fact]
    public void Posterior_WithoutExamples_IsUniformAndItsPredictionTheMixture()
    {
        var task = new InContextGraphTask(new(), 0);
        int[] values = task.Draw(new SeededRandom(1, RandomStream.CausalTest), new int[4]);

        double[] posterior = BayesianGraphAverage.Posterior(task, values, 0, 3), prediction = BayesianGraphAverage.Predict(task, values, posterior);

        Assert.All(posterior, p => Assert.Equal(1 / 3.0, p, 1e-12));
        for (int value = 0; value < 3; value++)
            Assert.Equal((task.Kernel(values[0])[value] + task.Kernel(values[1])[value] + task.Kernel(values[2])[value]) / 3, prediction[value], 1e-12);
    }

    [Fact]
    public void Run_References_AreOrderedAndExamplesHelp()
    {
        var points = InContextGraphProbe.Run(Short with { TestPrompts = 4000, Examples = 6 }).Runs[0].Points;

        Assert.All(points, p => Assert.True(p.Oracle < p.Averaged && p.Averaged <= p.Uniform + 1e-12 && p.Uniform < p.Stationary));
        Assert.Equal(points[0].Uniform, points[0].Averaged, 1e-12);
        Assert.All(points.Zip(points.Skip(1)), p => Assert.True(p.Second.Averaged - p.Second.Oracle < p.First.Averaged - p.First.Oracle));
        Assert.All(points, p => Assert.True(p.Model > p.Averaged)); // nothing beats the Bayesian average, and least of all six steps
        Assert.All(points, p => Assert.True(p.Divergence.Interval.Low > 0));
        Assert.True(double.IsNaN(points[0].ShareOfGap.Value));
        Assert.All(points.Skip(1), p =>
        {
            Assert.Equal((p.Uniform - p.Model) / (p.Uniform - p.Averaged), p.ShareOfGap.Value, 1e-9);
            Assert.InRange(p.ShareOfGap.Value, p.ShareOfGap.Interval.Low, p.ShareOfGap.Interval.High);
        });
    }

    [Fact]
    public void Run_SameSeed_RepeatsAndResumesToTheSame()
    {
        var options = Short with { CheckpointFolder = _folder.FullName };
        var whole = InContextGraphProbe.Run(Short);
        using var source = new CancellationTokenSource();

        Assert.Throws<OperationCanceledException>(() => InContextGraphProbe.Run(options with { Steps = 600 }, new Stop(source, 0.9), source.Token));
        var resumed = InContextGraphProbe.Run(options with { Steps = 600 });

        Assert.Equal(whole.Runs[0].Points, InContextGraphProbe.Run(Short).Runs[0].Points);
        Assert.NotEqual(whole.Runs[0].Points, InContextGraphProbe.Run(Short with { Seed = 1 }).Runs[0].Points);
        Assert.Equal(InContextGraphProbe.Run(Short with { Steps = 600 }).Runs[0].Points, resumed.Runs[0].Points);
        Assert.Throws<ModelFormatException>(() => InContextGraphProbe.Run(options with { Steps = 700 }));
    }

    [Fact]
    public void Options_OutOfRange_NameThemselves()
    {
        Assert.Contains("Length", Assert.ThrowsAny<ArgumentException>(() => InContextGraphProbe.Run(Short with { Length = 2 })).Message, StringComparison.Ordinal);
        Assert.Contains("DModel", Assert.ThrowsAny<ArgumentException>(() => InContextGraphProbe.Run(Short with { DModel = 20 })).Message, StringComparison.Ordinal);
        Assert.Contains("Alpha", Assert.ThrowsAny<ArgumentException>(() => InContextGraphProbe.Run(Short with { Alpha = double.NaN })).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Long")]
    public void Run_Trained_GetsMostOfWhatExamplesAreWorth()
    {
        var run = InContextGraphProbe.Run(new() { Seeds = 1 }).Runs[0];

        Assert.InRange(run.ShareOfGap.Value, 0.7, 1.02); // .98 where it was written
        Assert.True(run.Points[^1].Divergence.Value < 0.1 * (run.Points[^1].Untrained - run.Points[^1].Averaged));
    }

    private sealed class Stop(CancellationTokenSource source, double at) : IProgress<double>
    {
        public void Report(double value)
        {
            if (value >= at) source.Cancel();
        }
    }
}
