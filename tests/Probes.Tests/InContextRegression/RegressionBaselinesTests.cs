namespace MlNetIcl.Probes.Tests.InContextRegression;

/// <summary>The table of baselines against simulated figures that were made elsewhere, and against closed forms.</summary>
public class RegressionBaselinesTests
{
    private static readonly IReadOnlyList<BaselineResult> Table = RegressionStudy.Baselines();

    /// <summary>d = 20, 20,000 tasks, errors divided by d; ridge with lambda = 1 and noise of standard deviation 1. Standard errors are 1.1 to 1.5 %.</summary>
    [Theory]
    [InlineData(RegressionLearners.LeastSquares, 0, 0.746, 0.501, 0, 0)]
    [InlineData(RegressionLearners.Averaging, 0, 4.14, 2.11, 1.04, 0.507)]
    [InlineData(RegressionLearners.NearestNeighbours, 0, 1.10, 0.936, 0.791, 0.676)]
    [InlineData(RegressionLearners.Ridge, 1, 0.760, 0.546, 0.209, 0.047)]
    public void Baselines_DefaultSettings_AreTheKnownTableWithinSixPercent(string learner, double noise, double k5, double k10, double k20, double k40)
    {
        var found = Table.Where(r => r.Learner == learner && r.Noise == noise).Select(r => (r.Shots, r.Error.Mean));

        Assert.All(found.Zip([k5, k10, k20, k40]), pair => Assert.InRange(pair.First.Mean, pair.Second * 0.94, (pair.Second * 1.06) + 1e-6));
    }

    [Fact]
    public void Baselines_ClosedForms_AreWithinFiveStandardErrors()
    {
        var known = Table.Where(r => r.Expected is not null && !(r.Learner == RegressionLearners.LeastSquares && r.Shots >= 20 && r.Noise == 0)).ToArray();

        Assert.Equal(2 + 3 + 4 + 4 + 4, known.Length); // least squares without noise (5, 10) and with it (5, 10, 40; infinite at k = d), averaging twice, ridge
        Assert.All(known, r => Assert.True(Math.Abs(r.Error.Mean - r.Expected!.Value) < 5 * r.Error.StandardError, $"{r}"));
    }

    [Fact]
    public void LeastSquares_AsManyDemonstrationsAsDimensionsWithoutNoise_IsExact() =>
        Assert.All(Table.Where(r => r.Learner == RegressionLearners.LeastSquares && r.Shots >= 20 && r.Noise == 0), r => Assert.InRange(r.Error.Mean, 0, 1e-6));

    [Fact]
    public void Baselines_OtherDimensionSeedAndNoise_StillMeetTheClosedForms()
    {
        var table = RegressionStudy.Baselines(new() { BaselineDimension = 7, BaselineShots = [0, 3, 12], BaselineTasks = 4000, BaselineNoise = 0.5, Lambda = 0.25, Seed = 9 });

        Assert.Equal(4 * 3 * 2, table.Count);
        Assert.All(table.Where(r => r.Expected is not null && r.Error.Mean > 1e-6), r => Assert.True(Math.Abs(r.Error.Mean - r.Expected!.Value) < 5 * r.Error.StandardError, $"{r}"));
        Assert.All(table.Where(r => r.Shots == 0), r => Assert.Equal(1, r.Error.Mean, 0.1));
        Assert.NotEqual(table[0].Error.Mean, RegressionStudy.Baselines(new() { BaselineDimension = 7, BaselineShots = [0, 3, 12], BaselineTasks = 4000, Seed = 10 })[0].Error.Mean);
    }

    [Theory]
    [InlineData(4, 20, 0, 0.8)]
    [InlineData(20, 20, 0, 0)]
    [InlineData(41, 20, 1, 0.05)]
    [InlineData(5, 11, 2, 1 - (5.0 / 11) + (4.0 * 5 / (11 * 5)))]
    public void LeastSquares_ClosedForm_IsTheKnownValue(int shots, int dimension, double noise, double expected) =>
        Assert.Equal(expected, RegressionClosedForms.LeastSquares(shots, dimension, noise)!.Value, 12);

    [Theory]
    [InlineData(19)]
    [InlineData(21)]
    public void LeastSquares_NoiseAndNearlySquareInputs_HasNoFiniteMean(int shots) => Assert.Null(RegressionClosedForms.LeastSquares(shots, 20, 1));

    [Fact]
    public void Averaging_ClosedForm_IsTheKnownValue() => Assert.Equal((21 + 4) / 5.0, RegressionClosedForms.Averaging(5, 20, 2), 12);

    [Theory]
    [InlineData(nameof(RegressionStudyOptions.BaselineDimension))]
    [InlineData(nameof(RegressionStudyOptions.BaselineShots))]
    [InlineData(nameof(RegressionStudyOptions.Lambda))]
    public void Baselines_OptionOutOfRange_Throws(string name)
    {
        var options = name switch
        {
            nameof(RegressionStudyOptions.BaselineDimension) => new RegressionStudyOptions { BaselineDimension = 0 },
            nameof(RegressionStudyOptions.BaselineShots) => new() { BaselineShots = [5, 5] },
            _ => new() { Lambda = 0 },
        };

        Assert.Contains(name, Assert.ThrowsAny<ArgumentException>(() => RegressionStudy.Baselines(options)).Message, StringComparison.Ordinal);
    }
}
