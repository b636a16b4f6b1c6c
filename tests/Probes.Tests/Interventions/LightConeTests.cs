using MlNetIcl.Models;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.Interventions;

/// <summary>What the engine leaves out must not matter: against one whole forward pass per patch, and by counting what is computed.</summary>
public sealed class LightConeTests
{
    private static readonly DecoderConfig Small = new() { Layers = 3, DModel = 16, Heads = 4, Vocabulary = 20, Context = 16, DMlp = 24 };

    private static readonly Dictionary<string, DecoderConfig> Configs = new()
    {
        ["no positions, attention only"] = Small with { DMlp = 0 },
        ["no norm, linear attention"] = Small with { DMlp = 0, Norm = NormKind.None, Attention = AttentionKind.Linear, AttentionScale = 0.02 },
        ["no norm, MLP"] = Small with { Norm = NormKind.None, AttentionScale = 0.05, Activation = ActivationKind.Relu },
        ["learned"] = Small with { Positions = PositionEncoding.Learned, Activation = ActivationKind.GeluTanh, TiedUnembedding = true },
        ["shortformer, grouped queries"] = Small with { Positions = PositionEncoding.Shortformer, KeyHeads = 2 },
        ["T5 bias"] = Small with { Positions = PositionEncoding.T5Bias, T5Buckets = 8, T5MaxDistance = 16 },
        ["ALiBi, embedding norm"] = Small with { Positions = PositionEncoding.Alibi, EmbeddingNorm = true },
        ["rotary, gated, grouped queries"] = Small with { Positions = PositionEncoding.Rotary, Rotary = new RotaryConfig(4), Norm = NormKind.RmsNorm, GatedMlp = true, KeyHeads = 2 },
        ["partial rotary, parallel"] = Small with { Positions = PositionEncoding.Rotary, Rotary = new RotaryConfig(2, 100), ParallelResidual = true },
        ["parallel, shortformer, gated"] = Small with { Positions = PositionEncoding.Shortformer, ParallelResidual = true, GatedMlp = true },
        ["multi-query, q/k norm, wide heads"] = Small with { Positions = PositionEncoding.Rotary, Rotary = new RotaryConfig(6), DHead = 6, KeyHeads = 1, Norm = NormKind.RmsNorm, QueryKeyNorm = true },
        ["windows"] = Small with { Windows = [0, 3, 2], Positions = PositionEncoding.Learned },
    };

    private static readonly PatchMetric[] Metrics = [PatchMetric.LogitDifference([3, 5, 7], [4, 6, 8]), PatchMetric.Loss([(1, 4), (3, 6), (2, 8)]), PatchMetric.Loss(1, 4)];

    /// <summary>First differing position, and how the sweep is cut: all at once, small stacks, some rows at a time.</summary>
    private static readonly (int First, SweepOptions Options)[] Sweeps = [(0, new()), (3, new() { MaxStack = 2 }), (5, new() { MaxActivationBytes = 35_000 })];

    public static TheoryData<string> Shapes => [.. Configs.Keys];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_AnySite_EqualsAWholePassPerPatch(string shape)
    {
        using var model = Model(shape);
        var corrupted = RandomModels.Tokens(model.Config, 2, 6, 7, 9);
        double largest = 0;
        foreach (var (first, options) in Sweeps)
        {
            var clean = DifferingFrom(corrupted, first, model.Config);
            using var source = model.Run(clean, new ForwardPlan().Capture(SiteRules.All(model.Config)));
            PatchSlot[] slots = [.. SiteRules.All(model.Config).Where(s => Site.IsInBlock(s.Kind)).SelectMany(s => SlotsOf(s, model.Config))];
            var naive = slots.Select(slot => Naive(model, corrupted, new ForwardPlan().Replace(slot.Site, value =>
            {
                var edited = value.clone();
                slot.Of(edited).copy_(slot.Of(source[slot.Site]));
                return edited;
            }))).ToArray();
            for (int metric = 0; metric < Metrics.Length; metric++)
            {
                var result = ActivationPatching.Run(model, clean, corrupted, slots, Metrics[metric], options: options);
                for (int slot = 0; slot < slots.Length; slot++) Same($"{slots[slot]}, first {first}", naive[slot][metric], result.Effects[slot].Values);
                largest = Math.Max(largest, result.Effects.Max(e => Math.Abs(e.Value - result.Corrupted)));
            }
        }
        Assert.True(largest > 0.05);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_SeveralEditsOrOpaqueOnes_EqualsAWholePassPerPatch(string shape)
    {
        using var model = Model(shape);
        var tokens = RandomModels.Tokens(model.Config, 3, 6, 7, 9);
        var random = new Random(1);
        Site[] sites = [.. SiteRules.All(model.Config).Where(s => Site.IsInBlock(s.Kind) && s.Kind is not (SiteKind.Scores or SiteKind.AttentionNormScale or SiteKind.MlpNormScale))];
        var sets = Enumerable.Range(0, 24).Select(_ => Enumerable.Range(0, 1 + random.Next(3)).Select(_ => (Site: sites[random.Next(sites.Length)], Position: random.Next(9), IsOpaque: random.Next(4) == 0)).ToArray()).ToArray();
        Patch[] patches = [.. sets.Select(set => new Patch([.. set.Select(e => e.IsOpaque ? new SiteEdit(e.Site, value => value.mul_(0.7)) : Patch.ZeroEdit(new PatchSlot(e.Site.Kind, e.Site.Layer, Position: e.Position)))]))];
        var expected = sets.Select(set =>
        {
            var plan = new ForwardPlan();
            foreach (var (site, position, isOpaque) in set)
                plan.Replace(site, value =>
                {
                    var edited = value.clone();
                    if (isOpaque) edited.mul_(0.7);
                    else new PatchSlot(site.Kind, site.Layer, Position: position).Of(edited).zero_();
                    return edited;
                });
            return Naive(model, tokens, plan);
        }).ToArray();
        for (int metric = 0; metric < Metrics.Length; metric++)
            foreach (var some in (int[][])[[.. Enumerable.Range(0, 24)], [.. Enumerable.Range(0, 24).Where(i => !patches[i].IsOpaque)]])
            {
                var result = PatchSweep.Run(model, tokens, [.. some.Select(i => patches[i])], Metrics[metric], new SweepOptions { MaxActivationBytes = 30_000 });
                Same("base", Naive(model, tokens, new ForwardPlan())[metric], result.Base);
                for (int i = 0; i < some.Length; i++) Same(string.Join(' ', sets[some[i]]), expected[some[i]][metric], result.Patched[i]);
            }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_KnockOut_EqualsAWholePassPerPatch(string shape)
    {
        using var model = Model(shape);
        var tokens = RandomModels.Tokens(model.Config, 4, 6, 7, 9);
        AttentionEdge[] edges = [.. from layer in Enumerable.Range(0, 3) from query in Enumerable.Range(1, 5) select new AttentionEdge(layer, query % 2 == 0 ? null : 1, query, query - 1)];
        var result = AttentionKnockout.Run(model, tokens, [.. edges.Select(e => (AttentionEdge[])[e])], Metrics[1]);
        double cut = model.Config.Attention == AttentionKind.Linear ? 0 : double.NegativeInfinity;
        for (int i = 0; i < edges.Length; i++)
        {
            var edge = edges[i];
            double[][] expected = Naive(model, tokens, new ForwardPlan().Replace(new Site(SiteKind.Scores, edge.Layer), scores =>
            {
                var edited = scores.clone();
                foreach (int head in edge.Head is { } one ? [one] : Enumerable.Range(0, model.Config.Heads)) edited[.., head, edge.Query, edge.Key] = cut;
                return edited;
            }));
            Same(edge.ToString(), expected[1], result.Patched[i]);
        }
    }

    [Theory]
    [InlineData("serial")]
    [InlineData("parallel")]
    [InlineData("attention only")]
    public void Run_AllPathsOfASender_EqualsActivationPatchingWhereverThePairDiffers(string name)
    {
        using var model = Pairs.Model(name);
        var corrupted = RandomModels.Tokens(model.Config, 2, 6, 7, 9);
        foreach (var (first, options) in Sweeps)
        {
            var clean = DifferingFrom(corrupted, first, model.Config);
            PathSender[] senders = [.. HeadId.All(model.Config).Select(h => new PathSender(h.Layer, h.Head)), .. model.Config.DMlp == 0 ? [] : Enumerable.Range(0, 3).Select(l => new PathSender(l, null))];
            PathEdge[][] sets = [.. senders.Select(s => (PathEdge[])[.. PathPatching.ReceiversAfter(s, model.Config).Select(r => new PathEdge(s, r))])];
            var nodes = ActivationPatching.Run(model, clean, corrupted, [.. senders.Select(s => new PatchSlot(s.Head is null ? SiteKind.MlpOut : SiteKind.Z, s.Layer, s.Head))], Metrics[1], options: options);
            var paths = PathPatching.Run(model, clean, corrupted, sets, Metrics[1], options);
            Same($"paths, first {first}", [.. nodes.Effects.Select(e => e.Value)], paths.Values);
            Assert.True(paths.Values.Max(v => Math.Abs(v - paths.Corrupted)) > 1e-3);
        }
    }

    [Theory]
    [InlineData(SiteKind.ResidPre)]
    [InlineData(SiteKind.Z)]
    [InlineData(SiteKind.MlpOut)]
    public void Run_PatchAtAPosition_ComputesNothingBeforeItAndOneQueryInTheEnd(SiteKind kind)
    {
        using var model = RandomModels.Create(Small with { Positions = PositionEncoding.Learned });
        var tokens = RandomModels.Tokens(model.Config, 5, 12, 12);
        var seen = new List<(Site Site, long Positions)>();
        var watched = SiteRules.All(model.Config).Where(s => s.Layer == 2);
        // What lies behind the patch is watched by edits that change nothing.
        Patch[] patches = [new([Patch.ZeroEdit(new PatchSlot(kind, 1, Position: 7)), .. watched.Select(site => SiteEdit.Within(site, int.MaxValue, (value, window) =>
        {
            long positions = value.shape[PatchSlot.PositionAxis(site.Kind)];
            Assert.Equal(positions, window.Positions.Length);
            seen.Add((site, positions));
        }))])];

        var changed = PatchSweep.Run(model, tokens, patches, PatchMetric.LogitDifference(1, 2));

        SiteKind[] all = [SiteKind.ResidPre, SiteKind.AttentionNormScale, SiteKind.AttentionNormalized, SiteKind.Key, SiteKind.Value];
        Assert.Equal(watched.Count(), seen.Count);
        Assert.All(seen, s => Assert.Equal(all.Contains(s.Site.Kind) ? 12 - 7 : 1, s.Positions));
        Assert.NotEqual(changed.Base[0], changed.Patched[0][0], 1e-4);
    }

    [Fact]
    public void Run_PatchThatTheMetricCannotNotice_IsNotComputed()
    {
        using var model = RandomModels.Create(Small);
        var tokens = RandomModels.Tokens(model.Config, 5, 12, 5);
        var failing = SiteEdit.Within(Site.Z(0), 8, (_, window) => Assert.Equal((0, 1), (window.FirstRow, window.Rows)));
        var options = new SweepOptions { MaxActivationBytes = 1 }; // row by row: the second one ends before
        var result = PatchSweep.Run(model, tokens, [new Patch(failing), new Patch(Patch.ZeroEdit(new PatchSlot(SiteKind.Z, 0, Position: 8)))], PatchMetric.LogitDifference(1, 2), options);
        Assert.Equal(result.Base[1], result.Patched[1][1]);
        Assert.NotEqual(result.Base[0], result.Patched[1][0], 1e-5);
        Patch[] late = [new(SiteEdit.Within(Site.Z(0), 5, (_, _) => Assert.Fail("computed")))];
        Assert.Equal(result.Base.Count, PatchSweep.Run(model, tokens, late, PatchMetric.Loss(1, 4)).Patched[0].Length);
    }

    [Fact]
    public void Run_AnyAnalysis_StartsWhereItsPatchesCanFirstMatter()
    {
        using var model = RandomModels.Create(Small with { Positions = PositionEncoding.Learned });
        var corrupted = RandomModels.Tokens(model.Config, 5, 12, 12);
        var clean = DifferingFrom(corrupted, 6, model.Config);
        var metric = PatchMetric.Loss(1, 11);
        var stacks = new List<SweepStack>();
        var options = new SweepOptions { Watch = stacks.Add, MaxStack = 1 };

        ActivationPatching.Run(model, clean, corrupted, [new(SiteKind.Z, 1), new(SiteKind.Z, 0, 1, Position: 9), new(SiteKind.Pattern, 0, 1, Position: 3)], metric, options: options);
        Assert.Equal([(0, 9), (1, 6)], Starts()); // position 3 lies before the difference
        PathPatching.Run(model, clean, corrupted, [[new PathEdge(new PathSender(0, 1), new PathReceiver(PathInput.Key, 2))]], metric, options);
        Assert.Equal([(2, 6)], Starts());
        AttentionKnockout.Run(model, corrupted, [[new AttentionEdge(1, 0, 7, 2)]], metric, options);
        Assert.Equal([(1, 7)], Starts());
        foreach (bool keep in (bool[])[false, true])
        {
            Ablation.OfSets(model, corrupted, metric, [[new(SiteKind.Z, 1, 0, Position: 8), new(SiteKind.Z, 0, 0, Position: 4)], [new(SiteKind.MlpOut, 1)]], new AblationOptions { Sweep = options, KeepPatterns = keep });
            Assert.Equal([(0, 4), (1, 0)], Starts());
        }
        ActivationPatching.Run(model, corrupted, corrupted, SiteKind.Z, metric, options: options);
        Assert.Empty(stacks); // the rows are the same

        (int, int)[] Starts()
        {
            (int, int)[] starts = [.. stacks.Select(s => (s.Entry.Layer, s.First)).Order()];
            stacks.Clear();
            return starts;
        }
    }

    [Theory]
    [InlineData(SiteKind.ResidPre, "ResidPre")]
    [InlineData(SiteKind.Pattern, "ResidPre")]
    [InlineData(SiteKind.Z, "ResidPre Z")]
    [InlineData(SiteKind.AttentionOut, "ResidPre AttentionOut")]
    [InlineData(SiteKind.ResidMid, "ResidMid")]
    [InlineData(SiteKind.MlpPost, "ResidMid")]
    [InlineData(SiteKind.MlpOut, "ResidMid MlpOut")]
    [InlineData(SiteKind.ResidPost, "ResidPost")]
    public void Entry_OfASerialBlock_IsWhatLiesJustBefore(SiteKind kind, string given) => Assert.Equal(given, Entry(Small, kind));

    [Theory]
    [InlineData(SiteKind.ResidPre, "ResidPre")]
    [InlineData(SiteKind.Pattern, "ResidPre MlpOut")]
    [InlineData(SiteKind.Z, "ResidPre Z MlpOut")]
    [InlineData(SiteKind.MlpPost, "ResidPre AttentionOut")]
    [InlineData(SiteKind.MlpOut, "ResidPre AttentionOut MlpOut")]
    public void Entry_OfAParallelBlock_LeavesTheOtherSideAlone(SiteKind kind, string given) => Assert.Equal(given, Entry(Small with { ParallelResidual = true }, kind));

    [Fact]
    public void Cut_PerPositionSweep_KeepsTheCone()
    {
        var config = Small with { Layers = 2, Context = 64, DModel = 64 };
        var tokens = RandomModels.Tokens(config, 1, 64);
        Patch[] patches = [.. PatchSlot.All(config, SiteKind.ResidPre, 64).Select(slot => new Patch(Patch.ZeroEdit(slot)))];
        var (stacks, _) = SweepStack.Cut(config, tokens, patches, PatchMetric.LogitDifference(1, 2), new SweepOptions());
        double Ideal(int layer) => Enumerable.Range(0, 64).Sum(p => 64 - p);
        double computed = stacks.Where(s => s.Entry.Layer == 0).Sum(s => s.Patches.Length * (64.0 - s.First));
        Assert.Equal(2 * 64, stacks.Sum(s => s.Patches.Length));
        Assert.InRange(computed / Ideal(0), 1, 1.15);
        Assert.InRange(stacks.Count(s => s.Entry.Layer == 0), 2, 16); // and yet many at a time
    }

    private static LanguageModel Model(string shape)
    {
        var model = RandomModels.Create(Configs[shape]);
        using var noGradients = no_grad();
        if (model.Config.Norm == NormKind.None) model.Weights.Unembedding.mul_(0.1); // or logits, and their rounding, are far larger than elsewhere
        return model;
    }

    private static string Entry(DecoderConfig config, SiteKind kind) =>
        string.Join(' ', PatchEntry.Of(new Patch(Patch.ZeroEdit(new PatchSlot(kind, 1)), Patch.ZeroEdit(new PatchSlot(SiteKind.Z, 2))), config).Given);

    /// <summary>Rows that are equal up to a position and different from there on.</summary>
    private static TokenBatch DifferingFrom(TokenBatch rows, int first, DecoderConfig config) =>
        new([.. rows.Rows.Select(row => row.Select((id, i) => i < first ? id : (id + 1 + i) % config.Vocabulary).ToArray())]);

    private static IEnumerable<PatchSlot> SlotsOf(Site site, DecoderConfig config)
    {
        if (site.Layer != 1) yield return new(site.Kind, site.Layer);
        if (site.Layer != 1) yield return new(site.Kind, site.Layer, Position: 5);
        else yield return new(site.Kind, site.Layer, PatchSlot.HeadsOf(site.Kind, config) - 1, Position: 3);
    }

    /// <summary>[metric][row]: the metrics from the logits of one whole pass, in double precision.</summary>
    private static double[][] Naive(LanguageModel model, TokenBatch tokens, ForwardPlan plan)
    {
        using var run = model.Run(tokens, plan.Capture(Site.Logits));
        using var wide = run[Site.Logits].to_type(ScalarType.Float64);
        double[] all = [.. wide.data<double>()];
        double Logit(int row, int pos, int id) => all[(((row * tokens.MaxLength) + pos) * model.Config.Vocabulary) + id];
        double Loss(int row, int pos) => Math.Log(Enumerable.Range(0, model.Config.Vocabulary).Sum(id => Math.Exp(Logit(row, pos - 1, id) - Logit(row, pos - 1, tokens[row][pos]))));
        (int First, int Last)[] stretches = [(1, 4), (3, 6), (2, 8)];
        return
        [
            [.. Enumerable.Range(0, 3).Select(row => Logit(row, tokens[row].Length - 1, 3 + (2 * row)) - Logit(row, tokens[row].Length - 1, 4 + (2 * row)))],
            [.. Enumerable.Range(0, 3).Select(row => Enumerable.Range(stretches[row].First, stretches[row].Last - stretches[row].First + 1).Average(pos => Loss(row, pos)))],
            [.. Enumerable.Range(0, 3).Select(row => Enumerable.Range(1, 4).Average(pos => Loss(row, pos)))],
        ];
    }

    private static void Same(string what, IReadOnlyList<double> expected, IReadOnlyList<double> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-5 * Math.Max(1, Math.Abs(expected[i])), $"{what}: expected {expected[i]}, got {actual[i]} at {i}");
    }
}
