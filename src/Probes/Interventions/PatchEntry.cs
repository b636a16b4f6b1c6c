using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Where a patched run leaves the base run: a block, and the values in it from which the rest is computed.</summary>
/// <param name="Layer">The block.</param>
/// <param name="Given">What is taken from the base run, in the order of the pass.</param>
internal sealed record PatchEntry(int Layer, params SiteKind[] Given)
{
    /// <summary>The latest values that lie before all edits of the patch's first block.</summary>
    public static PatchEntry Of(Patch patch, DecoderConfig config)
    {
        int layer = patch.Edits.Min(e => e.Site.Layer);
        SiteKind[] kinds = [.. patch.Edits.Where(e => e.Site.Layer == layer).Select(e => e.Site.Kind)];
        var first = kinds.Min();
        if (first == SiteKind.ResidPost) return new(layer, SiteKind.ResidPost);
        if (first >= SiteKind.ResidMid && !config.ParallelResidual) return first == SiteKind.MlpOut ? new(layer, SiteKind.ResidMid, SiteKind.MlpOut) : new(layer, SiteKind.ResidMid);

        var given = new List<SiteKind> { SiteKind.ResidPre };
        if (first is SiteKind.Z or SiteKind.Result) given.Add(SiteKind.Z);
        if (first >= SiteKind.AttentionOut) given.Add(SiteKind.AttentionOut);
        // Side by side, the MLP does not see what attention writes.
        bool mlpIsFree = first > SiteKind.ResidPre && !kinds.Any(k => k is > SiteKind.AttentionOut and < SiteKind.MlpOut);
        if (config.ParallelResidual && config.DMlp > 0 && mlpIsFree) given.Add(SiteKind.MlpOut);
        return new(layer, [.. given]);
    }

    /// <summary>Sites of <see cref="Given"/>.</summary>
    public IEnumerable<Site> Sites => Given.Select(kind => new Site(kind, Layer));

    /// <summary>Whether all that is computed lies behind the last block's keys.</summary>
    public bool IsBehindLastKeys(DecoderConfig config) => LightCone.IsBehindLastKeys(Sites.Last(), config);

    public bool Equals(PatchEntry? other) => other is not null && Layer == other.Layer && Given.SequenceEqual(other.Given);

    public override int GetHashCode() => HashCode.Combine(Layer, Given.Length, Given[^1]);

    public override string ToString() => string.Join('+', Sites);
}
