using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.Heads;

/// <summary>Verdicts where it is known which heads do the work: by construction, or because they copy alone.</summary>
public class TrainedModelVerdictTests
{
    [Theory]
    [InlineData(64, 2)]
    [InlineData(80, 2)]
    [InlineData(80, 3)]
    public void Detect_HandBuiltCircuit_FindsExactlyItsHeads(int vocabulary, int repeats)
    {
        using var model = InductionCircuit.Build(vocabulary, context: 64);

        var result = HeadDetector.Detect(model, new HeadDetectionOptions { Repeats = repeats, Losses = true });

        Assert.Equal(["L1.H0"], result.Detected(HeadKind.Induction).Select(h => h.Name));
        Assert.Equal(["L0.H0"], result.Detected(HeadKind.PreviousToken).Select(h => h.Name));
        Assert.Empty(result.Detected(HeadKind.DuplicateToken));
        Assert.All(result.Heads.Where(h => h.Name != "L1.H0"), h => Assert.Equal(HeadVerdicts.None, h.Induction.Verdict));
        Assert.Equal(1, result[1, 0].Induction.Score!.Value, 1e-3);
        Assert.Equal(1, result[1, 0].Induction.Difference!.Value, 1e-6);
        Assert.Equal(1, result[0, 0].PreviousToken.Score!.Value, 1e-3);
        Assert.Equal(1, result.Losses!.CopyAccuracy);
    }

    [Fact]
    public void Detect_EmbeddedModel_CopiesByHeadsOfTheSecondLayerFedByTheFirst()
    {
        using var model = LanguageModel.LoadEmbedded();
        var result = HeadDetector.Detect(model, new HeadDetectionOptions { Losses = true });
        Assert.NotEmpty(result.Detected(HeadKind.Induction));
        Assert.All(result.Detected(HeadKind.Induction), head => Assert.Equal(1, head.Layer));
        Assert.All(result.Detected(HeadKind.PreviousToken), head => Assert.Equal(0, head.Layer));
        Assert.True(result.Losses!.CopyAccuracy > 0.9, $"copy accuracy {result.Losses.CopyAccuracy}");
        Assert.True(result.Losses.SecondRepeat < result.Losses.FirstRepeat / 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Detect_EmbeddedModel_FindsExactlyTheSecondLayerHeadsThatCopyAlone(bool zeroAblation)
    {
        using var model = LanguageModel.LoadEmbedded();
        var result = HeadDetector.Detect(model);
        var drawn = RepeatedSequences.Generate(model, seed: 7);
        var rows = new RepeatedBatch(drawn.Tokens, [.. Enumerable.Repeat(drawn.Shape.Period, drawn.Tokens.Count)], Start: 1);
        using var others = model.Run(RepeatedSequences.Generate(model, seed: 8).Tokens, new ForwardPlan().Capture(Site.Z(1)));
        using var means = others[Site.Z(1)].mean([0], keepdim: true);

        string[] copyAlone = [.. Enumerable.Range(0, model.Config.Heads).Where(head => CopyTask.Measure(model, rows, plan => plan.Replace(Site.Z(1), z =>
        {
            var edited = zeroAblation ? zeros_like(z) : means.expand_as(z).clone();
            edited.narrow(2, head, 1).copy_(z.narrow(2, head, 1));
            return edited;
        })).CopyAccuracy >= 0.5).Select(head => $"L1.H{head}")];

        Assert.NotEmpty(copyAlone);
        Assert.Equal(copyAlone, result.Detected(HeadKind.Induction).Select(h => h.Name));
    }
}
