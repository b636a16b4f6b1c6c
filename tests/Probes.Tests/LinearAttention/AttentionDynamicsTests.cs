namespace MlNetIcl.Probes.Tests.LinearAttention;

public class AttentionDynamicsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    public void Run_PublishedSetting_DropsOnceMergedAndFourTimesSeparate(int seed)
    {
        var result = AttentionDynamics.Run(new() { Seeds = 2, Seed = seed });

        Assert.Equal(0.132, result.Optimum, 3);
        foreach (var kind in result.Kinds)
            foreach (var run in kind.Runs)
            {
                Assert.True(run.Converged);
                Assert.InRange(run.Points[^1].Loss, result.Optimum, 1.05 * result.Optimum); // nothing is below the population's optimum
                Assert.Equal(kind.Kind == KeyQueryKind.Merged ? 1 : 4, run.Drops.Count);
                Assert.Equal(run.Drops.Count + 1, run.Plateaus.Count);
            }
        foreach (var run in result[KeyQueryKind.Separate].Runs)
        {
            Assert.Equal([3, 2, 1, 0], run.Drops.SelectMany(d => d.Components)); // the largest eigenvalue, 4, first
            Assert.Equal([0, 1, 2, 3, 4], run.Plateaus.Select(p => p.Learned));
            Assert.All(run.Plateaus, p => Assert.Equal(p.Level, p.Loss, 0.08 * p.Level));
            Assert.InRange(run.Drops[0].Alignment!.Value, 0.9, 1);
            Assert.All(run.Drops, drop => Assert.InRange(drop.Alignment!.Value, 0.5, 1)); // later heads may keep some of what others have learned
        }
        Assert.All(result[KeyQueryKind.Merged].Runs, run => Assert.Equal(4, run.Drops[0].Components.Count));
    }

    [Fact]
    public void Run_OtherEigenvalues_HasAStepForEachInOrderOfSize()
    {
        var result = AttentionDynamics.Run(new() { Eigenvalues = [2, 6, 1], Examples = 10, Seeds = 1 });

        Assert.Equal([2.0 / 9, 6.0 / 9, 1.0 / 9], result.Eigenvalues);
        Assert.Equal([1, 0, 2], result[KeyQueryKind.Separate].Runs[0].Drops.SelectMany(d => d.Components));
        Assert.Single(result[KeyQueryKind.Merged].Runs[0].Drops);
    }

    [Fact]
    public void Run_FewerHeadsThanComponents_LearnsTheLargestAlone()
    {
        var kind = AttentionDynamics.Run(new() { Eigenvalues = [1, 2, 4], Heads = 1, Seeds = 1, Steps = 4000 })[KeyQueryKind.Separate];

        Assert.Equal(1, kind.ExpectedDrops);
        Assert.Equal([2], Assert.Single(kind.Runs[0].Drops).Components);
        Assert.False(kind.Runs[0].Converged);
        Assert.Equal(4000, kind.Runs[0].Points[^1].Step);
    }

    /// <summary>
    /// With equal eigenvalues the merged network is solved: M = m I / sqrt(D), and m follows dm/dt = 4 l^2 m (sqrt(D) - gamma m) from what of the first weights
    /// points along I, m0 = sum over heads of ((tr U / sqrt(D) + v) / 2)^2. It is half-way where three quarters of the loss are gone.
    /// </summary>
    [Theory]
    [InlineData(2, 5)]
    [InlineData(4, 6)]
    public void Run_MergedEqualEigenvalues_DropsWhenTheLogisticSolutionSays(int d, int seed)
    {
        var result = AttentionDynamics.Run(new() { Eigenvalues = [.. Enumerable.Repeat(1.0, d)], Seeds = 1, Seed = seed, Sequences = 20_000, InitialSize = 0.01 });
        var merged = result[KeyQueryKind.Merged];
        var random = new SeededRandom(1000 * seed, RandomStream.LinearHeads);
        double Next(double std) => std * random.NextNormal();
        double[] v = [.. Enumerable.Range(0, 2 * d).Select(_ => Next(0.01))];
        double[][] u = [.. Enumerable.Range(0, 2 * d).Select(_ => Enumerable.Range(0, d * d).Select(_ => Next(0.01 / d)).ToArray())];
        double lambda = 1.0 / d, gamma = (33.0 / 32 * lambda) + (1.0 / 32), most = Math.Sqrt(d) / gamma;
        double first = u.Zip(v, (matrix, value) => Math.Pow(((Enumerable.Range(0, d).Sum(i => matrix[i * (d + 1)]) / Math.Sqrt(d)) + value) / 2, 2)).Sum();
        double halfway = Math.Log((most / first) - 1) / (4 * lambda * lambda * Math.Sqrt(d) * merged.LearningRate);

        var crossed = merged.Runs[0].Points.First(p => p.Loss < 1 - (0.75 * (1 - result.Optimum)));

        Assert.Equal(halfway, crossed.Step, 0.05 * halfway); // recorded steps are 2 % apart
    }

    [Fact]
    public void Run_SameSeed_IsTheSameRun()
    {
        var options = new AttentionDynamicsOptions { Eigenvalues = [1, 2], Seeds = 1, Steps = 300, Seed = 3 };
        double[] Losses(AttentionDynamicsOptions o) => [.. AttentionDynamics.Run(o)[KeyQueryKind.Separate].Runs[0].Points.Select(p => p.Loss)];

        Assert.Equal(Losses(options), Losses(options));
        Assert.NotEqual(Losses(options), Losses(options with { Seed = 4 }));
        var both = AttentionDynamics.Run(options with { Seeds = 2 })[KeyQueryKind.Separate].Runs;
        Assert.DoesNotContain(both[1].Points[^1].Loss, new[] { both[0].Points[^1].Loss, Losses(options with { Seed = 4 })[^1] }); // neighbouring seeds share no training
    }

    [Fact]
    public void Run_RateTooLarge_SaysWhichAndThrows() =>
        Assert.Contains("SeparateRate of 1E+03 is too large", Assert.ThrowsAny<ArgumentException>(() => AttentionDynamics.Run(new() { SeparateRate = 1000, Seeds = 1, MergedRate = 1e-3, Steps = 500 })).Message, StringComparison.Ordinal);

    [Fact]
    public void Run_FirstWeightsTooLarge_SaysSo() =>
        Assert.Contains("InitialSize of 1E+200 is too large", Assert.ThrowsAny<ArgumentException>(() => AttentionDynamics.Run(new() { InitialSize = 1e200, Seeds = 1 })).Message, StringComparison.Ordinal);

    [Fact]
    public void Draw_CancelledAmongManySequences_Stops()
    {
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        // A thousand million numbers: minutes, if nobody listened.
        Assert.Throws<OperationCanceledException>(() => SequenceMoments.Draw([.. Enumerable.Repeat(1.0, 32)], 32, 1_000_000, new SeededRandom(1, RandomStream.LinearSequences), cancellation.Token));
    }

    [Fact]
    public void Run_Cancelled_Throws() => Assert.Throws<OperationCanceledException>(() => AttentionDynamics.Run(cancellationToken: new CancellationToken(canceled: true)));

    public static TheoryData<string, AttentionDynamicsOptions> Wrong => new()
    {
        { "Eigenvalues", new() { Eigenvalues = [] } },
        { "Eigenvalues", new() { Eigenvalues = [1, 0] } },
        { "Eigenvalues", new() { Eigenvalues = [1, double.NaN] } },
        { "Eigenvalues", new() { Eigenvalues = [1, 1e6] } },
        { "Examples", new() { Examples = 0 } },
        { "Sequences", new() { Sequences = 63 } },
        { "Seeds", new() { Seeds = 0 } },
        { "Heads", new() { Heads = 0 } },
        { "InitialSize", new() { InitialSize = 0 } },
        { "MergedRate", new() { MergedRate = -1 } },
        { "SeparateRate", new() { SeparateRate = double.PositiveInfinity } },
        { "Steps", new() { Steps = 0 } },
        { "MostSteps", new() { MostSteps = 0 } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Run_OptionOutOfRange_NamesIt(string name, AttentionDynamicsOptions options) =>
        Assert.Contains($"Expected {name} to be", Assert.ThrowsAny<ArgumentException>(() => AttentionDynamics.Run(options)).Message, StringComparison.Ordinal);
}
