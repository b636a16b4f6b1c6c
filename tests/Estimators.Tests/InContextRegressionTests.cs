using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.InContextRegression;

namespace MlNetIcl.Estimators.Tests;

/// <summary>Training holds torch to one thread for the whole process, and saved pipelines are held to bits that depend on the number of threads.</summary>
[CollectionDefinition(nameof(TrainingCollection), DisableParallelization = true)]
public sealed class TrainingCollection;

/// <summary>The trainer, with a regressor of three inputs that took a moment to train: what is right does not depend on how good it is.</summary>
[Collection(nameof(TrainingCollection))]
public sealed class InContextRegressionTests : IDisposable
{
    private const int Width = 3, Demonstrations = 6;

    private static readonly Lazy<InContextRegressor> Shared = new(() => InContextRegressor.Train(new() { Dimension = Width, Demonstrations = Demonstrations, Layers = 3, DModel = 32, Steps = 200, BatchTasks = 32, Noise = 1, NoiseVaries = true, PaddedShare = 0.3 }));

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static InContextRegressor Regressor => Shared.Value;

    [Fact]
    public void Trainer_SupportSet_KeepsTheContract() => EstimatorChecks.Run(_ml,
        (IEstimator<ITransformer>)_ml.Regression.Trainers.InContextRegression(regressor: Regressor),
        View(Rows(20)),
        _ml.Data.LoadFromEnumerable([new VariableFeatures()]),
        _ml.Data.LoadFromEnumerable([new NoFeatures()]));

    [Fact]
    public void Trainer_OwnDemonstrations_KeepsTheContract() => EstimatorChecks.Run(_ml,
        (IEstimator<ITransformer>)_ml.Regression.Trainers.InContextRegression(OwnDemonstrations),
        _ml.Data.LoadFromEnumerable(OwnRows(9)),
        View(Rows(3)));

    [Fact]
    public void Fit_LinearDataOfAnyScale_PredictsIt()
    {
        // Far from x, w ~ N(0, 1): other sizes, an offset, a feature that says nothing.
        var (train, test) = (View(Rows(400, offset: 1000, scale: 50)), View(Rows(300, first: 400, offset: 1000, scale: 50)));
        using var model = _ml.Regression.Trainers.InContextRegression(new() { Regressor = Regressor, Draws = 32 }).Fit(train);

        var metrics = _ml.Regression.Evaluate(model.Transform(test));

        Assert.InRange(metrics.RSquared, 0.8, 1);
        Assert.Equal(Demonstrations, model.SupportSize);
        Assert.Equal(32, model.Settings.SupportLabels!.Length);
    }

    [Fact]
    public void Fit_FewerFeatures_PadsAndPredicts()
    {
        TwoRow[] rows = [.. Rows(200).Select(r => new TwoRow { Features = r.Features[..2], Label = (2 * r.Features[0]) - r.Features[1] })];
        using var model = _ml.Regression.Trainers.InContextRegression(new() { Regressor = Regressor, Draws = 16 }).Fit(_ml.Data.LoadFromEnumerable(rows.Take(100)));

        Assert.InRange(_ml.Regression.Evaluate(model.Transform(_ml.Data.LoadFromEnumerable(rows.Skip(100)))).RSquared, 0.8, 1);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => model.Transform(View(Rows(3))));
        Assert.Contains("Schema mismatch for feature column 'Features': expected Vector<Single, 2>, got Vector<Single, 3>", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_MoreFeatures_IsRefusedWithWhatToDo()
    {
        var wide = _ml.Data.LoadFromEnumerable([new WideRow()]);

        string given = Assert.Throws<InvalidOperationException>(() => _ml.Regression.Trainers.InContextRegression(regressor: Regressor).Fit(wide)).Message;
        string trained = Assert.Throws<InvalidOperationException>(() => _ml.Regression.Trainers.InContextRegression().Fit(wide)).Message; // at once, not after a minute

        Assert.Contains("has 7 features, but the regressor was trained with 3 inputs", given, StringComparison.Ordinal);
        Assert.Contains("trained with 5 inputs", trained, StringComparison.Ordinal);
        Assert.Contains("Dimension = 7", trained, StringComparison.Ordinal);
    }

    [Fact]
    public void Schema_ColumnMissingOrOfAnotherType_SaysSoAsMlNetDoes()
    {
        var trainer = _ml.Regression.Trainers.InContextRegression(regressor: Regressor);
        var missing = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(_ml.Data.LoadFromEnumerable([new NoFeatures()])));
        var label = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.GetOutputSchema(SchemaShape.Create(_ml.Data.LoadFromEnumerable([new WrongLabel()]).Schema)));

        Assert.Contains("Could not find feature column 'Features'", missing.Message, StringComparison.Ordinal);
        Assert.Contains("Schema mismatch for label column 'Label': expected Single, got Double", label.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_SeedsAndRows_DrawTheSameSupport()
    {
        float[] Labels(int seed) => [.. _ml.Regression.Trainers.InContextRegression(new() { Regressor = Regressor, Seed = seed, Draws = 2 }).Fit(View(Rows(50))).Settings.SupportLabels!.SelectMany(l => l)];

        Assert.Equal(Labels(1), Labels(1));
        Assert.NotEqual(Labels(1), Labels(2));
    }

    [Fact]
    public void SupportDraws_AnyNumberOfRows_FollowTheRule()
    {
        Assert.Equal([[]], SupportDraws.Of(0, 4, 8, 1));
        Assert.Equal([[0]], SupportDraws.Of(1, 4, 8, 1));
        var orders = SupportDraws.Of(3, 4, 5, 1);
        Assert.Equal([0, 1, 2], orders[0]);
        Assert.Equal(5, orders.Length);
        Assert.All(orders, order => Assert.Equal([0, 1, 2], order.Order()));
        Assert.Contains(orders, order => !order.SequenceEqual(orders[0]));
        var disjoint = SupportDraws.Of(100, 4, 5, 1);
        Assert.Equal(20, disjoint.SelectMany(d => d).Distinct().Count());
        Assert.All(SupportDraws.Of(9, 4, 5, 1), draw => Assert.Equal(4, draw.Distinct().Count()));
    }

    [Fact]
    public void Transform_OneSupportRowAtATime_IsTheMeanOfTheRegressorsAnswers()
    {
        var rows = Rows(40);
        using var model = _ml.Regression.Trainers.InContextRegression(new() { Regressor = Regressor, Draws = 3, Standardize = false }).Fit(View(rows));
        float[] scores = Scores(model.Transform(View(rows)));
        var settings = model.Settings;

        for (int i = 0; i < 5; i++)
        {
            double expected = settings.SupportFeatures!.Zip(settings.SupportLabels!).Average(s => Regressor.Predict([.. s.First.Chunk(Width)], s.Second, [rows[i].Features])[0]);
            Assert.Equal(expected, scores[i], 1e-4);
        }
    }

    [Fact]
    public void Transform_OwnDemonstrations_AnswersEachRowFromItsOwn()
    {
        var rows = OwnRows(30);
        var data = _ml.Data.LoadFromEnumerable(rows);
        using var model = _ml.Regression.Trainers.InContextRegression(OwnDemonstrations with { Standardize = false, Draws = 1 }).Fit(data);
        float[] scores = Scores(model.Transform(data));

        for (int i = 0; i < rows.Length; i++)
        {
            int count = rows[i].DemonstrationLabels.Length;
            if (count > Demonstrations) continue;
            float expected = Regressor.Predict([.. rows[i].DemonstrationFeatures.Chunk(Width)], rows[i].DemonstrationLabels, [rows[i].Features])[0];
            Assert.Equal(expected, scores[i], 1e-4);
        }
        Assert.Contains(rows, row => row.DemonstrationLabels.Length == 0);
        Assert.Contains(rows, row => row.DemonstrationLabels.Length > Demonstrations);
    }

    [Fact]
    public void Transform_DemonstrationsOfOtherLength_NamesRowAndColumns()
    {
        var rows = OwnRows(5);
        using var model = _ml.Regression.Trainers.InContextRegression(OwnDemonstrations).Fit(_ml.Data.LoadFromEnumerable(rows));
        rows[3].DemonstrationFeatures = new float[4];
        rows[3].DemonstrationLabels = [1, 2];

        string message = Assert.Throws<InvalidDataException>(() => Scores(model.Transform(_ml.Data.LoadFromEnumerable(rows)))).Message;

        Assert.Contains("Row 3: column 'DemonstrationLabels' has 2 labels", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_WithNaN_ScoreNaNAndAreNoDemonstrations()
    {
        var rows = Rows(12);
        rows[4].Features[1] = float.NaN;
        rows[7].Label = float.PositiveInfinity;
        using var model = _ml.Regression.Trainers.InContextRegression(new() { Regressor = Regressor, Draws = 2 }).Fit(View(rows));
        float[] scores = Scores(model.Transform(View(rows)));

        Assert.True(float.IsNaN(scores[4]));
        Assert.Equal(11, scores.Count(float.IsFinite));
        Assert.All(model.Settings.SupportLabels!.SelectMany(l => l), label => Assert.True(float.IsFinite(label)));
        Assert.Throws<InvalidOperationException>(() => _ml.Regression.Trainers.InContextRegression(regressor: Regressor).Fit(View([rows[4]])));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ColdProcess_SavedPipeline_GivesTheSameBits(bool own)
    {
        var (rows, support) = (OwnRows(30), View(Rows(40)));
        var data = _ml.Data.LoadFromEnumerable(rows);
        using var model = own ? _ml.Regression.Trainers.InContextRegression(OwnDemonstrations).Fit(data) : _ml.Regression.Trainers.InContextRegression(regressor: Regressor).Fit(support);
        string saved = _folder.File("regression.zip");
        _ml.Model.Save(model, data.Schema, saved);

        var (lines, errors, exit) = ColdProcess.Run(saved, rows.Select(r => new { r.Features, r.DemonstrationFeatures, r.DemonstrationLabels }));

        Assert.True(exit == 0, errors);
        Assert.Equal(Scores(model.Transform(data)).Select((score, i) => $"{i} Score {BitConverter.SingleToInt32Bits(score).ToString("x8", CultureInfo.InvariantCulture)}"), lines);
    }

    [Fact]
    public void PredictionEngine_OneRow_AgreesWithTheBatch()
    {
        var rows = Rows(40);
        var model = _ml.Regression.Trainers.InContextRegression(regressor: Regressor).Fit(View(rows));
        float[] scores = Scores(model.Transform(View(rows)));
        using var engine = _ml.Model.CreatePredictionEngine<Row, Scored>(model);

        Assert.All(Enumerable.Range(0, 5), i => Assert.Equal(scores[i], engine.Predict(rows[i]).Score, 1e-4));
    }

    [Fact]
    public void CrossValidate_LikeAnyTrainer_Works()
    {
        var results = _ml.Regression.CrossValidate(View(Rows(200)), _ml.Regression.Trainers.InContextRegression(new() { Regressor = Regressor, Draws = 16 }), numberOfFolds: 3);

        Assert.All(results, fold => Assert.InRange(fold.Metrics.RSquared, 0.7, 1));
    }

    [Fact]
    public void Fit_RegressorOfAFile_IsTheSameAsTheRegressor()
    {
        string file = _folder.File("regressor.safetensors");
        Regressor.Save(file);
        using var trainer = _ml.Regression.Trainers.InContextRegression(new InContextRegressionOptions { RegressorPath = file });
        using var loaded = trainer.Fit(View(Rows(40)));
        using var given = _ml.Regression.Trainers.InContextRegression(regressor: Regressor).Fit(View(Rows(40)));

        EstimatorChecks.AssertSameValues(given.Transform(View(Rows(10))), loaded.Transform(View(Rows(10))));
    }

    [Fact]
    public void Fit_Pretraining_TrainsOnceAndReportsToTheLog()
    {
        var log = new List<string>();
        _ml.Log += (_, e) =>
        {
            lock (log) log.Add(e.Message);
        };
        using var trainer = _ml.Regression.Trainers.InContextRegression(new InContextRegressionOptions { Pretraining = new() { Dimension = 3, Demonstrations = 4, Layers = 1, DModel = 8, Heads = 2, Steps = 20, BatchTasks = 8 } });
        using (trainer.Fit(View(Rows(20)))) { }
        using (trainer.Fit(View(Rows(20)))) { }

        Assert.Single(log, line => line.Contains("Train an in-context regressor: 50 %", StringComparison.Ordinal));
    }

    [Fact]
    public void Options_OutOfRange_FailWhenTheTrainerIsMade()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Regression.Trainers.InContextRegression(new() { Draws = 0 }));
        Assert.Throws<ArgumentException>(() => _ml.Regression.Trainers.InContextRegression(new() { DemonstrationLabelsColumnName = "L" }));
        Assert.Throws<ArgumentException>(() => _ml.Regression.Trainers.InContextRegression(new() { Regressor = Regressor, RegressorPath = "x" }));
        Assert.Throws<ArgumentException>(() => _ml.Regression.Trainers.InContextRegression(""));
    }

    private static InContextRegressionOptions OwnDemonstrations => new()
    {
        Regressor = Regressor,
        DemonstrationFeaturesColumnName = nameof(OwnRow.DemonstrationFeatures),
        DemonstrationLabelsColumnName = nameof(OwnRow.DemonstrationLabels),
        Draws = 3,
    };

    private static Row[] Rows(int count, int first = 0, float offset = 0, float scale = 1)
    {
        var random = new SeededRandom(3, RandomStream.RegressionTest);
        return [.. Enumerable.Range(0, first + count).Select(_ =>
        {
            float[] x = [(float)random.NextNormal(), (float)random.NextNormal(), (float)random.NextNormal()];
            return new Row { Features = [.. x.Select(v => offset + (scale * v))], Label = offset + (scale * ((1.5f * x[0]) - x[1] + (0.5f * x[2]))) };
        }).Skip(first)];
    }

    private static OwnRow[] OwnRows(int count) => [.. Rows(count).Select((row, i) => new OwnRow
    {
        Features = row.Features,
        DemonstrationFeatures = [.. Rows(i % 9, first: 7 * i).SelectMany(r => r.Features)],
        DemonstrationLabels = [.. Rows(i % 9, first: 7 * i).Select(r => r.Label)],
    })];

    private IDataView View(IEnumerable<Row> rows) => _ml.Data.LoadFromEnumerable(rows);

    private static float[] Scores(IDataView view) => [.. view.GetColumn<float>("Score")];

    private class Row
    {
        [VectorType(Width)]
        public float[] Features { get; set; } = new float[Width];

        public float Label { get; set; }
    }

    private sealed class OwnRow : Row
    {
        public float[] DemonstrationFeatures { get; set; } = [];

        public float[] DemonstrationLabels { get; set; } = [];
    }

    private sealed class TwoRow
    {
        [VectorType(2)]
        public float[] Features { get; set; } = new float[2];

        public float Label { get; set; }
    }

    private sealed class WideRow
    {
        [VectorType(7)]
        public float[] Features { get; set; } = new float[7];

        public float Label { get; set; }
    }

    private sealed class WrongLabel
    {
        [VectorType(Width)]
        public float[] Features { get; set; } = new float[Width];

        public double Label { get; set; }
    }

    private sealed class VariableFeatures
    {
        public float[] Features { get; set; } = [1, 2, 3];

        public float Label { get; set; }
    }

    private sealed class NoFeatures
    {
        public float Label { get; set; }
    }

    private sealed class Scored
    {
        public float Score { get; set; }
    }
}
