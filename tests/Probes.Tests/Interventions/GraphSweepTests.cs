using MlNetIcl.Models;
using MlNetIcl.Testing;

namespace MlNetIcl.Probes.Tests.Interventions;

/// <summary>Interventions on a decoder that is an ONNX graph, against the decoder that it was written from.</summary>
public sealed class GraphSweepTests : IDisposable
{
    private const double Tolerance = 1e-4;

    private static readonly DecoderConfig Config = new()
    {
        Layers = 3,
        DModel = 24,
        Heads = 3,
        DHead = 8,
        DMlp = 40,
        Vocabulary = 60,
        Context = 40,
        Positions = PositionEncoding.Learned,
        Activation = ActivationKind.GeluTanh,
        BosTokenId = 2,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("mlneticl-tests-").FullName;
    private readonly LanguageModel _decoder = RandomModels.Create(Config, seed: 8);
    private readonly LanguageModel _graph;

    public GraphSweepTests()
    {
        string path = Path.Combine(_folder, "model.onnx");
        OnnxExport.Write(_decoder, path, new() { Mask = true });
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{"model_type":"gpt2","n_layer":3,"n_head":3,"n_positions":40,"bos_token_id":2}""");
        _graph = LanguageModel.Load(path);
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _graph.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(AblationKind.Zero)]
    [InlineData(AblationKind.Mean)]
    [InlineData(AblationKind.MeanPerPosition)]
    [InlineData(AblationKind.Resample)]
    public void Ablate_EveryHead_ChangesTheLossAsInTheDecoder(AblationKind kind)
    {
        var sequences = RepeatedSequences.Generate(_decoder, sequences: 5, period: 8);
        PatchSlot[][] sets = [.. HeadId.All(Config).Select(h => (PatchSlot[])[new(SiteKind.Z, h.Layer, h.Head)]), [new(SiteKind.Z, 0, 1), new(SiteKind.Z, 2, 0)]];
        var metric = PatchMetric.SecondRepeatLoss(sequences.Shape);
        AblationResult Of(LanguageModel model, bool keep) => Ablation.OfSets(model, sequences.Tokens, metric, sets, new() { Kind = kind, KeepPatterns = keep });
        foreach (bool keep in (bool[])[false, true])
        {
            var (expected, actual) = (Of(_decoder, keep), Of(_graph, keep));
            Assert.Equal(expected.Base, actual.Base, Tolerance);
            Assert.Contains(expected.Effects, e => Math.Abs(e.Change) > 100 * Tolerance);
            foreach (var (e, a) in expected.Effects.Zip(actual.Effects))
                foreach (var (x, y) in e.Changes.Zip(a.Changes)) Assert.Equal(x, y, Tolerance);
        }
    }

    [Theory]
    [InlineData(SiteKind.Z, false)]
    [InlineData(SiteKind.Z, true)]
    [InlineData(SiteKind.Pattern, false)]
    public void Patch_EverySlot_HasTheDecodersEffects(SiteKind kind, bool perPosition)
    {
        var (clean, corrupted) = (RandomModels.Tokens(Config, 1, 9, 9), RandomModels.Tokens(Config, 2, 9, 9));
        foreach (var metric in (PatchMetric[])[PatchMetric.LogitDifference([3, 4], [5, 6]), PatchMetric.LogitDifference(3, 4), PatchMetric.Loss(2, 7)])
        {
            var expected = ActivationPatching.Run(_decoder, clean, corrupted, kind, metric, perPosition);
            var actual = ActivationPatching.Run(_graph, clean, corrupted, kind, metric, perPosition);
            Assert.Equal((expected.Clean, expected.Corrupted), (actual.Clean, actual.Corrupted), (a, b) => Math.Abs(a.Item1 - b.Item1) + Math.Abs(a.Item2 - b.Item2) < Tolerance);
            Assert.Equal(expected.Effects.Count, actual.Effects.Count);
            foreach (var (e, a) in expected.Effects.Zip(actual.Effects)) Assert.Equal(e.Value, a.Value, Tolerance);
        }
    }

    [Fact]
    public void Detect_GeneratedSequences_HasTheDecodersScoresAndLosses()
    {
        var options = new HeadDetectionOptions { Sequences = 16, Losses = true, Entropy = true };
        var (expected, actual) = (HeadDetector.Detect(_decoder, options), HeadDetector.Detect(_graph, options));
        Assert.Equal(expected.Protocol, actual.Protocol);
        foreach (var (e, a) in expected.Heads.Zip(actual.Heads))
        {
            Assert.Equal(e.Induction.Score!.Value, a.Induction.Score!.Value, Tolerance);
            Assert.Equal(e.TransformerLens!.InductionMul, a.TransformerLens!.InductionMul, Tolerance);
        }
        Assert.Equal(expected.Losses!.SecondRepeat, actual.Losses!.SecondRepeat, Tolerance);
        Assert.Equal(expected.Losses.CopyAccuracy, actual.Losses.CopyAccuracy);
    }

    [Fact]
    public void Patch_WhatAGraphLacks_IsRefusedByName()
    {
        var (clean, corrupted) = (RandomModels.Tokens(Config, 1, 9), RandomModels.Tokens(Config, 2, 9));
        var error = Assert.Throws<ArgumentException>(() => ActivationPatching.Run(_graph, clean, corrupted, SiteKind.ResidPre, PatchMetric.LogitDifference(3, 4)));
        Assert.Contains("hook_resid_pre", error.Message, StringComparison.Ordinal);
        Assert.Throws<UnsupportedModelException>(() => CopyingScore.OfEigenvalues(_graph));
    }
}
