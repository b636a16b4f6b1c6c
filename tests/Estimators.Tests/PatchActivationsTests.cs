using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms;
using MlNetIcl.Transforms.Interventions;

namespace MlNetIcl.Estimators.Tests;

/// <summary><c>PatchActivations</c>: what ML.NET asks of it, and its values against passes with one activation replaced by hand.</summary>
public sealed class PatchActivationsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly LanguageModel _model = TestModels.InMemory();
    private readonly PairRow[] _rows;

    // What is normalised carries the rounding of the metric over the contrast of its pair; so each has some.
    public PatchActivationsTests() => _rows = [.. RandomPairs(40, _model.Config.Vocabulary, 20).Where(r => Math.Abs(Metric(r, r.Tokens) - Metric(r, r.Corrupted)) > 0.3).Take(14)];

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Contract_IntegerIds_IsKept() => EstimatorChecks.Run(_ml, Create(_model), Pairs(_rows),
        Data.OfTokens(_ml, [[1]]),
        _ml.Data.LoadFromEnumerable([new WrongAnswerRow()]));

    [Fact]
    public void Contract_KeysOfAChain_IsKept()
    {
        var chain = Tokenize(addSpecialTokens: true, "Tokens", "Corrupted").Append(Tokenize(addSpecialTokens: false, "Answer", "Foil")).Append(Create(_model));

        EstimatorChecks.Run(_ml, chain, Texts(), Pairs(_rows));
    }

    [Fact]
    public void Text_AsOneTokenEach_GivesTheValuesOfItsIds()
    {
        var data = Texts();
        var view = Tokenize(addSpecialTokens: true, "Tokens", "Corrupted").Append(Tokenize(addSpecialTokens: false, "Answer", "Foil")).Append(Create(_model)).Fit(data).Transform(data);
        var tokenizer = TestModels.Tokenizer;
        PairRow[] rows = [.. Rows.Of(data).Select(row => new PairRow
        {
            Tokens = [.. tokenizer.Tokenize((string)row["Tokens"]).Ids],
            Corrupted = [.. tokenizer.Tokenize((string)row["Corrupted"]).Ids],
            Answer = tokenizer.Tokenize((string)row["Answer"]).Ids[0],
            Foil = tokenizer.Tokenize((string)row["Foil"]).Ids[0],
        })];

        AssertClose([Effects(Create(_model), rows)[0]], [Rows.Vectors(view, "Out")[0]]);
        Assert.Equal("", Rows.Of(view)[0]["OutReason"]);
        Assert.Equal("Column 'Answer': Expected exactly one token, got 2.", Rows.Of(view)[1]["OutReason"]);
    }

    [Theory]
    [InlineData(SiteKind.Z, PatchDirection.CleanIntoCorrupted)]
    [InlineData(SiteKind.Z, PatchDirection.CorruptedIntoClean)]
    [InlineData(SiteKind.Pattern, PatchDirection.CleanIntoCorrupted)]
    [InlineData(SiteKind.ResidMid, PatchDirection.CorruptedIntoClean)]
    public void Effects_OfEveryPart_AreWhatAPassWithThatPartReplacedGives(SiteKind site, PatchDirection direction)
    {
        var fitted = _ml.Transforms.PatchActivations(_model, Options() with { Site = site, Direction = direction, MetricsColumnName = "Metrics" }).Fit(Pairs(_rows));
        var view = fitted.Transform(Pairs(_rows));
        bool hasHeads = site != SiteKind.ResidMid;
        Assert.Equal(hasHeads ? ["L0.H0", "L0.H1", "L1.H0", "L1.H1"] : ["L0", "L1"], Rows.Texts(view.Schema["Out"], "SlotNames"));
        Assert.Equal(["Clean", "Corrupted"], Rows.Texts(view.Schema["Metrics"], "SlotNames"));

        var results = Rows.Of(view);
        for (int row = 0; row < _rows.Length; row++)
        {
            var (from, to) = direction == PatchDirection.CleanIntoCorrupted ? (_rows[row].Corrupted, _rows[row].Tokens) : (_rows[row].Tokens, _rows[row].Corrupted);
            double @base = Metric(_rows[row], from), source = Metric(_rows[row], to);
            double[] expected = [.. fitted.Slots.Select(slot => (Metric(_rows[row], from, slot, to) - @base) / (source - @base))];
            AssertClose([.. expected.Select(v => (float)v)], (float[])results[row]["Out"], 1e-4);
            AssertClose([(float)Metric(_rows[row], _rows[row].Tokens), (float)Metric(_rows[row], _rows[row].Corrupted)], (float[])results[row]["Metrics"]);
        }
    }

    [Fact]
    public void Difference_OfChosenHeads_IsPatchedMinusBase()
    {
        HeadId[] heads = [new(1, 1), new(0, 0)];
        var fitted = _ml.Transforms.PatchActivations(_model, Options() with { Heads = heads, Output = PatchingOutput.Difference }).Fit(Pairs(_rows));
        var view = fitted.Transform(Pairs(_rows));

        Assert.Equal(["L1.H1", "L0.H0"], Rows.Texts(view.Schema["Out"], "SlotNames"));
        var values = Rows.Vectors(view, "Out");
        for (int row = 0; row < _rows.Length; row++)
            AssertClose([.. heads.Select(h => (float)(Metric(_rows[row], _rows[row].Corrupted, new PatchSlot(SiteKind.Z, h.Layer, h.Head), _rows[row].Tokens) - Metric(_rows[row], _rows[row].Corrupted)))], values[row]);
    }

    [Fact]
    public void Slots_OfGroupedKeys_AreTheKeyHeads()
    {
        using var folder = new TemporaryFolder();
        using var model = LanguageModel.Load(TestModels.CopyFolder(folder.Path));
        Assert.True(model.Config.KeyHeads < model.Config.Heads);
        var data = Pairs(RandomPairs(3, model.Config.Vocabulary, 10));

        var view = _ml.Transforms.PatchActivations(model, Options() with { Site = SiteKind.Value }).Fit(data).Transform(data);

        Assert.Equal(model.Config.Layers * model.Config.KeyHeads, Rows.Texts(view.Schema["Out"], "SlotNames").Length);
    }

    [Fact]
    public void Row_AloneInBatchesAndReversed_HasOneResult()
    {
        var reference = Effects(Create(_model, 1, 1 << 20), _rows);

        foreach (var (rows, tokens) in new[] { (2, 1 << 20), (5, 60), (64, 1 << 20), (64, 1) })
            AssertClose(reference, Effects(Create(_model, rows, tokens), _rows));
        AssertClose([.. reference.Reverse()], Effects(Create(_model), [.. _rows.Reverse()]));
    }

    [Fact]
    public void Row_InAPredictionEngine_EqualsTheBatch()
    {
        var fitted = Create(_model).Fit(Pairs(_rows));
        using var engine = _ml.Model.CreatePredictionEngine<PairRow, Output>(fitted, new PredictionEngineOptions { OwnsTransformer = false });

        AssertClose(Rows.Vectors(fitted.Transform(Pairs(_rows)), "Out"), [.. _rows.Select(row => engine.Predict(row).Out)]);
    }

    [Fact]
    public void Row_ThatCannotBeComputed_IsMissingWithItsReasonAndHarmsNoOther()
    {
        int vocabulary = _model.Config.Vocabulary;
        PairRow[] rows =
        [
            _rows[0],
            new() { Tokens = [1, 2, 3], Corrupted = [1, 2], Answer = 3, Foil = 4 },
            new() { Tokens = [1, 2], Corrupted = [1, vocabulary], Answer = 3, Foil = 4 },
            new() { Tokens = [1, 2], Corrupted = [1, 3], Answer = -1, Foil = 4 },
            new() { Tokens = [1, 2], Corrupted = [1, 3], Answer = 3, Foil = vocabulary },
            new() { Tokens = [], Corrupted = [], Answer = 3, Foil = 4 },
            new() { Tokens = [4, 5], Corrupted = [4, 5], Answer = 3, Foil = 4 },
            _rows[1],
        ];
        var result = Rows.Of(Create(_model).Fit(Pairs(_rows)).Transform(Pairs(rows)));

        AssertClose(Effects(Create(_model), [rows[0], rows[7]]), [(float[])result[0]["Out"], (float[])result[7]["Out"]]);
        for (int bad = 1; bad < 7; bad++) Assert.All((float[])result[bad]["Out"], value => Assert.Equal(float.NaN, value));
        Assert.Equal(
        [
            "",
            "Column 'Corrupted': The corrupted prompt has 2 tokens, but the clean one has 3: they must have the same number.",
            $"Column 'Corrupted': Position 1 holds token {vocabulary}, but ids go from 0 to {vocabulary - 1}.",
            $"Column 'Answer': Position 0 holds token -1, but ids go from 0 to {vocabulary - 1}.",
            $"Column 'Foil': Position 0 holds token {vocabulary}, but ids go from 0 to {vocabulary - 1}.",
            "The row has no tokens.",
            "The clean and the corrupted prompt have the same metric, so that there is no difference to normalise by.",
            "",
        ], result.Select(row => (string)row["OutReason"]));
    }

    [Fact]
    public void Row_ThatCannotBeComputed_ThrowsNamingItsColumn()
    {
        var view = _ml.Transforms.PatchActivations(_model, Options() with { OnError = RowErrorHandling.Throw }).Fit(Pairs(_rows))
            .Transform(Pairs([_rows[0], new() { Tokens = [1, 2], Corrupted = [1], Answer = 3, Foil = 4 }]));

        Assert.StartsWith("Row 1, column 'Corrupted': The corrupted prompt has 1 tokens", Assert.Throws<InvalidTokensException>(() => Rows.Of(view)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Difference_OfARowWithoutContrast_IsMeasured()
    {
        var rows = new PairRow[] { new() { Tokens = [4, 5], Corrupted = [4, 5], Answer = 3, Foil = 4 } };
        var view = _ml.Transforms.PatchActivations(_model, Options() with { Output = PatchingOutput.Difference }).Fit(Pairs(_rows)).Transform(Pairs(rows));

        Assert.All(Rows.Vectors(view, "Out")[0], value => Assert.Equal(0, value, 1e-5));
        Assert.Equal("", Rows.Of(view)[0]["OutReason"]);
    }

    [Fact]
    public void ColdProcess_SavedWhole_GivesTheSameBits()
    {
        using var folder = new TemporaryFolder();
        string saved = folder.File("patch.zip");
        var data = Pairs(_rows);
        var fitted = _ml.Transforms.PatchActivations(_model, Options() with { Heads = [new(1, 0), new(0, 1)], Direction = PatchDirection.CorruptedIntoClean, Output = PatchingOutput.Difference }).Fit(data);
        _ml.Model.Save(fitted, data.Schema, saved);

        var (lines, errors, exit) = ColdProcess.Run(saved, _rows);

        Assert.True(exit == 0, errors);
        Assert.Equal(Rows.Vectors(fitted.Transform(data), "Out").Select((values, i) =>
            $"{i} Out {string.Join(' ', values.Select(v => BitConverter.SingleToInt32Bits(v).ToString("x8", CultureInfo.InvariantCulture)))}"), lines);
    }

    [Fact]
    public void CancelExecution_BeforeABatch_StopsTheCursor()
    {
        var view = Create(_model).Fit(Pairs(_rows)).Transform(Pairs(_rows));

        _ml.CancelExecution();

        Assert.ThrowsAny<OperationCanceledException>(() => Rows.Of(view));
    }

    [Fact]
    public void Catalog_WrongSettings_FailWhenTheStageIsMade()
    {
        ActivationPatchingEstimator Make(ActivationPatchingOptions options) => _ml.Transforms.PatchActivations(_model, options);

        Assert.Throws<ArgumentNullException>(() => _ml.Transforms.PatchActivations("Out", "Tokens", "Corrupted", "Answer", "Foil", null!));
        Assert.Throws<ArgumentException>(() => _ml.Transforms.PatchActivations("Out", "Tokens", "", "Answer", "Foil", _model));
        Assert.Throws<ArgumentException>(() => Make(Options() with { Heads = [] }));
        Assert.Throws<ArgumentException>(() => Make(Options() with { Heads = [new(0, 2)] }));
        Assert.Throws<ArgumentException>(() => Make(Options() with { Heads = [new(0, 1), new(0, 1)] }));
        Assert.Throws<ArgumentException>(() => Make(Options() with { Site = SiteKind.RotatedQuery })); // the model rotates nothing
        Assert.Throws<ArgumentException>(() => Make(Options() with { Site = SiteKind.Embed }));
        Assert.Throws<ArgumentException>(() => Make(Options() with { Site = SiteKind.ResidPre, Heads = [new(0, 0)] }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Make(Options() with { Output = (PatchingOutput)5 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Make(Options() with { Direction = (PatchDirection)5 }));
        Assert.Throws<ArgumentException>(() => Make(Options() with { MetricsColumnName = "Out" }));
        Assert.Contains("Could not find input column 'Foil'", Assert.Throws<ArgumentOutOfRangeException>(() =>
            Create(_model).Fit(_ml.Transforms.DropColumns("Foil").Fit(Pairs(_rows)).Transform(Pairs(_rows)))).Message, StringComparison.Ordinal);
    }

    private static ActivationPatchingOptions Options() => new()
    {
        OutputColumnName = "Out",
        InputColumnName = "Tokens",
        CorruptedColumnName = "Corrupted",
        AnswerColumnName = "Answer",
        FoilColumnName = "Foil",
        OnError = RowErrorHandling.Missing,
    };

    private ActivationPatchingEstimator Create(LanguageModel model, int batchRows = 8, int batchTokens = 256) =>
        _ml.Transforms.PatchActivations(model, Options() with { BatchRows = batchRows, BatchTokens = batchTokens });

    private EstimatorChain<ITransformer> Tokenize(bool addSpecialTokens, params string[] columns)
    {
        var chain = new EstimatorChain<ITransformer>();
        foreach (string column in columns)
            chain = chain.Append<ITransformer>(_ml.Transforms.TokenizePrompt(TestModels.Tokenizer, new() { OutputColumnName = column, AddSpecialTokens = addSpecialTokens }));
        return chain;
    }

    private float[][] Effects(IEstimator<ITransformer> estimator, PairRow[] rows) => Rows.Vectors(estimator.Fit(Pairs(_rows)).Transform(Pairs(rows)), "Out");

    private IDataView Pairs(PairRow[] rows) => _ml.Data.LoadFromEnumerable(rows);

    private IDataView Texts() => _ml.Data.LoadFromEnumerable(
    [
        new TextPair { Tokens = "the cat sat on the", Corrupted = "the dog sat on the", Answer = "m", Foil = "c" },
        new TextPair { Tokens = "one two", Corrupted = "one one", Answer = "m.", Foil = "c" },
    ]);

    /// <summary>logit(answer) - logit(foil) at the last position, with a part of one run replaced by another's.</summary>
    private double Metric(PairRow row, int[] tokens, PatchSlot? slot = null, int[]? source = null)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var plan = new ForwardPlan().Capture(Site.Logits);
        if (slot is { } part)
        {
            var own = _model.Run(new TokenBatch([source!]), new ForwardPlan().Capture(part.Site))[part.Site];
            plan.Replace(part.Site, value =>
            {
                if (part.Head is not { } head) return own.clone();
                var edited = value.clone();
                long axis = part.Kind == SiteKind.Pattern ? 1 : 2; // pattern [batch, head, query, key], z [batch, pos, head, d_head]
                edited.narrow(axis, head, 1).copy_(own.narrow(axis, head, 1));
                return edited;
            });
        }
        using var run = _model.Run(new TokenBatch([tokens]), plan);
        var logits = run[Site.Logits][0, tokens.Length - 1];
        return logits[row.Answer].item<float>() - logits[row.Foil].item<float>();
    }

    private static PairRow[] RandomPairs(int count, int vocabulary, int longest)
    {
        var random = new Random(3);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            int[] tokens = [.. Enumerable.Range(0, 2 + i * 5 % (longest - 1)).Select(_ => random.Next(vocabulary))];
            int[] corrupted = [.. tokens];
            corrupted[random.Next(tokens.Length)] = random.Next(vocabulary);
            return new PairRow { Tokens = tokens, Corrupted = corrupted, Answer = random.Next(vocabulary), Foil = random.Next(vocabulary) };
        })];
    }

    private static void AssertClose(float[][] expected, float[][] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        foreach (var (left, right) in expected.Zip(actual)) AssertClose(left, right);
    }

    private static void AssertClose(float[] expected, float[] actual, double tolerance = 1e-5)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(float.IsNaN(expected[i]) ? float.IsNaN(actual[i]) : Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i])),
                $"Entry {i}: expected {expected[i]}, got {actual[i]}.");
    }

    private sealed class PairRow
    {
        public int[] Tokens { get; set; } = [];

        public int[] Corrupted { get; set; } = [];

        public int Answer { get; set; }

        public int Foil { get; set; }
    }

    private sealed class WrongAnswerRow
    {
        public int[] Tokens { get; set; } = [];

        public int[] Corrupted { get; set; } = [];

        public float Answer { get; set; }

        public int Foil { get; set; }
    }

    private sealed class TextPair
    {
        public string Tokens { get; set; } = "";

        public string Corrupted { get; set; } = "";

        public string Answer { get; set; } = "";

        public string Foil { get; set; } = "";
    }

    private sealed class Output
    {
        public float[] Out { get; set; } = [];
    }
}
