using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MlNetIcl.Models;

/// <summary>
/// One forward pass of the decoder, as far as its plan asks. Differentiable where gradients are enabled.
/// Padding is on the right, where no real query looks, so a row's values do not depend on the others.
/// </summary>
/// <remarks>
/// <c>pos</c> are the positions that the plan's <see cref="LightCone"/> leaves, all without one; keys always stand at all positions, and
/// the last block's queries and what follows from them at those that are read.
/// </remarks>
internal sealed partial class DecoderPass
{
    private readonly DecoderConfig _config;
    private readonly DecoderWeights _weights;
    private readonly ForwardPlan _plan;
    private readonly SiteTap _tap;
    private readonly LightCone _cone;
    private readonly int _batch;
    private readonly ScalarType _type;
    private readonly Device _device;
    private readonly Places _places;
    private readonly Places? _reads; // of the last block's queries, where those are fewer
    private Tensor? _shortformer; // [pos, d_model]

    private DecoderPass(DecoderConfig config, DecoderWeights weights, TokenBatch tokens, ForwardPlan plan, SiteTap tap)
    {
        (_config, _weights, _plan, _tap) = (config, weights, plan, tap);
        _cone = plan.Cone ?? new LightCone(0, tokens.MaxLength);
        _batch = tokens.Count;
        (_type, _device) = (weights.Embedding.dtype, weights.Embedding.device);
        _places = new Places(this, [.. Enumerable.Range(_cone.First, _cone.Count)]);
        if (_cone.Reads is { } reads) _reads = new Places(this, reads);
    }

    public static ForwardResult Run(DecoderConfig config, DecoderWeights weights, TokenBatch tokens, ForwardPlan plan, CancellationToken cancellation)
    {
        tokens.Validate(config);
        if (weights.Embedding.device_type == TorchSharp.DeviceType.CPU) CheckMemory(config, tokens, plan.Cone?.Count ?? tokens.MaxLength);
        var tap = new SiteTap(plan, config);
        using var scope = NewDisposeScope();
        try
        {
            var losses = new DecoderPass(config, weights, tokens, plan, tap).Run(tokens, cancellation);
            return new ForwardResult(tap.Captured, losses?.DetachFromDisposeScope());
        }
        catch
        {
            tap.Abandon();
            throw;
        }
    }

    /// <summary>Refuses what cannot fit: where memory is promised before it is there, the system would end the process and not the call.</summary>
    private static void CheckMemory(DecoderConfig config, TokenBatch tokens, int queries)
    {
        double bytes = 2.0 * sizeof(float) * tokens.Count * config.Heads * queries * tokens.MaxLength; // scores and pattern of one layer
        double available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
            throw new InsufficientMemoryException(FormattableString.Invariant(
                $"The attention of {tokens.Count} rows of up to {tokens.MaxLength} tokens takes {bytes / (1L << 30):0.0} GiB in one layer, and the machine has {available / (1L << 30):0.0} GiB. Run shorter rows, or fewer at a time."));
    }

    private Tensor? Run(TokenBatch tokens, CancellationToken cancellation)
    {
        Tensor? resid = null; // [batch, pos, d_model]
        if (!_plan.StartsFromEarlierPass)
        {
            resid = Embed(tokens);
            if (resid is null) return null;
        }
        else if (_config.Positions == PositionEncoding.Shortformer)
        {
            _shortformer = _weights.Positions!.narrow(0, _cone.First, _cone.Count);
        }
        for (int layer = _plan.StartLayer; layer < _config.Layers; layer++)
        {
            cancellation.ThrowIfCancellationRequested();
            var next = Block(layer, resid);
            if (next is null) return null;
            resid?.Dispose();
            resid = next;
        }
        return Unembed(resid!, tokens, _plan.WantsTokenLosses);
    }

    private Tensor? Embed(TokenBatch tokens)
    {
        int length = tokens.MaxLength;
        long[] ids = new long[_batch * length];
        for (int row = 0; row < _batch; row++)
            for (int pos = 0; pos < tokens[row].Length; pos++)
                ids[(row * length) + pos] = tokens[row][pos];
        var resid = _weights.Embedding.index_select(0, tensor(ids, device: _device)).view(_batch, length, _config.DModel);
        if (_config.EmbeddingNorm) resid = Normalize(resid, _weights.EmbeddingNormWeight, _weights.EmbeddingNormBias);
        resid = _tap.Visit(SiteKind.Embed, -1, resid);
        if (_tap.EndsAt(SiteKind.Embed)) return null;
        if (_config.Positions is not (PositionEncoding.Learned or PositionEncoding.Shortformer)) return resid;

        var positions = _weights.Positions!.narrow(0, 0, length); // [pos, d_model]
        if (_tap.Wants(SiteKind.PositionEmbed)) positions = _tap.Visit(SiteKind.PositionEmbed, -1, positions.unsqueeze(0).expand(_batch, -1, -1));
        if (_tap.EndsAt(SiteKind.PositionEmbed)) return null;
        if (_config.Positions == PositionEncoding.Learned) return resid.Plus(positions);
        _shortformer = positions;
        return resid;
    }

    /// <summary>
    /// The value of a site in a block: what the plan gives for it, else what is computed; shown to those who asked for it. Null where the
    /// plan ends here or before.
    /// </summary>
    private Tensor? At(SiteKind kind, int layer, Func<Tensor?> compute)
    {
        var value = _plan.GivenFor(new Site(kind, layer)) is { } given ? Given(given, kind, layer) : compute();
        if (value is null) return null;
        value = _tap.Visit(kind, layer, value);
        return _tap.EndsAt(kind, layer) ? null : value;
    }

    private Tensor Given(Tensor value, SiteKind kind, int layer)
    {
        if (kind == SiteKind.ResidPre) Shapes.Require(value, [_batch, _cone.Count, _config.DModel], "the residual stream to start from [batch, pos, d_model]");
        return value.to(_type, _device).alias();
    }

    /// <summary>[batch, pos, d_model] to the same, or null where the plan ends inside the block. Without a residual the plan gives a later value.</summary>
    private Tensor? Block(int layer, Tensor? resid)
    {
        using var scope = NewDisposeScope();
        return At(SiteKind.ResidPost, layer, () => Write(layer, resid))?.MoveToOuterDisposeScope();
    }

    /// <summary>The residual stream with what attention and MLP write.</summary>
    private Tensor? Write(int layer, Tensor? before)
    {
        var w = _weights.Blocks[layer];
        if (_config.DMlp > 0 && !_config.ParallelResidual)
        {
            var mid = At(SiteKind.ResidMid, layer, () => Attend(layer, w, before)?.After);
            if (mid is null) return null;
            return At(SiteKind.MlpOut, layer, () => Mlp(layer, w, mid)) is { } serial ? mid.Plus(serial) : null;
        }
        if (Attend(layer, w, before) is not var (resid, after)) return null;
        if (_config.DMlp == 0) return after;
        return At(SiteKind.MlpOut, layer, () => Mlp(layer, w, resid)) is { } parallel ? after.Plus(parallel) : null;
    }

    /// <summary>The residual stream at the block's queries, without and with what attention writes.</summary>
    private (Tensor Before, Tensor After)? Attend(int layer, BlockWeights w, Tensor? before)
    {
        if (At(SiteKind.ResidPre, layer, () => before) is not { } resid) return null;
        if (At(SiteKind.AttentionOut, layer, () => Attention(layer, w, resid)) is not { } attended) return null;
        var queries = AtQueries(layer, resid);
        return (queries, queries.Plus(attended));
    }

    /// <summary>From the computed positions [batch, pos, …] to those of a layer's queries.</summary>
    private Tensor AtQueries(int layer, Tensor x) => IsRestricted(layer) ? x.index_select(1, _reads!.Index) : x;

    private bool IsRestricted(int layer) => _reads is not null && layer == _config.Layers - 1;

    private Places PlacesOf(int layer) => IsRestricted(layer) ? _reads! : _places;

    private Tensor? Unembed(Tensor resid, TokenBatch tokens, bool wantsLosses)
    {
        var x = _config.Norm == NormKind.None ? resid
            : Norm(-1, resid, _weights.FinalNormWeight, _weights.FinalNormBias, SiteKind.FinalNormScale, SiteKind.FinalNormalized);
        if (_tap.EndsAt(SiteKind.FinalNormalized)) return null;
        if (!_tap.Wants(SiteKind.Logits))
            return wantsLosses ? NextTokenLoss.FromHidden(x, _weights.Unembedding, _weights.UnembeddingBias, tokens) : null;
        var logits = F.linear(x, _weights.Unembedding, _weights.UnembeddingBias); // [batch, pos, vocab]
        logits = _tap.Visit(SiteKind.Logits, -1, logits);
        return wantsLosses ? NextTokenLoss.FromLogits(logits, tokens) : null;
    }
}
