using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MlNetIcl.Models;

// The MLP and the norms.
internal sealed partial class DecoderPass
{
    /// <summary>What the MLP adds to the residual stream [batch, pos, d_model].</summary>
    private Tensor? Mlp(int layer, BlockWeights w, Tensor resid)
    {
        using var scope = NewDisposeScope();
        var x = Norm(layer, resid, w.MlpNormWeight, w.MlpNormBias, SiteKind.MlpNormScale, SiteKind.MlpNormalized);
        if (_tap.EndsAt(SiteKind.MlpNormalized, layer)) return null;

        var input = F.linear(x, w.MlpIn!, w.MlpInBias); // [batch, pos, d_mlp], twice that if gated
        var pre = _tap.Visit(SiteKind.MlpPre, layer, _config.GatedMlp ? input.narrow(2, 0, _config.DMlp) : input);
        if (_tap.EndsAt(SiteKind.MlpPre, layer)) return null;
        var post = Activate(pre);
        if (_config.GatedMlp)
        {
            var linear = _tap.Visit(SiteKind.MlpPreLinear, layer, input.narrow(2, _config.DMlp, _config.DMlp));
            if (_tap.EndsAt(SiteKind.MlpPreLinear, layer)) return null;
            post = post * linear;
        }
        post = _tap.Visit(SiteKind.MlpPost, layer, post);
        if (_tap.EndsAt(SiteKind.MlpPost, layer)) return null;
        return F.linear(post, w.MlpOut!, w.MlpOutBias).MoveToOuterDisposeScope();
    }

    private Tensor Activate(Tensor x) => _config.Activation switch
    {
        ActivationKind.Gelu => F.gelu(x),
        ActivationKind.GeluTanh => x.gelu(TorchSharp.Modules.GELU.Approximate.tanh),
        ActivationKind.Relu => F.relu(x),
        ActivationKind.Silu => F.silu(x),
        _ => throw new UnsupportedModelException($"Activation {_config.Activation} is not known."),
    };

    /// <summary>A norm with its sites. The fused kernel does where nobody looks inside.</summary>
    private Tensor Norm(int layer, Tensor x, Tensor? weight, Tensor? bias, SiteKind scaleSite, SiteKind normalizedSite)
    {
        if (_config.Norm == NormKind.None) return x;
        bool layerNorm = _config.Norm == NormKind.LayerNorm;
        if (layerNorm && !_tap.Wants(scaleSite, layer))
            return _tap.Visit(normalizedSite, layer, Normalize(x, weight, bias));

        var wide = x.to_type(ScalarType.Float32);
        if (layerNorm) wide = wide - wide.mean([-1], keepdim: true);
        var scale = (wide * wide).mean([-1], keepdim: true).add(Kept.Scalar(_config.NormEpsilon), Kept.One).sqrt(); // [batch, pos, 1]
        scale = _tap.Visit(scaleSite, layer, scale);
        var normalized = wide / scale;
        if (!layerNorm) return _tap.Visit(normalizedSite, layer, normalized).to_type(_type) * weight!;
        normalized = normalized.to_type(_type);
        if (weight is not null) normalized = normalized * weight;
        if (bias is not null) normalized = normalized.Plus(bias);
        return _tap.Visit(normalizedSite, layer, normalized);
    }

    private Tensor Normalize(Tensor x, Tensor? weight, Tensor? bias) => _config.Norm == NormKind.RmsNorm
        ? RmsNormalize(x, weight)
        : F.layer_norm(x, [_config.DModel], weight, bias, _config.NormEpsilon);

    private Tensor RmsNormalize(Tensor x, Tensor? weight)
    {
        var wide = x.to_type(ScalarType.Float32);
        var normalized = (wide * (wide * wide).mean([-1], keepdim: true).add(Kept.Scalar(_config.NormEpsilon), Kept.One).rsqrt()).to_type(_type);
        return weight is null ? normalized : normalized * weight;
    }
}
