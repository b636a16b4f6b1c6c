using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using MlNetIcl.Testing;

namespace MlNetIcl.Probes.Tests.Confirmation;

public sealed class HeadConfirmationTests
{
    private static readonly HeadDetectionOptions Confirm = new() { Confirm = true, Copying = false, TransformerLens = false };

    public static TheoryData<string> Models => ["embedded", "circuit", "redundant", "loud", "opposed", "cancelled", "crowd"];

    [Theory]
    [MemberData(nameof(Models))]
    public void Detect_EachModel_HasTheNumbersOfAPlainReimplementation(string name)
    {
        using var model = Load(name);
        var sequences = RepeatedSequences.Generate(model, seed: 5);

        var result = HeadDetector.Detect(model, Confirm with { Seed = 5 });

        Compare(model, sequences, result, new NaiveConfirmation(model, sequences, result));
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 3)]
    public void Detect_RowsOfTheUser_AreConfirmedOnFreshRowsOfTheirShape(int offset, int repeats)
    {
        using var model = CopyingModel.Build([1, 1], bystanders: 5);
        var random = new Random(1);
        int[] ids = [.. Enumerable.Range(4, 30)];
        var rows = new TokenBatch([.. Enumerable.Range(0, 20).Select(row =>
        {
            random.Shuffle(ids);
            int[] first = offset == 0 ? [] : [row % 3]; // the leading tokens differ
            return (int[])[.. first, .. Enumerable.Range(0, 9 * repeats).Select(i => ids[i % 9])];
        })]);

        var result = HeadDetector.Detect(model, rows, Confirm with { Seed = 5 });

        var sequences = RepeatedSequences.FromRows(model, rows, 5)!;
        Assert.Equal(new Periodicity(offset, 9, repeats), sequences.Shape);
        Assert.Equal(2, result.Confirmation!.Heads.Count);
        Compare(model, sequences, result, new NaiveConfirmation(model, sequences, result));
    }

    [Fact]
    public void Detect_OneCopyingHeadAmongBystanders_IsConfirmedAgainstThem()
    {
        using var model = CopyingModel.Build([1], bystanders: 4);
        var result = HeadDetector.Detect(model, Confirm).Confirmation!;
        var head = Assert.Single(result.Heads);
        Assert.Equal(("L1.H0", ConfirmationVerdicts.Confirmed, 8, null), (head.Name, head.Verdict, head.ControlHeads, head.Remark));
        Assert.Equal(Math.Log(40), head.Effect * 20 / 19, 0.2); // all but the first of 20 targets fall back to chance
        Assert.True(head.LargestControlEffect is > 0 and < 0.05);
        Assert.Equal(1, result.CopyAccuracy);
        Assert.True(head.CopyAccuracy < 0.1);
        Assert.Empty(result.Joint!.ControlEffects); // eight control heads give eight sets of one
    }

    [Fact]
    public void Detect_RedundantHeads_AreConfirmedJointlyAlone()
    {
        using var model = CopyingModel.Build([0.4, 0.4], bystanders: 4);
        var result = HeadDetector.Detect(model, Confirm).Confirmation!;
        Assert.Equal(["L1.H0", "L1.H1"], result.Heads.Select(h => h.Name));
        Assert.All(result.Heads, head =>
        {
            Assert.Equal(ConfirmationVerdicts.ConfirmedJointly, head.Verdict);
            Assert.Equal(0, head.Effect, 0.05);
            Assert.Equal(1, head.CopyAccuracy);
            Assert.True(head.GiveBackInterval!.Value.Low > 3);
        });
        Assert.Equal(20, result.Joint!.ControlEffects.Count);
        Assert.Equal(Math.Log(40), result.Joint.Effect * 20 / 19, 0.2);
        Assert.True(result.Joint.CopyAccuracy < 0.1);
        Assert.Equal(result.Loss + result.Joint.Effect, result.Joint.Loss, 1e-6);
    }

    [Fact]
    public void Detect_HeadThatSuppressesWhatItLooksAt_OpposesCopyingAndStaysOutOfTheJointSet()
    {
        using var model = CopyingModel.Build([1, -0.8], bystanders: 3);
        var result = HeadDetector.Detect(model, Confirm).Confirmation!;
        Assert.Equal([ConfirmationVerdicts.Confirmed, ConfirmationVerdicts.OpposesCopying], result.Heads.Select(h => h.Verdict));
        Assert.True(result.Heads[1].Effect < -0.5);
        Assert.Null(result.Heads[1].GiveBack);
        Assert.Equal([new HeadId(1, 0)], result.Joint!.Heads);
    }

    [Fact]
    public void Detect_OnlyOpposingHeads_HaveNoJointSet()
    {
        using var model = CopyingModel.Build([-0.3], bystanders: 3);
        var result = HeadDetector.Detect(model, Confirm).Confirmation!;
        Assert.Equal(ConfirmationVerdicts.OpposesCopying, Assert.Single(result.Heads).Verdict);
        Assert.Null(result.Joint);
    }

    [Fact]
    public void Detect_HeadThatOnlyLooks_IsNotConfirmed()
    {
        using var model = CopyingModel.Build([1, 0], bystanders: 3);
        var result = HeadDetector.Detect(model, Confirm).Confirmation!;
        Assert.Equal([ConfirmationVerdicts.Confirmed, ConfirmationVerdicts.NotConfirmed], result.Heads.Select(h => h.Verdict));
        Assert.Equal(2, result.Joint!.Heads.Count);
        Assert.True(result.Joint.Exceeds);
        Assert.Equal(0, result.Heads[1].GiveBack!.Value, 1e-4);
    }

    /// <summary>A head that matters more than the copying one, everywhere: the copying is specific, but the effect alone is no sign of it.</summary>
    [Fact]
    public void Detect_ControlHeadWithALargerEffect_KeepsTheHeadFromBeingConfirmedAlone()
    {
        using var model = CopyingModel.Build([0.25], bystanders: 3, canceller: true);
        var result = HeadDetector.Detect(model, Confirm).Confirmation!;
        var head = Assert.Single(result.Heads);
        Assert.True(head.SpecificityInterval.Low > 0.05 && head.LargestControlEffect > head.Effect);
        Assert.Equal(result.Controls.MaxBy(c => c.Effect), result.ControlsOf(1).Single(c => (c.Layer, c.Head) == (1, 1)));
        Assert.NotEqual(ConfirmationVerdicts.Confirmed, head.Verdict);
    }

    [Fact]
    public void Detect_HandBuiltCircuit_IsConfirmedWithoutControlHeads()
    {
        using var model = InductionCircuit.Build(vocabulary: 80, context: 64);
        var result = HeadDetector.Detect(model, Confirm).Confirmation!;
        var head = Assert.Single(result.Heads);
        Assert.Equal(("L1.H0", ConfirmationVerdicts.Confirmed, 2, ConfirmationVerdicts.NoControlHeads), (head.Name, head.Verdict, head.ControlHeads, head.Remark));
        Assert.Null(head.LargestControlEffect);
        Assert.True(head.Effect > 4);
        Assert.Equal((1.0, head.CopyAccuracy), (result.CopyAccuracy, result.Joint!.CopyAccuracy));
    }

    [Fact]
    public void Detect_EmbeddedModel_CopiesByItsSecondLayerTogether()
    {
        using var model = LanguageModel.LoadEmbedded();
        var detection = HeadDetector.Detect(model, Confirm with { Losses = true });
        var result = detection.Confirmation!;
        Assert.Equal((detection.Losses!.SecondRepeat, detection.Losses.CopyAccuracy!.Value), (result.Loss, result.CopyAccuracy), (a, b) => Math.Abs(a.Item1 - b.Item1) < 1e-5 && a.Item2 == b.Item2);
        Assert.All(result.Heads, head => Assert.True(head.Verdict is ConfirmationVerdicts.Confirmed or ConfirmationVerdicts.ConfirmedJointly && head.CopyAccuracy > 0.99 && head.GiveBack > 3));
        Assert.Equal(4, result.Joint!.Heads.Count);
        Assert.True(result.Joint.CopyAccuracy < 0.05 && result.Joint.Effect > 20 * result.Heads.Max(h => h.Effect));
    }

    [Fact]
    public void Detect_NothingDetected_MeasuresTheBaseAlone()
    {
        using var model = RandomModels.Create(new DecoderConfig { Layers = 2, Heads = 2, DModel = 16, Vocabulary = 60, Context = 32, Positions = PositionEncoding.Learned });
        AssertNothing(HeadDetector.Detect(model, Confirm with { Losses = true }));
    }

    [SkippableFact]
    public void Detect_StoryModel_HasNothingToConfirm()
    {
        using var model = LanguageModel.Load(Fixtures.Shared("models", "story"));
        AssertNothing(HeadDetector.Detect(model, Confirm with { Losses = true }));
    }

    [Fact]
    public void Detect_WeakHeads_AreConfirmedWhereAskedFor()
    {
        using var model = LanguageModel.LoadEmbedded();
        var strict = Confirm with { Threshold = 0.99 }; // no trained head is as clean
        var without = HeadDetector.Detect(model, strict);
        Assert.Equal(Enumerable.Repeat("weak", 4), without.Heads.Select(h => h.Induction.Verdict).Where(v => v != "none"));
        Assert.Empty(without.Confirmation!.Heads);
        var with = HeadDetector.Detect(model, strict with { ConfirmWeak = true }).Confirmation!;
        Assert.Equal(["L1.H0", "L1.H1", "L1.H2", "L1.H3"], with.Heads.Select(h => h.Name));
        Assert.Equal(4, with.Joint!.Heads.Count);
    }

    [Fact]
    public void Detect_NotAskedFor_HasNoConfirmation()
    {
        using var model = CopyingModel.Build([1], bystanders: 1);
        Assert.Null(HeadDetector.Detect(model, Confirm with { Confirm = false }).Confirmation);
    }

    [Fact]
    public void Detect_SameSeed_RepeatsAndAnotherSeedDraws()
    {
        using var model = CopyingModel.Build([1, 0.5], bystanders: 5);
        string Text(HeadDetectionOptions options) => System.Text.Json.JsonSerializer.Serialize(HeadDetector.Detect(model, options).Confirmation);
        Assert.Equal(Text(Confirm), Text(Confirm));
        Assert.NotEqual(Text(Confirm), Text(Confirm with { Seed = 1 }));
    }

    [Fact]
    public void Detect_SmallBatches_ChangeNoNumber()
    {
        using var model = CopyingModel.Build([0.3, 0.2, -0.1], bystanders: 4);
        var whole = HeadDetector.Detect(model, Confirm).Confirmation!;
        var parts = HeadDetector.Detect(model, Confirm with { BatchRows = 5 }).Confirmation!;
        Assert.Equal(Numbers(whole), Numbers(parts), (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.Equal(whole.Heads.Select(h => h.Verdict), parts.Heads.Select(h => h.Verdict));

        static double[] Numbers(ConfirmationResult result) =>
            [result.Loss, result.CopyAccuracy, .. result.Heads.SelectMany(h => new[] { h.Effect, h.Specificity, h.SpecificityInterval.Low, h.GiveBack ?? -1 }), .. result.Controls.Select(c => c.Effect), result.Joint!.Effect, .. result.Joint.ControlEffects];
    }

    [Fact]
    public void Detect_TextOfTheUser_IsRefused()
    {
        using var model = LanguageModel.LoadEmbedded();
        var error = Assert.Throws<ArgumentException>(() => HeadDetector.Detect(model, new TokenBatch([[1, 2, 3, 4, 5]]), Confirm));
        Assert.Contains("do not all repeat", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => HeadDetector.Detect(model, new TokenBatch([[1, 2, 3, 4, 5]]), Confirm with { ShuffledControls = true }));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Detect_ThresholdOutOfRange_IsRefused(double threshold)
    {
        using var model = CopyingModel.Build([1], bystanders: 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => HeadDetector.Detect(model, Confirm with { ConfirmThreshold = threshold }));
    }

    [Fact]
    public void Detect_Progress_RisesToOneAndCancels()
    {
        using var model = CopyingModel.Build([0.4, 0.4], bystanders: 4);
        var told = new Told();
        HeadDetector.Detect(model, Confirm with { BatchRows = 8 }, told);
        Assert.Equal(told.Values.Order(), told.Values);
        Assert.Equal(1, told.Values[^1], 1e-12);
        Assert.True(told.Values.Count(v => v is > 0.1 and < 1) > 10);

        using var cancellation = new CancellationTokenSource();
        var cancelling = new Told { After = value => { if (value > 0.5) cancellation.Cancel(); } };
        Assert.ThrowsAny<OperationCanceledException>(() => HeadDetector.Detect(model, Confirm with { BatchRows = 8 }, cancelling, cancellation.Token));
        Assert.True(cancelling.Values[^1] < 1);
    }

    private sealed class Told : IProgress<double>
    {
        public List<double> Values { get; } = [];

        public Action<double>? After { get; init; }

        public void Report(double value)
        {
            Values.Add(value);
            After?.Invoke(value);
        }
    }

    private static LanguageModel Load(string name) => name switch
    {
        "embedded" => LanguageModel.LoadEmbedded(),
        "circuit" => InductionCircuit.Build(vocabulary: 80, context: 64),
        "redundant" => CopyingModel.Build([0.4, 0.4], bystanders: 4),
        "loud" => CopyingModel.Build([1, 1], bystanders: 4),
        "opposed" => CopyingModel.Build([0.6, -0.1, 0], bystanders: 3),
        "cancelled" => CopyingModel.Build([0.25], bystanders: 3, canceller: true),
        _ => CopyingModel.Build([0.15, 0.1, 0.05], bystanders: 6),
    };

    private static void AssertNothing(HeadDetectionResult detection)
    {
        var result = detection.Confirmation!;
        Assert.Empty(result.Heads);
        Assert.Empty(result.Controls);
        Assert.Null(result.Joint);
        Assert.Equal(detection.Losses!.SecondRepeat, result.Loss, 1e-5);
        Assert.Equal(detection.Losses.CopyAccuracy!.Value, result.CopyAccuracy, 1e-9);
    }

    private static void Compare(LanguageModel model, RepeatedSequences sequences, HeadDetectionResult detection, NaiveConfirmation naive)
    {
        const double Tolerance = 2e-4;
        var result = detection.Confirmation!;
        var interval = new BootstrapInterval(sequences.Tokens.Count, 5);
        Assert.NotEmpty(naive.Detected);
        Assert.Equal(naive.Detected, result.Heads.Select(h => new HeadId(h.Layer, h.Head)));
        Assert.Equal(naive.Loss(sequences.Tokens).Average(), result.Loss, Tolerance);
        Assert.Equal(naive.CopyAccuracy(), result.CopyAccuracy, 1e-6);

        HeadId[] joint = [.. naive.Detected.Where(h => interval.OfMean(naive.Specificity(h)).High > -0.05)];
        Assert.Equal(joint, result.Joint?.Heads ?? []);
        bool exceeds = false;
        if (result.Joint is { } together)
        {
            var jointSpecificity = interval.OfMean(naive.Specificity(joint));
            double jointEffect = naive.Effect(joint).Average();
            Assert.Equal(jointEffect, together.Effect, Tolerance);
            Near(jointSpecificity, together.SpecificityInterval);
            Assert.Equal(naive.Loss(sequences.Tokens, joint).Average(), together.Loss, Tolerance);
            Assert.Equal(naive.CopyAccuracy(joint), together.CopyAccuracy, 1e-6);
            // The draws themselves are ControlHeads's own; what they cost is not.
            double[] draws = [.. ControlHeads.Draw(ControlHeads.Of(detection, joint), joint.Length, 5).Select(d => naive.Effect(d).Average())];
            Assert.Equal(draws, together.ControlEffects, (a, b) => Math.Abs(a - b) < Tolerance);
            exceeds = draws.Length == 0 ? jointSpecificity.Low >= 0.05 : draws.Count(d => d >= jointEffect) < 2;
            Assert.Equal(exceeds, together.Exceeds);
        }

        foreach (var head in result.Heads)
        {
            var id = new HeadId(head.Layer, head.Head);
            var specificity = interval.OfMean(naive.Specificity(id));
            double effect = naive.Effect(id).Average();
            double[] controls = naive.Controls(id);
            Assert.Equal(effect, head.Effect, Tolerance);
            Near(interval.OfMean(naive.Effect(id)), head.EffectInterval);
            Assert.Equal(naive.Specificity(id).Average(), head.Specificity, Tolerance);
            Near(specificity, head.SpecificityInterval);
            Assert.Equal(controls.Length, head.ControlHeads);
            Assert.Equal(controls.Length < 3 ? null : controls.Max(), head.LargestControlEffect, (a, b) => a is null ? b is null : Math.Abs(a.Value - b!.Value) < Tolerance);
            Assert.Equal(naive.CopyAccuracy(id), head.CopyAccuracy, 1e-6);
            double back = double.NegativeInfinity;
            if (joint.Contains(id))
            {
                var given = interval.OfMean(naive.GiveBack(joint, id));
                Near(given, head.GiveBackInterval!.Value);
                back = given.Low;
            }
            string expected = specificity.Low >= 0.05 && (controls.Length < 3 || controls.All(c => effect > c)) ? "confirmed"
                : specificity.High <= -0.05 ? "opposes copying"
                : exceeds && back >= 0.05 ? "confirmed jointly"
                : "not confirmed";
            Assert.Equal(expected, head.Verdict);
        }

        static void Near(Interval expected, Interval actual)
        {
            // Where sequences tie, rounding moves a resampled mean to the other side of the mean, and so the bias by a step.
            Assert.Equal(expected.Low, actual.Low, 10 * Tolerance);
            Assert.Equal(expected.High, actual.High, 10 * Tolerance);
        }
    }
}
