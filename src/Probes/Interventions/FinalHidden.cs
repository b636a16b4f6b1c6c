using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>The last hidden state: what the unembedding reads. Of a graph the logits themselves, as its unembedding is not known.</summary>
internal static class FinalHidden
{
    /// <summary>The site from which it is read; the pass ends there, before any logits.</summary>
    public static Site Site(DecoderConfig config) =>
        config.Sites.Count > 0 ? Models.Site.Logits : config.Norm == NormKind.None ? new Site(SiteKind.ResidPost, config.Layers - 1) : new Site(SiteKind.FinalNormalized);

    /// <summary>From the site's value [batch, pos, d_model] to the input of the unembedding, of the same shape.</summary>
    public static Tensor Of(LanguageModel model, Tensor value) => !model.IsGraph && model.Config.Norm == NormKind.RmsNorm
        ? value.to_type(model.Weights.Embedding.dtype) * model.Weights.FinalNormWeight! // the site lies before the weight
        : value;
}
