using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Attention;
using static TorchSharp.torch;

namespace MlNetIcl.Estimators.Tests;

/// <summary>What the stages put out, against plain loops over patterns and logits.</summary>
public sealed class StageValueTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly LanguageModel _model = TestModels.InMemory();
    private readonly int[][] _rows;

    public StageValueTests() => _rows = Data.Tokens(12, _model.Config.Vocabulary, 30);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void TokenizePrompt_Keys_AreIdsPlusOneAndNameTheirTokens()
    {
        var data = Data.OfPrompts(_ml);
        var view = _ml.Transforms.TokenizePrompt(TestModels.Tokenizer, new() { OutputColumnName = "Tokens", InputColumnName = "Prompt", OffsetsColumnName = "Offsets" }).Fit(data).Transform(data);
        var texts = Rows.Texts(view.Schema["Tokens"], "KeyValues");

        foreach (var (prompt, row) in Data.Prompts.Zip(Rows.Of(view)))
        {
            var expected = TestModels.Tokenizer.Tokenize(prompt);
            var keys = (uint[])row["Tokens"];
            Assert.Equal(expected.Ids, keys.Select(key => (int)key - 1));
            Assert.Equal(expected.Tokens, keys.Select(key => texts[key - 1]));
            Assert.Equal(expected.Offsets.SelectMany(o => new[] { o.Start, o.End }), (int[])row["Offsets"]);
        }
        Assert.Equal(TestModels.Tokenizer.VocabularySize, (int)((KeyDataViewType)((VectorDataViewType)view.Schema["Tokens"].Type).ItemType).Count);
        Assert.Equal([0, 2], ((VectorDataViewType)view.Schema["Offsets"].Type).Dimensions.ToArray());
    }

    [Fact]
    public void TokenizePrompt_KeysToValues_GivesTheTokensBack()
    {
        var data = Data.OfPrompts(_ml);
        var view = _ml.Transforms.TokenizePrompt("Tokens", "Prompt", _model).Append(_ml.Transforms.Conversion.MapKeyToValue("Tokens")).Fit(data).Transform(data);

        Assert.Equal(TestModels.Tokenizer.Tokenize(Data.Text).Tokens, (string[])Rows.Of(view)[0]["Tokens"]);
    }

    [Fact]
    public void ExtractAttention_Pattern_IsTheModelsPattern()
    {
        HeadId[] heads = [new(1, 0), new(0, 1)];
        var view = Apply(_ml.Transforms.ExtractAttention("Out", "Tokens", _model, AttentionOutput.Pattern, heads));

        Assert.Equal([2, 0, 0], ((VectorDataViewType)view.Schema["Out"].Type).Dimensions.ToArray());
        Assert.Equal(["L1.H0", "L0.H1"], Rows.Texts(view.Schema["Out"], "Heads"));
        var values = Rows.Vectors(view, "Out");
        for (int row = 0; row < _rows.Length; row++)
            AssertClose([.. heads.SelectMany(head => Pattern(_rows[row], head).Cast<float>())], values[row]);
    }

    [Fact]
    public void ExtractAttention_Summary_IsWhatLoopsOverThePatternFind()
    {
        var view = Apply(_ml.Transforms.ExtractAttention("Out", "Tokens", _model));
        var heads = HeadId.All(_model.Config);

        Assert.Equal(heads.SelectMany(h => new[] { "Entropy", "Previous", "Self", "First", "AfterEarlierOccurrence" }.Select(kind => $"{h}.{kind}")), Rows.Texts(view.Schema["Out"], "SlotNames"));
        var values = Rows.Vectors(view, "Out");
        for (int row = 0; row < _rows.Length; row++)
            AssertClose([.. heads.SelectMany(head => Summary(Pattern(_rows[row], head), _rows[row]))], values[row]);
    }

    [Fact]
    public void ScoreInductionHeads_Scores_AreWhatLoopsOverThePatternFind()
    {
        HeadId[] heads = [new(1, 1), new(0, 0)];
        var view = Apply(_ml.Transforms.ScoreInductionHeads("Out", "Tokens", _model, heads));

        Assert.Equal(["L1.H1", "L0.H0"], Rows.Texts(view.Schema["Out"], "SlotNames"));
        var values = Rows.Vectors(view, "Out");
        for (int row = 0; row < _rows.Length; row++)
            AssertClose([.. heads.Select(head => Summary(Pattern(_rows[row], head), _rows[row])[4])], values[row]);
    }

    [Fact]
    public void ScoreInductionHeads_HeadsOfOneLayer_ScoreAsAmongAll()
    {
        HeadId[] heads = [new(0, 1)];
        var all = Rows.Vectors(Apply(_ml.Transforms.ScoreInductionHeads("Out", "Tokens", _model)), "Out");
        var one = Rows.Vectors(Apply(_ml.Transforms.ScoreInductionHeads("Out", "Tokens", _model, heads)), "Out");
        var summary = Rows.Vectors(Apply(_ml.Transforms.ExtractAttention("Out", "Tokens", _model, AttentionOutput.Summary, heads)), "Out");

        Assert.Equal(all.Select(row => row[1]), one.Select(row => Assert.Single(row)));
        Assert.Equal(all.Select(row => row[1]), summary.Select(row => row[4]));
    }

    [Fact]
    public void DetectInductionHeads_NoneFound_StillThrowsForARowThatCannotBeComputed()
    {
        var fitted = _ml.Transforms.DetectInductionHeads("Out", "Tokens", _model).Fit(Data.OfTokens(_ml, _rows));

        Assert.Throws<InvalidTokensException>(() => Rows.Of(fitted.Transform(Data.OfTokens(_ml, [[_model.Config.Vocabulary]]))));
    }

    [Fact]
    public void ScoreInContextLearning_Losses_AreThoseOfTheLogits()
    {
        var view = Apply(_ml.Transforms.ScoreInContextLearning(_model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", EarlyPosition = 3, LatePosition = 9, LossesColumnName = "Losses" }));

        Assert.Equal(["Early", "Late", "Difference"], Rows.Texts(view.Schema["Out"], "SlotNames"));
        var rows = Rows.Of(view);
        for (int row = 0; row < _rows.Length; row++)
        {
            float[] losses = Losses(_rows[row]);
            AssertClose(losses, (float[])rows[row]["Losses"]);
            AssertClose(losses.Length < 9 ? [float.NaN, float.NaN, float.NaN] : [losses[2], losses[8], losses[8] - losses[2]], (float[])rows[row]["Out"]);
        }
    }

    [Fact]
    public void ScoreInContextLearning_NoLatePosition_TakesTheRowsLast()
    {
        var values = Rows.Vectors(Apply(_ml.Transforms.ScoreInContextLearning("Out", "Tokens", _model, earlyPosition: 2)), "Out");

        for (int row = 0; row < _rows.Length; row++)
        {
            float[] losses = Losses(_rows[row]);
            AssertClose(losses.Length < 3 ? [float.NaN, float.NaN, float.NaN] : [losses[1], losses[^1], losses[^1] - losses[1]], values[row]);
        }
    }

    [Fact]
    public void DetectInductionHeads_HandBuiltCircuit_FindsJustItsHead()
    {
        using var circuit = InductionCircuit.Build(vocabulary: 32, context: 40);
        var data = Data.OfTokens(_ml, [[0, 5, 6, 7, 5, 6, 7]]);

        var fitted = _ml.Transforms.DetectInductionHeads("Out", "Tokens", circuit).Fit(data);

        var head = Assert.Single(fitted.Heads);
        Assert.Equal(1, head.Layer);
        // A perfect head attends to nothing but the token after the earlier occurrence.
        Assert.Equal(1, Assert.Single(Rows.Vectors(fitted.Transform(data), "Out")[0]), 1e-3f);
    }

    [Fact]
    public void DetectInductionHeads_Verdicts_AreTheDetectorsAndStandInTheAnnotations()
    {
        using var model = LanguageModel.LoadEmbedded();
        var options = new HeadDetectionOptions { TransformerLens = false, Copying = false };
        var data = Data.OfTokens(_ml, Data.Tokens(12, model.Config.Vocabulary, 30));
        var fitted = _ml.Transforms.DetectInductionHeads(model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", Detection = options }).Fit(data);
        var expected = HeadDetector.Detect(model, options);
        var view = fitted.Transform(data);
        var column = view.Schema["Out"];

        HeadScores[] detected = [.. expected.Detected(HeadKind.Induction)];
        Assert.True(detected.Length > 1);
        Assert.Equal(detected.Select(h => h.Name), Rows.Texts(column, "SlotNames"));
        Assert.Equal(detected.Select(h => h.Name), fitted.Heads.Select(h => h.ToString()));
        Assert.Equal(detected.Select(h => (float)h.Induction.Q!), (float[])Rows.Annotation(column, "InductionQs"));
        Assert.Equal(detected.Select(h => (float)h.Induction.Difference!), (float[])Rows.Annotation(column, "InductionDifferences"));
        Assert.Equal(expected.Heads.Select(h => h.Name), Rows.Texts(column, "AllHeads"));
        Assert.Equal(expected.Heads.Select(h => h.Induction.Verdict), Rows.Texts(column, "AllInductionVerdicts"));
        Assert.Equal(expected.Heads.Select(h => (float)h.Induction.Score!), (float[])Rows.Annotation(column, "AllInductionScores"));
        var scores = _ml.Transforms.ScoreInductionHeads("Out", "Tokens", model, fitted.Heads).Fit(data).Transform(data);
        foreach (var (left, right) in Rows.Vectors(scores, "Out").Zip(Rows.Vectors(view, "Out"))) Assert.Equal(left, right);
    }

    [Fact]
    public void DetectInductionHeads_Confirmed_IsTheDetectorsAndStandsInTheAnnotations()
    {
        using var model = LanguageModel.LoadEmbedded();
        var options = new HeadDetectionOptions { Seed = 2, TransformerLens = false, Copying = false };
        var data = Data.OfTokens(_ml, Data.Tokens(2, model.Config.Vocabulary, 30));
        var fitted = _ml.Transforms.DetectInductionHeads(model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", Detection = options, Confirm = true }).Fit(data);
        var expected = HeadDetector.Detect(model, options with { Confirm = true }).Confirmation!;
        var column = fitted.Transform(data).Schema["Out"];

        Assert.Equal(4, expected.Heads.Count);
        Assert.Equal(expected.Heads, fitted.Detection.Confirmation!.Heads);
        Assert.Equal(expected.Heads.Select(h => h.Verdict), Rows.Texts(column, "ConfirmationVerdicts"));
        Assert.Equal(expected.Heads.Select(h => (float)h.Effect), (float[])Rows.Annotation(column, "ConfirmationEffects"));
        Assert.Equal(expected.Heads.Select(h => (float)h.Specificity), (float[])Rows.Annotation(column, "ConfirmationSpecificities"));
    }

    [Fact]
    public void DetectInductionHeads_NotConfirmed_HasEmptyAnnotations()
    {
        var column = Apply(_ml.Transforms.DetectInductionHeads("Out", "Tokens", _model)).Schema["Out"];

        Assert.Equal([""], Rows.Texts(column, "ConfirmationVerdicts"));
        Assert.Equal([float.NaN], (float[])Rows.Annotation(column, "ConfirmationEffects"));
    }

    [Fact]
    public void DetectInductionHeads_ConfirmedOnTextRows_IsRefused()
    {
        var estimator = _ml.Transforms.DetectInductionHeads(_model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", Source = DetectionSource.Rows, Confirm = true });
        Assert.Contains("do not all repeat", Assert.Throws<ArgumentException>(() => estimator.Fit(Data.OfTokens(_ml, Data.Tokens(4, _model.Config.Vocabulary, 12)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DetectInductionHeads_NoneFound_GivesOneMissingSlotAndAWarning()
    {
        var log = new List<string>();
        _ml.Log += (_, e) => log.Add(e.Message);
        var view = Apply(_ml.Transforms.DetectInductionHeads("Out", "Tokens", _model));

        Assert.Equal(["none"], Rows.Texts(view.Schema["Out"], "SlotNames"));
        Assert.All(Rows.Vectors(view, "Out"), row => Assert.True(row is [float.NaN]));
        Assert.Equal(4, Rows.Texts(view.Schema["Out"], "AllHeads").Length);
        Assert.Contains(log, line => line.Contains("Kind=Warning", StringComparison.Ordinal) && line.Contains("has no induction head", StringComparison.Ordinal));
    }

    [Fact]
    public void DetectInductionHeads_OnRows_JudgesTheRowsWithShuffledControls()
    {
        var options = new HeadDetectionOptions { Seed = 3, TransformerLens = false, Copying = false };
        int[][] rows = [.. Data.Tokens(40, _model.Config.Vocabulary, 30, seed: 5)];
        var fitted = _ml.Transforms.DetectInductionHeads(_model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", Source = DetectionSource.Rows, Detection = options, MaximumRows = 25 })
            .Fit(Data.OfTokens(_ml, rows));

        var expected = HeadDetector.Detect(_model, new TokenBatch(rows[..25]), options with { ShuffledControls = true });

        Assert.Equal(HeadScoreSource.TextWithShuffledControls, fitted.Detection.Protocol.Source);
        Assert.Equal(expected.Heads.Select(h => h.Induction), fitted.Detection.Heads.Select(h => h.Induction));
    }

    [Fact]
    public void DetectInductionHeads_OnNoRows_SaysWhatToDo() =>
        Assert.Contains("Source = Generated", Assert.Throws<InvalidOperationException>(() =>
            _ml.Transforms.DetectInductionHeads("Out", "Tokens", _model, DetectionSource.Rows).Fit(Data.OfTokens(_ml, []))).Message, StringComparison.Ordinal);

    private IDataView Apply(IEstimator<ITransformer> estimator)
    {
        var data = Data.OfTokens(_ml, _rows);
        return estimator.Fit(data).Transform(data);
    }

    /// <summary>[query, key]</summary>
    private float[,] Pattern(int[] row, HeadId head)
    {
        using var noGradients = no_grad();
        using var result = _model.Run(new TokenBatch([row]), new ForwardPlan().Capture(Site.Pattern(head.Layer)));
        using var own = result[Site.Pattern(head.Layer)][0, head.Head].contiguous();
        var flat = own.data<float>().ToArray();
        var pattern = new float[row.Length, row.Length];
        Buffer.BlockCopy(flat, 0, pattern, 0, flat.Length * sizeof(float));
        return pattern;
    }

    private float[] Losses(int[] row)
    {
        using var noGradients = no_grad();
        using var result = _model.Run(new TokenBatch([row]), new ForwardPlan().Capture(Site.Logits));
        using var logits = result[Site.Logits][0].contiguous();
        var flat = logits.data<float>().ToArray();
        int vocab = _model.Config.Vocabulary;
        return [.. Enumerable.Range(0, row.Length - 1).Select(i =>
        {
            var at = flat.AsSpan(i * vocab, vocab).ToArray().Select(v => (double)v).ToArray();
            double max = at.Max();
            return (float)(Math.Log(at.Sum(v => Math.Exp(v - max))) + max - at[row[i + 1]]);
        })];
    }

    private static float[] Summary(float[,] a, int[] row)
    {
        double entropy = 0, previous = 0, self = 0, first = 0, after = 0;
        int eligible = 0, n = row.Length;
        for (int q = 0; q < n; q++)
        {
            for (int k = 0; k <= q; k++)
                if (a[q, k] > 0) entropy -= a[q, k] * Math.Log(a[q, k]);
            if (q > 0) previous += a[q, q - 1];
            self += a[q, q];
            first += a[q, 0];
            bool any = false;
            for (int k = 0; k < q; k++)
                if (row[k] == row[q])
                {
                    any = true;
                    after += a[q, k + 1];
                }
            if (any) eligible++;
        }
        return [(float)(entropy / n), (float)(n > 1 ? previous / (n - 1) : double.NaN), (float)(self / n), (float)(first / n), (float)(eligible > 0 ? after / eligible : double.NaN)];
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(float.IsNaN(expected[i]) ? float.IsNaN(actual[i]) : Math.Abs(expected[i] - actual[i]) <= 1e-5 * Math.Max(1, Math.Abs(expected[i])),
                $"Entry {i}: expected {expected[i]}, got {actual[i]}.");
    }
}
