using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms;
using MlNetIcl.Transforms.Interventions;
using static TorchSharp.torch;

namespace MlNetIcl.Estimators.Tests;

/// <summary><c>AblateHeads</c> against passes in which head outputs are replaced by hand, and what it learns in <c>Fit</c>.</summary>
public sealed class AblateHeadsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly LanguageModel _model = TestModels.InMemory();
    private readonly int[][] _training, _rows;

    public AblateHeadsTests()
    {
        _training = Data.Tokens(15, _model.Config.Vocabulary, 16, seed: 2);
        _rows = Data.Tokens(12, _model.Config.Vocabulary, 30); // some are longer than any of the training
    }

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(AblationKind.Zero, 1)]
    [InlineData(AblationKind.Mean, 1)]
    [InlineData(AblationKind.MeanPerPosition, 1)]
    [InlineData(AblationKind.MeanPerPosition, 5)]
    public void Change_OfEveryHead_IsThatOfAPassWithItsOutputReplaced(AblationKind kind, int minimumRows)
    {
        var view = Apply(Options() with { Kind = kind, MinimumRows = minimumRows, MetricColumnName = "Metric" });

        var rows = Rows.Of(view);
        Assert.Equal(["L0.H0", "L0.H1", "L1.H0", "L1.H1"], Rows.Texts(view.Schema["Out"], "SlotNames"));
        Assert.Contains(_rows, row => row.Length > _training.Max(t => t.Length));
        for (int row = 0; row < _rows.Length; row++)
        {
            float[] expected = [.. HeadId.All(_model.Config).Select(head =>
                (float)(Loss(_rows[row], [head], (layer, pos, h, d) => Reference(kind, minimumRows, layer, pos, h, d)) - Loss(_rows[row])))];
            AssertClose(expected, (float[])rows[row]["Out"]);
            Assert.Equal(Loss(_rows[row]), (float)rows[row]["Metric"], 1e-5);
        }
        Assert.Contains(rows, row => ((float[])row["Out"]).Any(v => Math.Abs(v) > 1e-2));
    }

    [Fact]
    public void Change_OfHeadsTogether_IsOneValue()
    {
        HeadId[] heads = [new(1, 0), new(0, 1)];
        var view = Apply(Options() with { Heads = heads, Together = true });

        Assert.Equal(["L1.H0+L0.H1"], Rows.Texts(view.Schema["Out"], "SlotNames"));
        var values = Rows.Vectors(view, "Out");
        for (int row = 0; row < _rows.Length; row++)
            AssertClose([(float)(Loss(_rows[row], heads, (layer, pos, h, d) => Reference(AblationKind.MeanPerPosition, 1, layer, pos, h, d)) - Loss(_rows[row]))], values[row]);
    }

    [Fact]
    public void Resample_OneRow_TakesTheLongestRowsValuesAndNeverARowsOwn()
    {
        int[] longest = _training.MaxBy(row => row.Length)!;
        float[,][] source = HeadOutputs(longest);
        int[][] rows = [[5, 6, 7, 5], longest, longest[..4], [.. longest, 3]];
        var fitted = Make(Options() with { Kind = AblationKind.Resample, ResampleRows = 1 }).Fit(Data.OfTokens(_ml, _training));

        var result = Rows.Of(fitted.Transform(Data.OfTokens(_ml, rows)));

        AssertClose([.. HeadId.All(_model.Config).Select(head => (float)(Loss(rows[0], [head], (layer, pos, h, d) => source[layer, pos][(h * _model.Config.DHead) + d]) - Loss(rows[0])))], (float[])result[0]["Out"]);
        foreach (int own in (int[])[1, 2, 3])
        {
            Assert.All((float[])result[own]["Out"], v => Assert.Equal(float.NaN, v));
            Assert.Equal("No other row to take values from is as long as this one.", result[own]["OutReason"]);
        }
    }

    [Fact]
    public void Resample_SeveralRows_IsTheMeanOfTheirChanges()
    {
        int[][] training = [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12, 13]];
        int[] row = [20, 21, 22, 20, 21];
        float[] Changes(params int[][] rows) => Rows.Vectors(Make(Options() with { Kind = AblationKind.Resample, Reference = new TokenBatch(rows) }).Fit(Data.OfTokens(_ml, [])).Transform(Data.OfTokens(_ml, [row])), "Out")[0];

        var both = Changes(training);

        AssertClose([.. Changes(training[0]).Zip(Changes(training[1]), (a, b) => (a + b) / 2)], both);
    }

    [Fact]
    public void Resample_MoreRowsThanAsked_AreDrawnByTheSeed()
    {
        int[][] training = [.. Enumerable.Range(0, 20).Select(i => new[] { i, i + 1, i + 2, i + 3 })];
        float[] Changes(int seed) => Rows.Vectors(new MLContext(seed).Transforms.AblateHeads(_model, Options() with { Kind = AblationKind.Resample, ResampleRows = 3 })
            .Fit(Data.OfTokens(_ml, training)).Transform(Data.OfTokens(_ml, [[40, 41, 42]])), "Out")[0];

        Assert.Equal(Changes(1), Changes(1));
        Assert.NotEqual(Changes(1), Changes(2));
    }

    [Theory]
    [InlineData(AblationMetric.SecondRepeatLoss)]
    [InlineData(AblationMetric.CopyAccuracy)]
    public void Metric_OfRowsThatRepeat_IsThatOfTheSecondRepeat(AblationMetric metric)
    {
        using var model = LanguageModel.LoadEmbedded();
        int bos = model.Config.BosTokenId!.Value;
        int[][] rows = [[bos, 9, 17, 30, 25, 9, 17, 30, 25], [5, 6, 7, 5, 6, 7], [5, 6, 7, 8, 9]];
        var options = Options() with { Metric = metric, Kind = AblationKind.Zero, Heads = [.. Enumerable.Range(0, 4).Select(h => new HeadId(0, h))], Together = true, MetricColumnName = "Metric" };
        var result = Rows.Of(_ml.Transforms.AblateHeads(model, options).Fit(Data.OfTokens(_ml, rows)).Transform(Data.OfTokens(_ml, rows)));

        foreach (var (row, start, period) in new[] { (0, 1, 4), (1, 0, 3) })
        {
            double Measure(bool ablated)
            {
                var batch = new Models.Training.RepeatedBatch(new TokenBatch([rows[row]]), [period], start);
                var score = Models.Training.CopyTask.Measure(model, batch, plan => { if (ablated) plan.Replace(Site.Z(0), z => zeros_like(z)); });
                return metric == AblationMetric.CopyAccuracy ? score.CopyAccuracy : score.SecondRepeatLoss;
            }
            Assert.Equal(Measure(false), (float)result[row]["Metric"], 1e-5);
            Assert.Equal(Measure(true) - Measure(false), ((float[])result[row]["Out"])[0], 1e-5);
        }
        Assert.NotEqual(0, ((float[])result[0]["Out"])[0]);
        Assert.Equal("The row does not repeat.", result[2]["OutReason"]);
        Assert.Equal([float.NaN], (float[])result[2]["Out"]);
        Assert.Equal(float.NaN, (float)result[2]["Metric"]);
    }

    [Fact]
    public void KeepPatterns_ChangesOnlyWhatComesThroughLaterPatterns()
    {
        var (kept, free) = (Rows.Vectors(Apply(Options() with { KeepPatterns = true }), "Out"), Rows.Vectors(Apply(Options()), "Out"));

        Assert.Contains(kept.Zip(free), rows => Math.Abs(rows.First[0] - rows.Second[0]) > 1e-3); // a head of layer 0
        foreach (var (left, right) in kept.Zip(free)) AssertClose(left[2..], right[2..]); // no pattern comes after layer 1
    }

    [Fact]
    public void Fit_InBatchesOfAnySize_LearnsTheSame()
    {
        var expected = Rows.Vectors(Apply(Options() with { BatchRows = 1 }), "Out");

        foreach (var (rows, tokens) in new[] { (4, 20), (64, 1 << 20) })
            foreach (var (left, right) in expected.Zip(Rows.Vectors(Apply(Options() with { BatchRows = rows, BatchTokens = tokens }), "Out"))) AssertClose(left, right);
    }

    [Fact]
    public void Fit_ReferenceGiven_DoesNotReadTheData()
    {
        var fromData = Rows.Vectors(Apply(Options()), "Out");
        var given = Make(Options() with { Reference = new TokenBatch(_training) }).Fit(Data.OfTokens(_ml, [[1, -7]])); // a row that cannot be read

        foreach (var (left, right) in fromData.Zip(Rows.Vectors(given.Transform(Data.OfTokens(_ml, _rows)), "Out"))) AssertClose(left, right);
    }

    [Fact]
    public void Fit_RowsThatCannotBeComputed_AreLeftOutOrThrow()
    {
        int[][] training = [.. _training, [1, -7], []];
        var expected = Rows.Vectors(Apply(Options()), "Out");

        var missing = Make(Options()).Fit(Data.OfTokens(_ml, training));
        var error = Assert.Throws<InvalidTokensException>(() => Make(Options() with { OnError = RowErrorHandling.Throw }).Fit(Data.OfTokens(_ml, training)));

        foreach (var (left, right) in expected.Zip(Rows.Vectors(missing.Transform(Data.OfTokens(_ml, _rows)), "Out"))) AssertClose(left, right);
        Assert.StartsWith("Row 15, column 'Tokens': Position 1 holds token -7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_WithoutRows_SaysWhatToDo()
    {
        Assert.Contains("ablate with zero", Assert.Throws<InvalidOperationException>(() => Make(Options()).Fit(Data.OfTokens(_ml, []))).Message, StringComparison.Ordinal);
        Make(Options() with { Kind = AblationKind.Zero }).Fit(Data.OfTokens(_ml, [])).Dispose();
    }

    [Fact]
    public void Fit_ProgressAndCancellation_GoThroughTheContext()
    {
        var log = new List<string>();
        _ml.Log += (_, e) =>
        {
            log.Add(e.Message);
            if (e.Message.Contains("Learn head outputs: 50 %", StringComparison.Ordinal)) _ml.CancelExecution();
        };

        Assert.ThrowsAny<OperationCanceledException>(() => Make(Options() with { BatchRows = 1 }).Fit(Data.OfTokens(_ml, [.. Enumerable.Range(0, 20).Select(i => new[] { i, i + 1 })])));
        Assert.DoesNotContain(log, line => line.Contains("Learn head outputs: 60 %", StringComparison.Ordinal));
    }

    [Fact]
    public void Table_SavedDamaged_IsRefused()
    {
        var config = _model.Config;
        var shape = new HeadOutputTableShape { Positions = 2, Layers = [0, 1], GoesOn = true };
        byte[] bytes = new byte[2 * 2 * config.Heads * config.DHead * sizeof(float)];
        void Refuse(HeadOutputTableShape damaged, byte[] content) => Assert.Throws<FormatException>(() => HeadOutputTable.FromBytes(damaged, content, config, CPU));

        HeadOutputTable.FromBytes(shape, bytes, config, CPU).Dispose();
        Refuse(shape, bytes[..^1]);
        Refuse(shape with { Positions = 0 }, bytes);
        Refuse(shape with { Positions = int.MaxValue }, bytes);
        Refuse(shape with { Layers = [0, 2] }, bytes);
        Refuse(shape with { Layers = [1, 1] }, bytes);
        Refuse(shape with { Layers = [] }, []);
        Refuse(shape with { Tokens = [1] }, bytes);
    }

    [Fact]
    public void Row_OfOneToken_IsNotMeasured()
    {
        var row = Rows.Of(Make(Options()).Fit(Data.OfTokens(_ml, _training)).Transform(Data.OfTokens(_ml, [[3]])))[0];

        Assert.All((float[])row["Out"], v => Assert.Equal(float.NaN, v));
        Assert.Equal("The row has one token, so that there is none to predict.", row["OutReason"]);
    }

    [Fact]
    public void Catalog_WrongSettings_FailWhenTheStageIsMade()
    {
        Assert.Throws<ArgumentNullException>(() => _ml.Transforms.AblateHeads("Out", "Tokens", null!));
        Assert.Throws<ArgumentException>(() => _ml.Transforms.AblateHeads("", "Tokens", _model));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.AblateHeads("Out", "Tokens", _model, [new HeadId(2, 0)]));
        Assert.Throws<ArgumentException>(() => Make(Options() with { Heads = [new(0, 0), new(0, 0)] }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Make(Options() with { Kind = (AblationKind)9 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Make(Options() with { Metric = (AblationMetric)9 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Make(Options() with { MinimumRows = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Make(Options() with { ResampleRows = 0 }));
        Assert.Throws<ArgumentException>(() => Make(Options() with { MetricColumnName = "Out" }));
        Assert.Throws<InvalidTokensException>(() => Make(Options() with { Reference = new TokenBatch([[_model.Config.Vocabulary]]) }));
    }

    private static HeadAblatingOptions Options() => new() { OutputColumnName = "Out", InputColumnName = "Tokens", OnError = RowErrorHandling.Missing };

    private HeadAblatingEstimator Make(HeadAblatingOptions options) => _ml.Transforms.AblateHeads(_model, options);

    private IDataView Apply(HeadAblatingOptions options) => Make(options).Fit(Data.OfTokens(_ml, _training)).Transform(Data.OfTokens(_ml, _rows));

    /// <summary>The mean of one entry of a head's output over the training rows, by a plain loop.</summary>
    private double Reference(AblationKind kind, int minimumRows, int layer, int pos, int head, int dim)
    {
        if (kind == AblationKind.Zero) return 0;
        _trainingOutputs ??= [.. _training.Select(HeadOutputs)];
        int at = (head * _model.Config.DHead) + dim;
        double[] own = [.. _trainingOutputs.Where(z => z.GetLength(1) > pos).Select(z => (double)z[layer, pos][at])];
        if (kind == AblationKind.MeanPerPosition && own.Length >= minimumRows) return own.Average();
        return _trainingOutputs.SelectMany(z => Enumerable.Range(0, z.GetLength(1)).Select(p => (double)z[layer, p][at])).Average();
    }

    private float[][,][]? _trainingOutputs;

    /// <summary>[layer, pos][head * d_head]</summary>
    private float[,][] HeadOutputs(int[] row)
    {
        using var run = _model.Run(new TokenBatch([row]), new ForwardPlan().Capture(Site.Z(0), Site.Z(1)));
        var outputs = new float[2, row.Length][];
        for (int layer = 0; layer < 2; layer++)
        {
            using var dense = run[Site.Z(layer)].contiguous();
            foreach (var (pos, z) in dense.data<float>().ToArray().Chunk(_model.Config.Heads * _model.Config.DHead).Index()) outputs[layer, pos] = z;
        }
        return outputs;
    }

    /// <summary>Mean loss of the next tokens with the outputs of heads replaced.</summary>
    private double Loss(int[] row, HeadId[]? heads = null, Func<int, int, int, int, double>? value = null)
    {
        var plan = new ForwardPlan().TokenLosses();
        foreach (var layer in (heads ?? []).GroupBy(h => h.Layer))
            plan.Replace(Site.Z(layer.Key), z =>
            {
                var edited = z.clone();
                foreach (var head in layer)
                    for (int pos = 0; pos < row.Length; pos++)
                        edited[0, pos, head.Head] = tensor([.. Enumerable.Range(0, _model.Config.DHead).Select(d => (float)value!(layer.Key, pos, head.Head, d))]);
                return edited;
            });
        using var run = _model.Run(new TokenBatch([row]), plan);
        return run.TokenLosses!.mean().item<float>();
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(float.IsNaN(expected[i]) ? float.IsNaN(actual[i]) : Math.Abs(expected[i] - actual[i]) <= 1e-5 * Math.Max(1, Math.Abs(expected[i])), $"Entry {i}: expected {expected[i]}, got {actual[i]}.");
    }
}
