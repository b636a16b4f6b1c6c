using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MlNetIcl.Models;

// Attention, and what it needs to know of positions.
internal sealed partial class DecoderPass
{
    /// <summary>What attention adds to the residual stream at the block's queries [batch, pos, d_model].</summary>
    private Tensor? Attention(int layer, BlockWeights w, Tensor resid)
    {
        using var scope = NewDisposeScope();
        int heads = _config.Heads, width = _config.DHead;
        var z = At(SiteKind.Z, layer, () => HeadOutputs(layer, w, resid));
        if (z is null) return null;

        if (!_tap.Wants(SiteKind.Result, layer))
            return F.linear(z.reshape(_batch, -1, heads * width), w.Output, w.OutputBias).MoveToOuterDisposeScope();
        var perHead = bmm(z.reshape(-1, heads, width).transpose(0, 1), w.Output.view(_config.DModel, heads, width).permute(1, 2, 0))
            .transpose(0, 1).reshape(_batch, -1, heads, _config.DModel);
        var output = _tap.Visit(SiteKind.Result, layer, perHead).sum(2);
        if (_tap.EndsAt(SiteKind.Result, layer)) return null;
        if (w.OutputBias is not null) output += w.OutputBias;
        return output.MoveToOuterDisposeScope();
    }

    /// <summary>[batch, pos, head, d_head] at the block's queries.</summary>
    private Tensor? HeadOutputs(int layer, BlockWeights w, Tensor resid)
    {
        using var scope = NewDisposeScope();
        var x = Norm(layer, resid, w.AttentionNormWeight, w.AttentionNormBias, SiteKind.AttentionNormScale, SiteKind.AttentionNormalized);
        if (_tap.EndsAt(SiteKind.AttentionNormalized, layer)) return null;

        // Nothing after the pattern asked for: then no value is needed either.
        bool patternIsLast = _tap.EndsAt(SiteKind.Pattern, layer) && !_tap.Wants(SiteKind.Value, layer);
        var (q, k, v) = Project(layer, w, x, patternIsLast); // [batch, pos, head | key_head, d_head]
        q = _tap.Visit(SiteKind.Query, layer, q);
        k = _tap.Visit(SiteKind.Key, layer, k);
        if (v is not null) v = _tap.Visit(SiteKind.Value, layer, (Tensor)v);
        if (_tap.EndsAt(SiteKind.Value, layer)) return null;

        if (_config.QueryKeyNorm)
        {
            q = RmsNormalize(q, w.QueryNormWeight);
            k = RmsNormalize(k, w.KeyNormWeight);
        }
        if (_config.Rotary is not null)
        {
            q = _tap.Visit(SiteKind.RotatedQuery, layer, PlacesOf(layer).Rotary!.Rotate(q));
            k = _tap.Visit(SiteKind.RotatedKey, layer, _places.Rotary!.Rotate(k));
            if (_tap.EndsAt(SiteKind.RotatedKey, layer)) return null;
        }

        var (keys, values) = (k.transpose(1, 2), v?.transpose(1, 2)); // [batch, key_head, pos, d_head]
        if (values is not null) _plan.Kept?.Add(layer, keys, values);
        if (_cone.First > 0) (keys, values) = _cone.Earlier!.Before(layer, _cone.First, keys, values);
        var pattern = _tap.Visit(SiteKind.Pattern, layer, Weigh(layer, q, keys)); // [batch, head, query, key]
        if (values is null || _tap.EndsAt(SiteKind.Pattern, layer)) return null;

        int heads = _config.Heads, keyHeads = _config.KeyHeads, width = _config.DHead, queries = PlacesOf(layer).Count;
        var z = bmm(pattern.to_type(_type).reshape(_batch * keyHeads, -1, _cone.Length), values.reshape(_batch * keyHeads, _cone.Length, width))
            .view(_batch, heads, queries, width).transpose(1, 2);
        return z.MoveToOuterDisposeScope();
    }

    /// <summary>Queries at the block's queries [batch, pos, head, d_head]; keys and values at all computed positions [batch, pos, key_head, d_head].</summary>
    private (Tensor Query, Tensor Key, Tensor? Value) Project(int layer, BlockWeights w, Tensor x, bool withoutValues)
    {
        int heads = _config.Heads, keyHeads = _config.KeyHeads, width = _config.DHead;
        Tensor Rows(Tensor input, int from, int count) =>
            F.linear(input, w.QueryKeyValue.narrow(0, from * width, count * width), w.QueryKeyValueBias?.narrow(0, from * width, count * width)).view(_batch, -1, count, width);

        if (_shortformer is null && !IsRestricted(layer))
        {
            var all = Rows(x, 0, withoutValues ? heads + keyHeads : heads + (2 * keyHeads));
            return (all.narrow(2, 0, heads), all.narrow(2, heads, keyHeads), withoutValues ? null : all.narrow(2, heads + keyHeads, keyHeads));
        }
        var placed = _shortformer is null ? x : x.Plus(_shortformer); // positions reach queries and keys, never values
        return (Rows(AtQueries(layer, placed), 0, heads), Rows(placed, heads, keyHeads), withoutValues ? null : Rows(x, heads + keyHeads, keyHeads));
    }

    /// <summary>Scores and their softmax (or, for linear attention, the masked scores): [batch, head, query, key], float32.</summary>
    private Tensor Weigh(int layer, Tensor q, Tensor keys)
    {
        using var scope = NewDisposeScope();
        int heads = _config.Heads, keyHeads = _config.KeyHeads, width = _config.DHead, count = PlacesOf(layer).Count, length = _cone.Length;
        var bias = PlacesOf(layer).Bias[_config.WindowOf(layer)]; // [1 or head, query, key]
        // Query heads that share a key head are stacked along the queries, so that keys are never repeated.
        var queries = q.transpose(1, 2).reshape(_batch * keyHeads, heads / keyHeads * count, width);
        // The smaller factor is scaled, and the mask added in place: a product's gradient needs neither scores nor sum.
        var scores = bmm(queries * Kept.Scalar(_config.ScoreScale), keys.reshape(_batch * keyHeads, length, width).transpose(1, 2)).view(_batch, heads, count, length).add_(bias, Kept.One);
        if (_config.Attention == AttentionKind.Linear) scores = scores.masked_fill(bias.isinf(), Kept.Scalar(0));
        scores = _tap.Visit(SiteKind.Scores, layer, scores);
        var pattern = _config.Attention == AttentionKind.Linear ? scores.to_type(ScalarType.Float32) : scores.softmax(-1, ScalarType.Float32);
        return pattern.MoveToOuterDisposeScope();
    }

    /// <summary>What a set of positions means to attention.</summary>
    private sealed class Places
    {
        public Places(DecoderPass pass, int[] positions)
        {
            var config = pass._config;
            long[] absolute = [.. positions.Select(p => (long)p)];
            Count = positions.Length;
            Index = tensor([.. absolute.Select(p => p - pass._cone.First)], device: pass._device);
            if (config.Rotary is { } rotary) Rotary = new RotaryTable(rotary, absolute, pass._type, pass._device);
            var offsets = AttentionBias.Offsets(absolute, pass._cone.Length, pass._device);
            Bias = Enumerable.Range(0, config.Layers).Select(config.WindowOf).Distinct().ToDictionary(window => window, window => BiasOf(pass, offsets, window));
        }

        public int Count { get; }

        /// <summary>Where they stand among the computed positions.</summary>
        public Tensor Index { get; }

        public RotaryTable? Rotary { get; }

        /// <summary>By window: what is added to scores [1 or head, query, key].</summary>
        public Dictionary<int, Tensor> Bias { get; }

        private static Tensor BiasOf(DecoderPass pass, Tensor offsets, int window)
        {
            var (config, weights) = (pass._config, pass._weights);
            var bias = AttentionBias.Causal(offsets, window).unsqueeze(0);
            if (config.Positions == PositionEncoding.Alibi) bias = bias.Plus(AttentionBias.Alibi(config.Heads, offsets));
            if (config.Positions == PositionEncoding.T5Bias) bias = bias.Plus(AttentionBias.T5(weights.T5Bias!, offsets, config.T5Buckets, config.T5MaxDistance));
            return bias.to_type(pass._type);
        }
    }
}
