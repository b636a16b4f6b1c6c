namespace MlNetIcl.Probes.Tests.InContextRegression;

public class RegressionStudyTests
{
    private static readonly RegressionStudyOptions Small = new()
    {
        BaselineDimension = 3,
        BaselineShots = [2, 4],
        BaselineTasks = 200,
        Regressor = InContextRegressorTests.Small with { Steps = 3 },
        TestTasks = 50,
        LearnerTasks = 20,
        LearnerShots = [2, 5, 50],
    };

    [Fact]
    public void Run_OtherLearners_AnswerTheSameTasks()
    {
        var result = RegressionStudy.Run(Small, [new Zero()]);
        var own = result.Comparison!.Sets[0]["zero"];

        Assert.Equal([2, 5], Enumerable.Range(0, 6).Where(k => own.ByShots[k].Tasks > 0));
        Assert.All(own.ByShots.Where(e => e.Tasks > 0), error => Assert.InRange(error.Mean, 0.2, 3));
        Assert.Equal(20, own.ByShots[2].Tasks);
        Assert.Equal(13, result.Comparison.Sets.Count - 2); // 13 sets out of distribution of 15: none, five kinds, four scales twice, noise
        Assert.NotNull(result.Comparison.TrainingError);
    }

    [Fact]
    public void Compare_Shifts_LeaveQueriesThatDoNotExistOut()
    {
        using var regressor = InContextRegressor.Train(Small.Regressor);
        var comparison = RegressionStudy.Compare(regressor, Small with { Shifts = [new(RegressionShiftKind.Orthogonal), new(RegressionShiftKind.LabelScale, 3)] });

        Assert.Equal(["none", "orthogonal query", "y scale 3"], comparison.Sets.Select(s => s.Shift.Name));
        Assert.Equal([0, 1], Enumerable.Range(0, 6).Where(k => comparison.Sets[1][RegressionLearners.LeastSquares].ByShots[k].Tasks > 0)); // below d = 2
        Assert.All(comparison.Sets[1][RegressionLearners.LeastSquares].ByShots.Take(2), e => Assert.InRange(e.Mean, 0.5, 2)); // nothing can be known of it
        // Scaled functions keep the error of linear learners, which is divided by the factor's square.
        var (plain, scaled) = (comparison.Sets[0][RegressionLearners.Averaging], comparison.Sets[2][RegressionLearners.Averaging]);
        Assert.All(plain.ByShots.Zip(scaled.ByShots), pair => Assert.Equal(pair.First.Mean, pair.Second.Mean, 9));
    }

    [Fact]
    public void Run_SameSeed_IsTheSame()
    {
        var (first, second) = (RegressionStudy.Run(Small), RegressionStudy.Run(Small));

        Assert.Equal(first.Baselines, second.Baselines);
        Assert.Equal(first.Comparison!.Sets.SelectMany(s => s.Curves).SelectMany(c => c.ByShots), second.Comparison!.Sets.SelectMany(s => s.Curves).SelectMany(c => c.ByShots));
    }

    [Fact]
    public void Run_TwoLearnersOfOneName_ThrowsBeforeTraining()
    {
        int reports = 0;
        var progress = new Counter(() => reports++);

        Assert.Contains("'zero'", Assert.Throws<ArgumentException>(() => RegressionStudy.Run(Small, [new Zero(), new Zero()], progress)).Message, StringComparison.Ordinal);
        Assert.Contains("'ridge'", Assert.Throws<ArgumentException>(() => RegressionStudy.Run(Small, [new Zero { Name = RegressionLearners.Ridge }], progress)).Message, StringComparison.Ordinal);
        Assert.Equal(0, reports);
    }

    [Fact]
    public void Run_LearnerWithoutAFiniteAnswer_HasNoError()
    {
        var result = RegressionStudy.Run(Small, [new Zero { Answer = float.NaN }]);

        Assert.True(double.IsNaN(result.Comparison!.Sets[0]["zero"].ByShots[2].Mean));
        Assert.True(double.IsFinite(result.Comparison.Sets[0][RegressionLearners.Ridge].ByShots[2].Mean));
    }

    private sealed class Counter(Action count) : IProgress<double>
    {
        public void Report(double value) => count();
    }

    private sealed class Zero : IRegressionLearner
    {
        public string Name { get; init; } = "zero";

        public float Answer { get; init; }

        public float Predict(IReadOnlyList<float[]> inputs, IReadOnlyList<float> outputs, float[] query) => Answer;
    }
}
