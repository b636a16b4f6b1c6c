using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms;
using MlNetIcl.Transforms.CausalGraphs;

namespace MlNetIcl.Estimators.Tests;

public sealed class ProbeCausalGraphTests : IDisposable
{
    private static readonly CausalGraphLearningOptions Quick = new() { Steps = 60, Starts = 2 };

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly LanguageModel _model = LanguageModel.LoadEmbedded();

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Trained_IntegerIds_KeepsTheContract() => EstimatorChecks.Run(_ml,
        _ml.Transforms.ProbeCausalGraph(Options()),
        Data.OfTokens(_ml, Chains(60)),
        Data.OfPrompts(_ml),
        _ml.Data.LoadFromEnumerable([new ScalarTokenRow()]),
        _ml.Data.LoadFromEnumerable([new FloatTokenRow()]));

    [Fact]
    public void OfAModel_IntegerIds_KeepsTheContract() => EstimatorChecks.Run(_ml,
        _ml.Transforms.ProbeCausalGraph("Out", "Tokens", _model),
        Data.OfTokens(_ml, Chains(20)),
        Data.OfPrompts(_ml),
        _ml.Data.LoadFromEnumerable([new ScalarTokenRow()]));

    [Fact]
    public void Fit_RowsOfAChain_LearnsItAndNamesTheSlots()
    {
        var fitted = _ml.Transforms.ProbeCausalGraph("Edges", "Tokens").Fit(Data.OfTokens(_ml, Chains(1500)));
        var column = fitted.GetOutputSchema(Data.OfTokens(_ml, [[1]]).Schema)["Edges"];

        int right = fitted.Graph.Edges.Count(CausalGraph.Chain(6).Has);
        Assert.InRange(right, 4, 5);
        Assert.InRange(fitted.Graph.Edges.Count() - right, 0, 1);
        string[] slots = Rows.Texts(column, "SlotNames");
        Assert.Equal(["X0->X1", "X0->X2", "X1->X2", "X0->X3", "X1->X3"], slots[..5]);
        Assert.Equal(15, slots.Length);
        Assert.Equal(fitted.Graph.Edges.Select(e => e.ToString()).Order(), slots.Zip((float[])Rows.Annotation(column, "IsEdge")).Where(s => s.Second == 1).Select(s => s.First).Order());
        Assert.Equal(fitted.Reading.Map[3, 2], ((float[])Rows.Annotation(column, "EdgeAttention"))[Array.IndexOf(slots, "X2->X3")], 1e-6);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Row_AloneInBatchesAndInAnEngine_HasOneResult(bool trained)
    {
        int[][] rows = Chains(23);
        var fitted = Fit(trained, rows, 8);
        float[][] together = Rows.Vectors(fitted.Transform(Data.OfTokens(_ml, rows)), "Out");

        using var engine = _ml.Model.CreatePredictionEngine<TokenRow, Strengths>(fitted, new PredictionEngineOptions { OwnsTransformer = false });
        for (int i = 0; i < rows.Length; i++)
        {
            float[] alone = Rows.Vectors(fitted.Transform(Data.OfTokens(_ml, [rows[i]])), "Out").Single();
            Assert.All(together[i].Zip(alone), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
            Assert.All(together[i].Zip(engine.Predict(new TokenRow { Tokens = rows[i] }).Out), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    [Fact]
    public void Values_OfATrainedGraph_AreItsStrengths()
    {
        int[][] rows = Chains(40);
        var fitted = (CausalGraphTransformer)Fit(trained: true, rows, 8);

        Assert.Equal(rows.Select(row => fitted.Learned.Strengths(row)), Rows.Vectors(fitted.Transform(Data.OfTokens(_ml, rows)), "Out"));
    }

    [Fact]
    public void Values_OfAModel_AverageToTheGraph()
    {
        int[][] rows = Chains(30);
        var fitted = (ModelCausalGraphTransformer)Fit(trained: false, rows, 7);

        float[][] values = Rows.Vectors(fitted.Transform(Data.OfTokens(_ml, rows)), "Out");

        Assert.All(fitted.Reading.Pairs.Select((pair, i) => (pair, i)), p => Assert.Equal(fitted.Reading.Map[p.pair.Child, p.pair.Parent], values.Average(row => row[p.i]), 1e-5));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ColdProcess_LoadsItAndGivesTheSameBits(bool trained)
    {
        int[][] rows = Chains(12);
        var view = Data.OfTokens(_ml, rows);
        var fitted = Fit(trained, Chains(60), 8);
        string file = Path.Combine(_folder.Path, "graph.zip");
        _ml.Model.Save(fitted, view.Schema, file);

        var (lines, errors, exit) = ColdProcess.Run(file, rows.Select(tokens => new { Tokens = tokens }));

        Assert.True(exit == 0, errors);
        Assert.Equal(Rows.Vectors(fitted.Transform(view), "Out").Select((values, i) => $"{i} Out {string.Join(' ', values.Select(v => BitConverter.SingleToInt32Bits(v).ToString("x8", CultureInfo.InvariantCulture)))}"), lines);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rows_ThatCannotBeComputed_ThrowOrAreMissingWithTheirReason(bool trained)
    {
        int[][] rows = [.. Chains(30), [0, 1], [0, 1, 2, 0, 1, 2, 0], [0, 1, 2, 0, 1, -7]];
        IEstimator<ITransformer> Stage(RowErrorHandling onError) => trained ? _ml.Transforms.ProbeCausalGraph(Options() with { OnError = onError })
            : _ml.Transforms.ProbeCausalGraph(_model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", OnError = onError });

        var error = Assert.Throws<InvalidTokensException>(() => Stage(RowErrorHandling.Throw).Fit(Data.OfTokens(_ml, rows)));
        var read = Rows.Of(Stage(RowErrorHandling.Missing).Fit(Data.OfTokens(_ml, rows)).Transform(Data.OfTokens(_ml, rows)));

        Assert.Contains("Row 30, column 'Tokens': The row has 2 tokens, but the graph has 6 positions.", error.Message, StringComparison.Ordinal);
        Assert.Equal("The row has 7 tokens, but the graph has 6 positions.", read[31]["OutReason"]);
        Assert.All(read.Skip(30), row => Assert.All((float[])row["Out"], value => Assert.True(float.IsNaN(value))));
        Assert.All(read.Take(30), row => Assert.Equal("", row["OutReason"]));
    }

    [Fact]
    public void Length_Given_CutsLongerRows()
    {
        int[][] rows = [.. Chains(40).Select((row, i) => i % 2 == 0 ? [.. row, 1, 0] : row)];
        var fitted = _ml.Transforms.ProbeCausalGraph(Options() with { Length = 5 }).Fit(Data.OfTokens(_ml, rows));

        float[][] cut = Rows.Vectors(fitted.Transform(Data.OfTokens(_ml, rows)), "Out");

        Assert.Equal(10, cut[0].Length);
        Assert.Equal(cut, Rows.Vectors(fitted.Transform(Data.OfTokens(_ml, rows.Select(row => row[..5]))), "Out"));
    }

    [Fact]
    public void Fit_Keys_TakesTheVocabularyFromTheColumn()
    {
        string[][] rows = [.. Chains(40).Select(row => row.Select(token => "abc"[token].ToString()).ToArray())];
        var view = _ml.Data.LoadFromEnumerable(rows.Select(row => new WordRow { Words = row }));
        var keys = _ml.Transforms.Conversion.MapValueToKey("Tokens", "Words", keyData: _ml.Data.LoadFromEnumerable("abcd".Select(word => new Word { Value = word.ToString() }))).Fit(view).Transform(view);

        Assert.Equal(4, _ml.Transforms.ProbeCausalGraph(Options()).Fit(keys).Learned.Vocabulary);
    }

    [Fact]
    public void Fit_SeedOfTheContext_MakesTheResultRepeat()
    {
        float[][] Values(int seed)
        {
            var ml = new MLContext(seed);
            var view = Data.OfTokens(ml, Chains(30));
            return Rows.Vectors(ml.Transforms.ProbeCausalGraph(Options() with { Learning = null, MaximumRows = 30 }).Fit(view).Transform(view), "Out");
        }

        Assert.Equal(Values(4), Values(4));
        Assert.NotEqual(Values(4), Values(5));
    }

    [Theory]
    [InlineData(true, "Learn a causal graph")]
    [InlineData(false, "Read a causal graph")]
    public void Fit_ProgressAndCancellation_GoThroughTheContext(bool trained, string work)
    {
        var log = new List<string>();
        _ml.Log += (_, e) =>
        {
            log.Add(e.Message);
            if (e.Message.Contains($"{work}: 50 %", StringComparison.Ordinal)) _ml.CancelExecution();
        };

        Assert.ThrowsAny<OperationCanceledException>(() => Fit(trained, Chains(300), 8));
        Assert.DoesNotContain(log, line => line.Contains($"{work}: 70 %", StringComparison.Ordinal));
    }

    [Fact]
    public void Fit_RowsWithoutStructure_WarnsThatThereIsNoEdge()
    {
        var random = new Random(9);
        var log = new List<string>();
        _ml.Log += (_, e) => log.Add(e.Message);

        var fitted = _ml.Transforms.ProbeCausalGraph(Options()).Fit(Data.OfTokens(_ml, [.. Enumerable.Range(0, 200).Select(_ => Enumerable.Range(0, 4).Select(_ => random.Next(3)).ToArray())]));

        Assert.Empty(fitted.Graph.Edges);
        Assert.Contains(log, line => line.Contains("No position of 'Tokens' is predicted better by an earlier one: the graph has no edges.", StringComparison.Ordinal));
    }

    [Fact]
    public void WrongSettings_FailWhenTheStageIsMade_AndFewRowsInFit()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ProbeCausalGraph(Options() with { Length = 65 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ProbeCausalGraph(Options() with { MaximumRows = 9 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ProbeCausalGraph(Options() with { Learning = new() { Steps = 0 } }));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ProbeCausalGraph(Options() with { BatchRows = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ProbeCausalGraph(_model, new() { OutputColumnName = "Out", Heads = [new(9, 0)] }));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ProbeCausalGraph(_model, new() { OutputColumnName = "Out", Threshold = 2 }));
        var error = Assert.Throws<InvalidOperationException>(() => _ml.Transforms.ProbeCausalGraph(Options()).Fit(Data.OfTokens(_ml, Chains(9))));
        Assert.Contains("expected at least 10", error.Message, StringComparison.Ordinal);
    }

    private ITransformer Fit(bool trained, int[][] rows, int batchRows) => trained
        ? _ml.Transforms.ProbeCausalGraph(Options() with { BatchRows = batchRows }).Fit(Data.OfTokens(_ml, rows))
        : _ml.Transforms.ProbeCausalGraph(_model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", BatchRows = batchRows }).Fit(Data.OfTokens(_ml, rows));

    private static CausalGraphStageOptions Options() => new() { OutputColumnName = "Out", InputColumnName = "Tokens", Learning = Quick };

    /// <summary>Rows of six tokens, each of which mostly follows the one before it in a cycle of three.</summary>
    private static int[][] Chains(int count)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            int[] row = new int[6];
            row[0] = random.Next(3);
            for (int i = 1; i < row.Length; i++) row[i] = random.NextDouble() < 0.8 ? (row[i - 1] + 1) % 3 : random.Next(3);
            return row;
        })];
    }

    private sealed class Strengths
    {
        [VectorType(15)]
        public float[] Out { get; set; } = [];
    }

    private sealed class WordRow
    {
        [VectorType(6)]
        public string[] Words { get; set; } = [];
    }

    private sealed class Word
    {
        public string Value { get; set; } = "";
    }
}
