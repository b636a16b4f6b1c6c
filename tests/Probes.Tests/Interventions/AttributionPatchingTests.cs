using MlNetIcl.Models;
using MlNetIcl.Testing;

namespace MlNetIcl.Probes.Tests.Interventions;

public sealed class AttributionPatchingTests
{
    /// <summary>Without norm and MLP the metric is linear in the last layer's values, patterns and outputs, and in its residual stream once attention is done.</summary>
    private static readonly DecoderConfig Linear = new()
    {
        Layers = 2,
        DModel = 16,
        Heads = 2,
        Vocabulary = 20,
        Context = 16,
        Positions = PositionEncoding.Learned,
        Norm = NormKind.None,
    };

    [Theory]
    [InlineData(SiteKind.Z)]
    [InlineData(SiteKind.Value)]
    [InlineData(SiteKind.Pattern)]
    [InlineData(SiteKind.AttentionOut)]
    [InlineData(SiteKind.ResidPost)]
    public void Run_MetricLinearInTheSite_EqualsActivationPatching(SiteKind kind)
    {
        using var model = RandomModels.Create(Linear);
        PatchSlot[] slots = [.. PatchSlot.All(Linear, kind, Pairs.Clean.MaxLength).Where(s => s.Layer == 1)];
        var exact = ActivationPatching.Run(model, Pairs.Clean, Pairs.Corrupted, slots, Pairs.Metric);
        var estimate = AttributionPatching.Run(model, Pairs.Clean, Pairs.Corrupted, slots, Pairs.Metric);
        Assert.Equal(exact.Clean, estimate.Clean, 1e-5);
        Assert.Contains(estimate.Effects, e => Math.Abs(e.Value) > 0.05);
        for (int i = 0; i < slots.Length; i++)
        {
            Assert.Equal(exact.Effects[i].Value - exact.Corrupted, estimate.Effects[i].Value, 1e-4);
            Assert.Equal(exact.Effects[i].Normalised!.Value, estimate.Effects[i].Normalised!.Value, 1e-4);
        }
    }

    [Fact]
    public void Run_ManySteps_IntegratesToTheWholeDifference()
    {
        // Completeness of integrated gradients at the integrated site itself: the parts sum to clean minus corrupted.
        using var model = Pairs.Model("attention only");
        PatchSlot[] slots = [new(SiteKind.ResidPre, 0)]; // positions reach queries and keys only, so this is the embedding
        var many = AttributionPatching.Run(model, Pairs.Clean, Pairs.Corrupted, slots, Pairs.Metric, steps: 50);
        var one = AttributionPatching.Run(model, Pairs.Clean, Pairs.Corrupted, slots, Pairs.Metric);
        double whole = many.Clean - many.Corrupted;
        Assert.Equal(whole, many.Effects[0].Value, 1e-3);
        Assert.True(Math.Abs(one.Effects[0].Value - whole) > 0.01);
    }

    [Fact]
    public void Run_Loss_HasTheSlopeOfSmallChanges()
    {
        using var model = Pairs.Model("serial");
        var metric = PatchMetric.Loss(2, 8);
        var slot = new PatchSlot(SiteKind.Z, 1, Head: 2, Position: 3);
        var estimate = AttributionPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [slot], metric);
        using var clean = model.Run(Pairs.Clean, new ForwardPlan().Capture(slot.Site));
        const double Step = 0.01;
        Patch Along(double share) => new(new SiteEdit(slot.Site, z =>
        {
            var own = slot.Of(z);
            own.add_((slot.Of(clean[slot.Site]) - own) * share);
        }));
        var around = PatchSweep.Run(model, Pairs.Corrupted, [Along(Step), Along(-Step)], metric);
        double slope = (around.PatchedMean(0) - around.PatchedMean(1)) / (2 * Step);
        Assert.True(Math.Abs(slope) > 1e-3);
        Assert.Equal(slope, estimate.Effects[0].Value, 1e-3);
    }

    [Fact]
    public void Gradients_SiteAfterTheReadout_IsRefused()
    {
        using var model = Pairs.Model("serial");
        Assert.Throws<ArgumentException>(() => model.Gradients(Pairs.Clean, new ForwardPlan(), [Site.Z(2)], Site.Z(1), z => z.sum()));
        Assert.Throws<ArgumentException>(() => model.Gradients(Pairs.Clean, new ForwardPlan(), [Site.Z(1)], Site.Z(2), z => z));
    }

    [Fact]
    public void Gradients_LaterPosition_IsZeroForWhatComesBefore()
    {
        using var model = Pairs.Model("serial");
        var gradients = model.Gradients(Pairs.Clean, new ForwardPlan(), [Site.ResidPre(1)], Site.ResidPre(2), residual => residual.narrow(1, 0, 4).sum());
        using var gradient = gradients[Site.ResidPre(1)];
        Assert.Equal(0, gradient.narrow(1, 4, 5).abs().max().item<float>());
        Assert.True(gradient.narrow(1, 0, 4).abs().max().item<float>() > 0.1f);
    }
}

public sealed class EdgeAttributionTests
{
    [Theory]
    [InlineData("serial", 1)]
    [InlineData("parallel", 1)]
    [InlineData("attention only", 1)]
    [InlineData("serial", 3)]
    [InlineData("parallel", 3)]
    [InlineData("attention only", 3)]
    public void Run_AllEdgesOfASender_SumToItsNodeAttribution(string name, int steps)
    {
        using var model = Pairs.Model(name);
        PathSender[] senders = [.. HeadId.All(model.Config).Select(h => new PathSender(h.Layer, h.Head)), .. model.Config.DMlp == 0 ? [] : Enumerable.Range(0, model.Config.Layers).Select(l => new PathSender(l, null))];
        PathEdge[] edges = [.. senders.SelectMany(s => PathPatching.ReceiversAfter(s, model.Config).Select(r => new PathEdge(s, r)))];
        var slots = senders.Select(s => new PatchSlot(s.Head is null ? SiteKind.MlpOut : SiteKind.Z, s.Layer, s.Head)).ToArray();
        var nodes = AttributionPatching.Run(model, Pairs.Clean, Pairs.Corrupted, slots, Pairs.Metric, steps);

        var values = EdgeAttribution.Run(model, Pairs.Clean, Pairs.Corrupted, edges, Pairs.Metric, steps);

        double[] sums = [.. senders.Select(s => edges.Zip(values).Where(e => e.First.Sender == s).Sum(e => e.Second))];
        Assert.Contains(sums, s => Math.Abs(s) > 0.05);
        for (int i = 0; i < senders.Length; i++) Assert.Equal(nodes.Effects[i].Value, sums[i], 1e-3);
    }

    [Fact]
    public void Run_MetricLinearInThePath_EqualsPathPatching()
    {
        var config = new DecoderConfig { Layers = 2, DModel = 16, Heads = 2, Vocabulary = 20, Context = 16, Positions = PositionEncoding.Learned, Norm = NormKind.None };
        using var model = RandomModels.Create(config);
        PathEdge[] edges = [.. from head in Enumerable.Range(0, 2) from receiver in (PathReceiver[])[new(PathInput.Value, 1, 0), new(PathInput.Value, 1, 1), new(PathInput.Logits)] select new PathEdge(new PathSender(0, head), receiver)];
        var exact = PathPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [.. edges.Select(e => (PathEdge[])[e])], Pairs.Metric);

        var values = EdgeAttribution.Run(model, Pairs.Clean, Pairs.Corrupted, edges, Pairs.Metric);

        Assert.True(values.Max(Math.Abs) > 0.05);
        Assert.Equal([.. exact.Values.Select(v => v - exact.Corrupted)], values.ToArray(), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public void Run_SeveralSteps_SeesEdgesThatASureAttentionHides()
    {
        using var model = LanguageModel.LoadEmbedded();
        var sequences = RepeatedSequences.Generate(model, 8, period: 16);
        var unrelated = new TokenBatch([.. RepeatedSequences.Generate(model, 8, period: 16, seed: 1).Controls.Rows]);
        var metric = PatchMetric.CopyLogitDifference(sequences.Shape);
        var edges = PathPatching.AllEdges(model.Config);
        var patched = PathPatching.Run(model, clean: unrelated, corrupted: sequences.Tokens, [.. edges.Select(e => (PathEdge[])[e])], metric);
        double[] exact = [.. patched.Values.Select(v => (v - patched.Corrupted) / patched.Corrupted)];

        int one = Seen(steps: 1), three = Seen(steps: 3), all = exact.Count(e => Math.Abs(e) > 0.01);

        Assert.InRange(all, 20, edges.Count - 10);
        Assert.True(three > one, $"{three} and {one}");
        Assert.True(three >= 0.9 * all, $"{three} of {all}");

        int Seen(int steps)
        {
            var estimates = EdgeAttribution.Run(model, clean: unrelated, corrupted: sequences.Tokens, edges, metric, steps);
            return exact.Where((e, i) => Math.Abs(e) > 0.01 && Math.Abs(estimates[i] / patched.Corrupted) > 0.0025).Count();
        }
    }
}
