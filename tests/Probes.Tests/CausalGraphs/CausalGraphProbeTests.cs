namespace MlNetIcl.Probes.Tests.CausalGraphs;

public sealed class CausalGraphProbeTests : IDisposable
{
    private static readonly CausalGraphOptions Small = new() { Length = 6, Steps = 60, BatchRows = 32, Measurements = 6, TestRows = 64 };

    private readonly string _folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(CausalGraphKind.Chain)]
    [InlineData(CausalGraphKind.Tree)]
    [InlineData(CausalGraphKind.Random)]
    public void Run_ShortTraining_FindsTheParents(CausalGraphKind kind)
    {
        var run = Assert.Single(CausalGraphProbe.Run(new() { Kind = kind, Length = 8, Steps = 1500, TestRows = 4096, Seed = 3 }).Runs);

        Assert.True(run.Metrics.AllArgmaxRight);
        Assert.NotNull(run.StepsToArgmax);
        Assert.InRange(run.Loss, run.LeastLoss, Math.Log(3));
        Assert.InRange(run.CountLoss, run.LeastLoss, Math.Log(3));
        Assert.True(run.Metrics.EdgeAttention > run.Curve[0].EdgeAttention);
    }

    [Fact]
    public void Run_WithoutDependence_FindsNothing()
    {
        var run = Assert.Single(CausalGraphProbe.Run(new() { Faithfulness = 0, Steps = 600, TestRows = 1024 }).Runs);

        Assert.Equal(0, run.Information, 9);
        Assert.True(run.Metrics.EdgeAttention < 0.35); // even attention has 0.23
    }

    [Fact]
    public void Run_SeedsTogetherOrAlone_AreTheSame()
    {
        var together = CausalGraphProbe.Run(Small with { Seeds = 3 });
        var alone = CausalGraphProbe.Run(Small);

        Assert.Equal(alone.Runs[0].Heads[0].Rows, together.Runs[0].Heads[0].Rows);
        Assert.Equal(alone.Runs[0].Loss, together.Runs[0].Loss);
        Assert.NotEqual(together.Runs[0].Heads[0].Rows, together.Runs[1].Heads[0].Rows);
    }

    [Theory]
    [InlineData(CausalGraphKind.Chain)]
    [InlineData(CausalGraphKind.SeveralParents)]
    public void Run_Interrupted_GoesOnToTheSameWeights(CausalGraphKind kind)
    {
        var options = Small with { Kind = kind };
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => CausalGraphProbe.Run(options with { CheckpointFolder = _folder }, new StopAt(0.5, stop), stop.Token));
        Assert.NotEmpty(Directory.GetFiles(_folder, "*.safetensors"));
        var resumed = CausalGraphProbe.Run(options with { CheckpointFolder = _folder });
        var whole = CausalGraphProbe.Run(options);

        Assert.Equal(whole.Runs[0].Heads.Select(h => h.Rows), resumed.Runs[0].Heads.Select(h => h.Rows));
        Assert.Equal(whole.Runs[0].Curve, resumed.Runs[0].Curve);
        Assert.Equal(whole.Runs[0].Loss, resumed.Runs[0].Loss);
    }

    [Fact]
    public void Run_FolderOfOtherSettings_IsRefused()
    {
        CausalGraphProbe.Run(Small with { CheckpointFolder = _folder });

        Assert.Throws<Models.ModelFormatException>(() => CausalGraphProbe.Run(Small with { CheckpointFolder = _folder, Alpha = 0.2 }));
        Assert.Contains("other steps", Assert.Throws<Models.ModelFormatException>(() => CausalGraphProbe.Run(Small with { CheckpointFolder = _folder, Measurements = 5 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sweep_EachValue_IsARunOfItsOwn()
    {
        var sweep = CausalGraphSweep.Run(CausalGraphVariable.TrainingRows, [4, 64], Small);

        Assert.Equal([4.0, 64.0], sweep.Points.Select(p => p.Value));
        Assert.Equal([4, 64], sweep.Points.Select(p => p.Result.Options.TrainingRows));
        Assert.ThrowsAny<ArgumentException>(() => CausalGraphSweep.Run(CausalGraphVariable.Steps, [1.5], Small));
        Assert.ThrowsAny<ArgumentException>(() => CausalGraphSweep.Run(CausalGraphVariable.Alpha, [1, 0.5], Small));
    }

    [Theory]
    [InlineData(2, 3, "Length")]
    [InlineData(10, 40, "Vocabulary")]
    public void Run_OptionOutOfRange_Throws(int length, int vocabulary, string name) =>
        Assert.Contains(name, Assert.ThrowsAny<ArgumentException>(() => CausalGraphProbe.Run(new() { Length = length, Vocabulary = vocabulary })).Message, StringComparison.Ordinal);

    private sealed class StopAt(double share, CancellationTokenSource stop) : IProgress<double>
    {
        public void Report(double value)
        {
            if (value >= share) stop.Cancel();
        }
    }
}
