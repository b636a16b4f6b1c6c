using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.InContextRegression;

public sealed class InContextRegressorTests : IDisposable
{
    internal static readonly InContextRegressorOptions Small = new() { Dimension = 2, Demonstrations = 5, Layers = 2, DModel = 16, Heads = 2, Steps = 30, BatchTasks = 16 };

    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    static InContextRegressorTests() => Models.Native.NativeTorch.EnsureLoaded();

    public void Dispose() => File.Delete(_path);

    [Fact]
    [Trait("Category", "Long")]
    public void Train_TwoDimensions_NearsLeastSquares()
    {
        using var regressor = InContextRegressor.Train(new() { Dimension = 2, Demonstrations = 6, Layers = 3, DModel = 32, Steps = 1000, BatchTasks = 64 });
        var comparison = RegressionStudy.Compare(regressor, new() { Shifts = [], TestTasks = 1000 });
        var set = Assert.Single(comparison.Sets);
        var (model, averaging, nearest) = (set[RegressionLearners.InContext], set[RegressionLearners.Averaging], set[RegressionLearners.NearestNeighbours]);

        Assert.Equal(7, model.ByShots.Count);
        Assert.InRange(model.ByShots[0].Mean, 0.85, 1.15); // nothing is known
        Assert.InRange(model.ByShots[6].Mean, 0, 0.06);
        Assert.True(model.ByShots[6].Mean < averaging.ByShots[6].Mean / 4);
        Assert.True(model.ByShots[6].Mean < nearest.ByShots[6].Mean / 4);
    }

    [Fact]
    public void Resume_AfterSave_EqualsAnUninterruptedRunBitForBit()
    {
        using InContextRegressorTrainer whole = new(Small), first = new(Small), second = new(Small), other = new(Small with { Seed = 1 });
        whole.Train(9);
        first.Train(4);
        first.Save(_path);
        second.Resume(_path);
        second.Train(9);

        Assert.Equal(Answers(whole), Answers(second));
        Assert.NotEqual(Answers(whole), Answers(first));
        Assert.Contains("seed", Assert.Throws<ModelFormatException>(() => other.Resume(_path)).Message, StringComparison.Ordinal);

        float[] Answers(InContextRegressorTrainer trainer)
        {
            using var regressor = trainer.ToRegressor();
            return regressor.Predict([[1, 0], [0, 1]], [1, 2], [[1, 1], [0.5f, -1]]);
        }
    }

    [Fact]
    public void Train_Cancelled_Stops()
    {
        using var cancellation = new CancellationTokenSource();
        using var trainer = new InContextRegressorTrainer(Small);

        Assert.Throws<OperationCanceledException>(() => trainer.Train(observe: (step, _) =>
        {
            if (step == 3) cancellation.Cancel();
        }, cancellationToken: cancellation.Token));
        Assert.Equal(3, trainer.StepsDone);
    }

    [Fact]
    public void Load_AfterSave_GivesTheSameAnswersAndOptions()
    {
        using var regressor = Trained();
        regressor.Save(_path);
        using var loaded = InContextRegressor.Load(_path);

        Assert.Equal(Small, loaded.Options);
        Assert.Equal(regressor.Predict([[1, 0]], [1], [[1, 1]]), loaded.Predict([[1, 0]], [1], [[1, 1]]));
    }

    [Fact]
    public void Load_OtherFile_SaysWhatItIs()
    {
        using var model = LanguageModel.LoadEmbedded();
        ModelArchive.Save(model, _path);

        Assert.Contains("is no in-context regressor", Assert.Throws<ModelFormatException>(() => InContextRegressor.Load(_path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Predict_SeveralQueries_EachAsIfAlone()
    {
        using var regressor = Trained();
        float[][] queries = [[1, 1], [-2, 0.5f], [0, 0]];

        float[] together = regressor.Predict([[1, 0], [0, 1], [2, 1]], [1, 2, 4], queries);

        Assert.Equal(queries.Select(q => regressor.Predict([[1, 0], [0, 1], [2, 1]], [1, 2, 4], [q])[0]), together, (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public void ByShots_EveryPrefix_IsTheAnswerBehindTheseDemonstrationsAlone()
    {
        using var scope = NewDisposeScope();
        using var regressor = Trained();
        // The query behind k demonstrations is none of the later ones, so that nothing but the demonstrations before it can say what it is.
        var tasks = new RegressionTaskSource(RegressionFamily.Linear, 2, 5).Draw(7, 1, RandomStream.RegressionTest, 0, new(RegressionShiftKind.RandomQuadrants));
        var byShots = regressor.ByShots(tasks);

        for (int k = 0; k <= 5; k++)
        {
            var (x, y, query, _) = tasks.At(k);
            var alone = regressor.Answer(x, y, query.unsqueeze(1)).squeeze(1);
            Assert.True((alone - byShots.select(1, k)).abs().max().item<double>() < 1e-5, $"{k} demonstrations");
        }
    }

    [Fact]
    public void Predict_WrongShapes_SaysWhatWasExpected()
    {
        using var regressor = Trained();

        Assert.Contains("at most 5", Assert.ThrowsAny<ArgumentException>(() => regressor.Predict([.. Enumerable.Repeat(new float[2], 6)], new float[6], [[1, 1]])).Message, StringComparison.Ordinal);
        Assert.Contains("rows of 2 values, got one of 3", Assert.ThrowsAny<ArgumentException>(() => regressor.Predict([[1, 2]], [1], [[1, 1, 1]])).Message, StringComparison.Ordinal);
        Assert.Contains("as many outputs as inputs, got 1 and 2", Assert.ThrowsAny<ArgumentException>(() => regressor.Predict([[1, 2], [1, 2]], [1], [[1, 1]])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_OptionOutOfRange_Throws()
    {
        Assert.Contains("Dimension", Assert.ThrowsAny<ArgumentException>(() => new InContextRegressorTrainer(new() { Family = RegressionFamily.Sinusoid })).Message, StringComparison.Ordinal);
        Assert.Contains("DModel", Assert.ThrowsAny<ArgumentException>(() => new InContextRegressorTrainer(new() { DModel = 10 })).Message, StringComparison.Ordinal);
    }

    private static InContextRegressor Trained() => InContextRegressor.Train(Small);
}
