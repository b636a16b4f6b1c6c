namespace MlNetIcl.Models;

/// <summary>Which sites a decoder has.</summary>
public static class SiteRules
{
    /// <summary>Why a model lacks a site, or null if it has it.</summary>
    public static string? WhyMissing(Site site, DecoderConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (Site.IsInBlock(site.Kind) && (uint)site.Layer >= (uint)config.Layers)
            return $"the model has layers 0 to {config.Layers - 1}";
        if (config.Sites.Count > 0 && !config.Sites.Contains(site.Kind))
            return $"the model runs as a graph, in which only {string.Join(", ", config.Sites.Select(kind => new Site(kind, Site.IsInBlock(kind) ? 0 : -1).ToString().Replace("blocks.0.", "", StringComparison.Ordinal)))} can be found";
        return site.Kind switch
        {
            SiteKind.PositionEmbed when config.Positions is not (PositionEncoding.Learned or PositionEncoding.Shortformer) => "the model has no table of positions",
            SiteKind.RotatedQuery or SiteKind.RotatedKey when config.Positions != PositionEncoding.Rotary => "the model does not rotate queries and keys",
            SiteKind.AttentionNormScale or SiteKind.AttentionNormalized or SiteKind.FinalNormScale or SiteKind.FinalNormalized when config.Norm == NormKind.None => "the model has no normalisation",
            SiteKind.MlpNormScale or SiteKind.MlpNormalized when config.Norm == NormKind.None => "the model has no normalisation",
            SiteKind.MlpNormScale or SiteKind.MlpNormalized or SiteKind.MlpPre or SiteKind.MlpPost or SiteKind.MlpOut when config.DMlp == 0 => "the model has attention only, no MLP",
            SiteKind.ResidMid when config.DMlp == 0 => "the model has attention only, no MLP",
            SiteKind.ResidMid when config.ParallelResidual => "attention and MLP of the model's blocks run side by side",
            SiteKind.MlpPreLinear when !config.GatedMlp || config.DMlp == 0 => "the model has no gated MLP",
            _ => null,
        };
    }

    /// <summary>Every site that a model has, in the order of the forward pass.</summary>
    public static IEnumerable<Site> All(DecoderConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var kinds = Enum.GetValues<SiteKind>();
        return kinds.Where(k => k < SiteKind.ResidPre).Select(k => new Site(k))
            .Concat(Enumerable.Range(0, config.Layers).SelectMany(l => kinds.Where(Site.IsInBlock).Select(k => new Site(k, l))))
            .Concat(kinds.Where(k => k > SiteKind.ResidPost).Select(k => new Site(k)))
            .Where(s => WhyMissing(s, config) is null);
    }

    internal static void Require(Site site, DecoderConfig config, int startLayer)
    {
        if (WhyMissing(site, config) is { } why) throw new ArgumentException($"Site '{site}' does not exist here: {why}.");
        if (startLayer > 0 && (site.Kind < SiteKind.ResidPre || (Site.IsInBlock(site.Kind) && site.Layer < startLayer)))
            throw new ArgumentException($"Site '{site}' lies before layer {startLayer}, where the pass starts.");
    }
}
