using MlNetIcl.Models;
using MlNetIcl.Probes;
using static TorchSharp.torch;

namespace MlNetIcl.Bench;

/// <summary>
/// Activation patching of one pair of prompts: by the sweep, by a plain loop of one whole forward pass with logits per patch, and as the
/// bare matrix products of the sweep's own cones, stacked as the sweep stacks them.
/// </summary>
internal static class Patching
{
    private const int Length = 64, LoopSample = 24;

    private static readonly PatchMetric Metric = PatchMetric.LogitDifference(11, 22);

    public static IEnumerable<Claim> Run()
    {
        using var model = Gpt2Small.Create();
        return [.. Sweep(model, "head outputs, differs from the first token", SiteKind.Z, firstDifference: 0, atLeast: 3, rounds: 3),
            .. Sweep(model, "head outputs, differs half-way", SiteKind.Z, Length / 2, atLeast: 5.5, rounds: 3),
            .. Sweep(model, "residual per position", SiteKind.ResidPre, firstDifference: 0, atLeast: 5, rounds: 2)];
    }

    private static IEnumerable<Claim> Sweep(LanguageModel model, string what, SiteKind kind, int firstDifference, double atLeast, int rounds)
    {
        var clean = Gpt2Small.Rows(1, Length);
        var corrupted = new TokenBatch([[.. clean.Rows[0].Select((id, i) => i < firstDifference ? id : (id + 1) % model.Config.Vocabulary)]]);
        var slots = PatchSlot.All(model.Config, kind, kind == SiteKind.Z ? null : Length);
        // Patches that are spread evenly over layers and positions stand for all: one of them costs the loop what any other does.
        PatchSlot[] sample = [.. Enumerable.Range(0, LoopSample).Select(i => slots[(int)((i + 0.5) * slots.Count / LoopSample)])];
        using var source = model.Run(clean, new ForwardPlan().Capture(slots.Select(s => s.Site).Distinct()));
        var patches = slots.Select(slot => new Patch(Patch.CopyEdit(slot, source[slot.Site], firstDifference))).ToArray();
        using var products = new BareProducts(model, SweepStack.Cut(model.Config, corrupted, patches, Metric, new SweepOptions()).Stacks);

        double[] loop = [], sweep = [];
        products.Run();
        Loop(model, corrupted, sample[..2], source);
        var ms = SideBySide.Medians($"Patching, {what}, GPT-2-small shape, {slots.Count} patches, {Length} tokens", rounds, warmUp: 0,
            ($"plain loop, {LoopSample} of the patches", () => loop = Loop(model, corrupted, sample, source)),
            ("sweep", () => sweep = [.. ActivationPatching.Run(model, clean, corrupted, slots, Metric).Effects.Select(e => e.Value)]),
            ("bare matrix products of its cones", products.Run));
        double difference = sample.Select((slot, i) => Math.Abs(loop[i] - sweep[slots.ToList().IndexOf(slot)])).Max();
        return [new($"{what}: plain loop (scaled) / sweep, time", ms[0] * slots.Count / LoopSample / ms[1], atLeast, AtLeast: true),
            new($"{what}: sweep / bare products, time", ms[1] / ms[2], 1.4, AtLeast: false),
            new($"{what}: largest difference, loop and sweep", difference, 1e-4, AtLeast: false)];
    }

    /// <summary>What one would write without the engine: a pass with logits at all positions for each patch.</summary>
    private static double[] Loop(LanguageModel model, TokenBatch corrupted, PatchSlot[] slots, ForwardResult source) => [.. slots.Select(slot =>
    {
        var plan = new ForwardPlan().Capture(Site.Logits).Replace(slot.Site, value =>
        {
            var edited = value.clone();
            slot.Of(edited).copy_(slot.Of(source[slot.Site]));
            return edited;
        });
        using var run = model.Run(corrupted, plan);
        using var last = run[Site.Logits].select(1, Length - 1);
        return (double)(last[0, 11].item<float>() - last[0, 22].item<float>());
    })];

    /// <summary>The products that the cones of a sweep's stacks cannot do without, on inputs made beforehand.</summary>
    private sealed class BareProducts : IDisposable
    {
        private readonly LanguageModel _model;
        private readonly SweepStack[] _stacks;
        private readonly Tensor _x, _inner, _heads, _keys, _pattern;

        public BareProducts(LanguageModel model, SweepStack[] stacks)
        {
            (_model, _stacks) = (model, stacks);
            var c = model.Config;
            int patches = stacks.Max(s => s.Patches.Length), most = stacks.Max(s => s.Patches.Length * (Length - s.First));
            using var generator = new Generator(1);
            Tensor Random(params long[] shape) => empty(shape, ScalarType.Float32).normal_(0, 1, generator);
            _x = Random(most, c.DModel);
            _inner = Random(most, c.DMlp);
            _heads = Random(most * c.Heads * c.DHead);
            _keys = Random(patches * c.Heads, Length, c.DHead);
            _pattern = Random(most * c.Heads * Length);
        }

        public void Run()
        {
            using var noGradients = no_grad();
            foreach (var stack in _stacks) Run(stack);
        }

        public void Dispose()
        {
            foreach (var tensor in new[] { _x, _inner, _heads, _keys, _pattern }) tensor.Dispose();
        }

        private void Run(SweepStack stack)
        {
            var (blocks, c) = (_model.Weights.Blocks, _model.Config);
            int patches = stack.Patches.Length, positions = Length - stack.First;
            for (int layer = stack.Entry.Layer; layer < blocks.Count; layer++)
            {
                using var scope = NewDisposeScope();
                bool last = layer == blocks.Count - 1;
                int queries = last ? 1 : positions; // of the last block only what the metric reads
                var at = _x.narrow(0, 0, (long)patches * queries);
                if (layer > stack.Entry.Layer || stack.Entry.Given[^1] == SiteKind.ResidPre)
                {
                    var all = _x.narrow(0, 0, (long)patches * positions);
                    var w = blocks[layer].QueryKeyValue;
                    if (last) at.mm(w.narrow(0, 0, c.DModel).t());
                    all.mm((last ? w.narrow(0, c.DModel, 2L * c.DModel) : w).t());
                    var keys = _keys.narrow(0, 0, (long)patches * c.Heads);
                    bmm(_heads.narrow(0, 0, (long)patches * c.Heads * queries * c.DHead).view(-1, queries, c.DHead), keys.transpose(1, 2));
                    bmm(_pattern.narrow(0, 0, (long)patches * c.Heads * queries * Length).view(-1, queries, Length), keys);
                }
                at.mm(blocks[layer].Output.t());
                at.mm(blocks[layer].MlpIn!.t());
                _inner.narrow(0, 0, (long)patches * queries).mm(blocks[layer].MlpOut!.t());
            }
            using var direction = _model.Weights.Unembedding.narrow(0, 0, 1);
            using var differences = _x.narrow(0, 0, patches).mm(direction.t());
        }
    }
}
