using MlNetIcl.Models;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.Interventions;

/// <summary>Values that patches write are held for the rows at hand alone; whatever the bound, the numbers are the same.</summary>
public sealed class SourceRowsTests
{
    /// <summary>One row at a time, some rows, all.</summary>
    private static readonly long[] Bounds = [1, 60_000, 256L << 20];

    [Theory]
    [InlineData(AblationKind.Zero, true)]
    [InlineData(AblationKind.Mean, false)]
    [InlineData(AblationKind.MeanPerPosition, true)]
    [InlineData(AblationKind.Resample, true)]
    public void Ablation_UnderAnyBound_GivesTheSame(AblationKind kind, bool keepPatterns)
    {
        using var model = Pairs.Model("serial");
        var tokens = RandomModels.Tokens(model.Config, 3, 9, 9, 9, 9, 9, 9, 9);
        var results = Bounds.Select(bytes => Ablation.OfHeads(
            model, tokens, PatchMetric.Loss(2, 8), options: new AblationOptions { Kind = kind, KeepPatterns = keepPatterns, Sweep = new SweepOptions { MaxActivationBytes = bytes } })).ToArray();

        Same([.. results.Select(r => r.Effects.SelectMany(e => e.Changes).ToArray())]);
    }

    [Theory]
    [InlineData(PatchDirection.CleanIntoCorrupted)]
    [InlineData(PatchDirection.CorruptedIntoClean)]
    public void ActivationPatching_UnderAnyBound_GivesTheSame(PatchDirection direction)
    {
        using var model = Pairs.Model("serial");
        TokenBatch clean = RandomModels.Tokens(model.Config, 3, 9, 7, 9, 5, 8), corrupted = RandomModels.Tokens(model.Config, 4, 9, 7, 9, 5, 8);
        var metric = PatchMetric.LogitDifference([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]);
        foreach (var kind in (SiteKind[])[SiteKind.Z, SiteKind.Key, SiteKind.Pattern, SiteKind.ResidMid])
        {
            var results = Bounds.Select(bytes => ActivationPatching.Run(model, clean, corrupted, kind, metric, direction: direction, options: new SweepOptions { MaxActivationBytes = bytes })).ToArray();

            Same([.. results.Select(r => r.Effects.SelectMany(e => e.Values).ToArray())]);
            Same([.. results.Select(r => r.CleanValues.ToArray())]);
            Same([.. results.Select(r => r.CorruptedValues.ToArray())]);
        }
    }

    [Fact]
    public void Load_SomeRows_HoldsThoseAlone()
    {
        using var model = Pairs.Model("serial");
        var tokens = RandomModels.Tokens(model.Config, 3, 9, 9, 9, 9, 9);
        var site = Site.Z(1);
        using var source = new SourceRows(model, tokens, [site], default);
        using var whole = model.Run(tokens, new ForwardPlan().Capture(site));
        foreach (var (first, count) in ((int, int)[])[(1, 2), (3, 1), (0, 5)])
        {
            source.Load(first, count);
            var held = source.Of(site, new SiteWindow(first, count, new LightCone(0, 9), [.. Enumerable.Range(0, 9)]));

            Assert.Equal(whole[site].narrow(0, first, count).shape, held.shape);
            Assert.True(allclose(whole[site].narrow(0, first, count), held, 1e-5, 1e-6));
        }
        Assert.Equal(4.0 * 9 * model.Config.Heads * model.Config.DHead, source.BytesPerRow);
    }

    private static void Same(double[][] results)
    {
        Assert.True(results[^1].Max() - results[^1].Min() > 1e-3);
        foreach (double[] other in results)
            Assert.All(results[^1].Zip(other), pair => Assert.Equal(pair.First, pair.Second, 5e-5));
    }
}
