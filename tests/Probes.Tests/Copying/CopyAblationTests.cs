using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.Copying;

public sealed class CopyAblationTests
{
    [Theory]
    [InlineData(AblationKind.MeanPerPosition)]
    [InlineData(AblationKind.Mean)]
    [InlineData(AblationKind.Zero)]
    public void Measure_EmbeddedModel_GivesWhatPlainPassesGive(AblationKind kind)
    {
        using var model = LanguageModel.LoadEmbedded();
        var options = new CopyAblationOptions { Sequences = 16, Period = 12, Seed = 3, Kind = kind };

        var result = CopyAblation.Measure(model, options);

        var sequences = RepeatedSequences.Generate(model, 16, 12, seed: 4);
        Assert.Equal(sequences.Protocol, result.Protocol);
        var batch = new RepeatedBatch(sequences.Tokens, [.. Enumerable.Repeat(12, 16)], sequences.Shape.Offset);
        using var means = Outputs(model, sequences.Fresh(model, 32), kind);
        foreach (var row in result.Rows.Where(r => r.Draws == 1))
        {
            var expected = CopyTask.Measure(model, batch, plan => SwitchOff(plan, row.Ablated, means));
            Assert.Equal(expected.CopyAccuracy, row.Measure.Accuracy, 1e-5);
            Assert.Equal(expected.SecondRepeatLoss, row.Measure.Loss, 1e-4);
            Assert.InRange(row.Measure.Accuracy, row.Measure.AccuracyInterval.Low - 1e-9, row.Measure.AccuracyInterval.High + 1e-9);
            Assert.Equal((expected.CopyAccuracy - result.Base.Accuracy) / result.Base.Accuracy, row.RelativeChange!.Value, 1e-5);
        }
        Assert.Equal(CopyTask.Measure(model, batch).CopyAccuracy, result.Base.Accuracy, 1e-5);
    }

    [Fact]
    public void Measure_EmbeddedModel_NeedsItsInductionHeadsTogetherAndNoneAlone()
    {
        using var model = LanguageModel.LoadEmbedded();
        var result = CopyAblation.Measure(model, new CopyAblationOptions { Period = 20 });
        var rows = result.Rows.ToLookup(r => r.Intervention);

        Assert.True(result.Copies);
        Assert.Equal(HeadDetector.Detect(model, new HeadDetectionOptions { Period = 20 }).Detected(HeadKind.Induction).Select(h => h.Name), result.InductionHeads.Select(h => h.ToString()));
        Assert.True(rows[CopyIntervention.AblateInduction].Single().RelativeChange < -0.9);
        Assert.True(rows[CopyIntervention.AblateFirstLayer].Single().RelativeChange < -0.8);
        Assert.All(rows[CopyIntervention.RestoreHead], r => Assert.True(r.RelativeChange < -0.5));
        Assert.Equal(result.Base, rows[CopyIntervention.RestoreBoth].Single().Measure);
    }

    [Theory]
    [InlineData(AblationKind.MeanPerPosition)]
    [InlineData(AblationKind.Zero)]
    public void Measure_HandBuiltCircuit_LosesAllWithEitherStageAndGetsAllBackWithBoth(AblationKind kind)
    {
        using var circuit = InductionCircuit.Build(vocabulary: 40, context: 40);
        var result = CopyAblation.Measure(circuit, new CopyAblationOptions { Period = 15, Kind = kind });

        Assert.Equal([new HeadId(0, 0)], result.PreviousTokenHeads);
        Assert.Equal([new HeadId(1, 0)], result.InductionHeads);
        Assert.Equal(1, result.Base.Accuracy);
        Assert.Equal(Math.Log(40) / 15, result.Base.Loss, 1e-3); // the first token of the repeat is a guess, the others are known
        var destroyed = new[]
        {
            CopyIntervention.AblatePreviousToken, CopyIntervention.AblateInduction, CopyIntervention.AblateBoth, CopyIntervention.RestorePreviousToken, CopyIntervention.RestoreInduction,
            CopyIntervention.RestoreHead, CopyIntervention.AblateFirstLayer, CopyIntervention.AblateSecondLayer, CopyIntervention.AblateBothLayers,
        };
        var whole = new[] { CopyIntervention.RestoreBoth, CopyIntervention.RestoreHeadBesideOtherSet, CopyIntervention.ControlPreviousToken, CopyIntervention.ControlInduction, CopyIntervention.ControlBoth };
        foreach (var row in result.Rows)
        {
            if (destroyed.Contains(row.Intervention)) Assert.InRange(row.Measure.AccuracyInterval.High, 0, 4 * result.Chance);
            else
            {
                Assert.Contains(row.Intervention, whole);
                Assert.Equal(1, row.Measure.Accuracy);
                Assert.Equal(0, row.RelativeChange);
                Assert.Equal(new Interval(0, 0), row.RelativeChangeInterval);
            }
        }
        Assert.Equal(Enum.GetValues<CopyIntervention>(), result.Rows.Select(r => r.Intervention).Distinct());
        Assert.Equal([-0.85, -0.92, 0, -0.85, -0.92], result.Rows.Where(r => r.Claim is not null).Select(r => r.Claim!.Value));
    }

    [Fact]
    public void Measure_ModelThatCopiesSomeTokensOnly_HoldsEachSequenceAgainstItself()
    {
        using var circuit = InductionCircuit.Build(vocabulary: 40, context: 40);
        using (no_grad()) circuit.Weights.Unembedding[TensorIndex.Slice(20)].zero_(); // the upper half of the ids is never said

        var result = CopyAblation.Measure(circuit, new CopyAblationOptions { Period = 15 });

        Assert.InRange(result.Base.Accuracy, 0.3, 0.7);
        Assert.True(result.Base.AccuracyInterval.High > result.Base.AccuracyInterval.Low);
        Assert.All(result.Rows.Where(r => r.Intervention is CopyIntervention.RestoreBoth or CopyIntervention.ControlBoth), r =>
            Assert.Equal((0, new Interval(0, 0)), (r.RelativeChange, r.RelativeChangeInterval)));
    }

    [Fact]
    public void Measure_Twice_GivesTheSameAndAnotherSeedOthers()
    {
        using var model = LanguageModel.LoadEmbedded();
        double[] Losses(int seed) => [.. CopyAblation.Measure(model, new CopyAblationOptions { Sequences = 16, Period = 10, Seed = seed }).Rows.Select(r => r.Measure.Loss)];

        Assert.Equal(Losses(1), Losses(1));
        Assert.NotEqual(Losses(1), Losses(2));
    }

    [SkippableFact]
    public void Measure_ModelWithoutInductionHeads_HasNothingToAblate()
    {
        using var model = LanguageModel.Load(Fixtures.Shared("models", "story"));

        var result = CopyAblation.Measure(model, new CopyAblationOptions { Sequences = 16 });

        Assert.Empty(result.InductionHeads);
        Assert.Empty(result.Rows);
        Assert.False(result.Copies);
        Assert.InRange(result.Base.Accuracy, 0, CopyAblationResult.LeastAccuracy);
    }

    [Fact]
    public void Measure_Controls_AreOtherHeadsOfTheSameLayers()
    {
        using var model = LanguageModel.LoadEmbedded();
        var result = CopyAblation.Measure(model, new CopyAblationOptions { Sequences = 16, Period = 10 });
        var free = HeadId.All(model.Config).Except(result.PreviousTokenHeads).Except(result.InductionHeads).ToArray();

        foreach (var row in result.Rows.Where(r => r.Intervention >= CopyIntervention.ControlPreviousToken))
        {
            Assert.All(row.Ablated, head => Assert.Contains(head, free));
            var heads = row.Intervention switch { CopyIntervention.ControlPreviousToken => result.PreviousTokenHeads, CopyIntervention.ControlInduction => result.InductionHeads, _ => [.. result.PreviousTokenHeads, .. result.InductionHeads] };
            Assert.Equal(heads.Select(h => h.Layer).Order(), row.Ablated.Select(h => h.Layer).Order());
        }
    }

    [Fact]
    public void Measure_WrongOptions_AreRefused()
    {
        using var model = LanguageModel.LoadEmbedded();
        Assert.Throws<ArgumentOutOfRangeException>(() => CopyAblation.Measure(model, new CopyAblationOptions { Kind = AblationKind.Resample }));
        Assert.Throws<ArgumentOutOfRangeException>(() => CopyAblation.Measure(model, new CopyAblationOptions { ControlDraws = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => CopyAblation.Measure(model, new CopyAblationOptions { Sequences = 1 }));
        Assert.Throws<ArgumentException>(() => CopyAblation.Measure(model, new CopyAblationOptions { Period = 10_000 }));
    }

    [Fact]
    public void Measure_Progress_RisesToOne()
    {
        using var model = LanguageModel.LoadEmbedded();
        var reports = new List<double>();
        CopyAblation.Measure(model, new CopyAblationOptions { Sequences = 16, Period = 10 }, new Recorder(reports));

        Assert.Equal(reports.Order(), reports);
        Assert.Equal(1, reports[^1], 1e-9);
    }

    /// <summary>By layer, what stands in for head outputs [1, pos, head, d_head], stacked along the first axis.</summary>
    private static Tensor Outputs(LanguageModel model, TokenBatch rows, AblationKind kind)
    {
        using var scope = NewDisposeScope();
        Site[] sites = [.. Enumerable.Range(0, model.Config.Layers).Select(Site.Z)];
        var run = model.Run(rows, new ForwardPlan().Capture(sites));
        return stack(sites.Select(site => kind switch
        {
            AblationKind.Zero => zeros_like(run[site].mean([0])),
            AblationKind.Mean => run[site].mean([0, 1], keepdim: true).squeeze(0).expand_as(run[site][0]),
            _ => run[site].mean([0]),
        })).MoveToOuterDisposeScope();
    }

    private static void SwitchOff(ForwardPlan plan, IReadOnlyList<HeadId> heads, Tensor outputs)
    {
        foreach (var layer in heads.GroupBy(h => h.Layer))
            plan.Replace(Site.Z(layer.Key), z =>
            {
                var edited = z.clone();
                foreach (var head in layer) edited.narrow(2, head.Head, 1).copy_(outputs[layer.Key].narrow(1, head.Head, 1));
                return edited;
            });
    }

    private sealed class Recorder(List<double> reports) : IProgress<double>
    {
        public void Report(double value) => reports.Add(value);
    }
}
