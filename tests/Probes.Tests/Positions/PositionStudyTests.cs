namespace MlNetIcl.Probes.Tests.Positions;

public class PositionStudyTests
{
    [Fact]
    public void Run_WithoutAndWithALearnedTable_SolvesTheTaskAndExtrapolatesOrIsMissing()
    {
        var options = new PositionStudyOptions { Schemes = [PositionScheme.Learned, PositionScheme.None], Seeds = 1, Steps = 250, LearningRates = [1e-2], Rows = 32, TestedDemonstrations = [8, 16, 64] };
        var result = PositionStudy.Run(options);

        Assert.All(result.Schemes, s =>
        {
            Assert.True(s.ByLength[1].Accuracy!.Value.Value > 0.8, $"{s.Scheme}: {s.ByLength[1].Accuracy}");
            Assert.Equal(16, s.Trained.ByPosition.Count);
            // Reliance from the accuracies themselves.
            var accuracies = s.Trained.ByPosition.Select(e => e.Value).ToArray();
            Assert.Equal(accuracies[0] - accuracies.Skip(1).Average(), s.Trained.First.Value, 9);
            Assert.Equal(accuracies[^1] - accuracies.SkipLast(1).Average(), s.Trained.Last.Value, 9);
            Assert.InRange(s.Conflict.FirstWins.Value + s.Conflict.LastWins.Value, 0.8, 1);
        });
        Assert.Null(result[PositionScheme.Learned]!.ByLength[2].Accuracy);
        Assert.Null(result[PositionScheme.Learned]!.Longest);
        Assert.True(result[PositionScheme.None]!.ByLength[2].Accuracy!.Value.Value > 0.8);
    }

    [Fact]
    public void Run_WithRatesToChooseFrom_TakesTheOneThatLosesLeast()
    {
        var options = new PositionStudyOptions { Schemes = [PositionScheme.None], Seeds = 1, Steps = 60, LearningRates = [1e-6, 1e-2], Rows = 2, TestedDemonstrations = [4] };
        var scheme = Assert.Single(PositionStudy.Run(options).Schemes);

        Assert.Equal(1e-2, scheme.LearningRate);
        Assert.Equal([1e-6, 1e-2], scheme.Candidates.Select(c => c.Rate));
        Assert.True(scheme.Candidates[1].Loss < scheme.Candidates[0].Loss);
    }

    [Theory]
    [InlineData(0, 3, 16, "Seeds")]
    [InlineData(1, 0, 16, "Steps")]
    [InlineData(1, 3, 65, "TrainedDemonstrations")]
    public void Run_OptionOutOfRange_Throws(int seeds, int steps, int trained, string name) =>
        Assert.Contains(name, Assert.ThrowsAny<ArgumentException>(() => PositionStudy.Run(new() { Seeds = seeds, Steps = steps, TrainedDemonstrations = trained })).Message, StringComparison.Ordinal);

    [Fact]
    public void SeedBootstrap_OfNormalValues_HasTheWidthOfTheTextbook()
    {
        var random = new SeededRandom(5, RandomStream.Sequences);
        double[][] values = [.. Enumerable.Range(0, 40).Select(_ => { double own = random.NextNormal(); return Enumerable.Range(0, 25).Select(_ => own + random.NextNormal()).ToArray(); })];
        var estimate = new SeedBootstrap(40, 25, 0).Of(values);

        Assert.Equal(values.Average(v => v.Average()), estimate.Value, 12);
        double[] means = [.. values.Select(v => v.Average())];
        double error = Math.Sqrt(means.Sum(m => Math.Pow(m - means.Average(), 2)) / 39 / 40); // between models; the rows within add a little
        Assert.InRange((estimate.Interval.High - estimate.Interval.Low) / (2 * 1.96 * error), 0.85, 1.2);
        Assert.ThrowsAny<ArgumentException>(() => new SeedBootstrap(2, 3, 0).Of([[1, 2, 3]]));
    }
}
