namespace MlNetIcl.Models;

/// <summary>
/// The positions that a pass computes where the rest is as in an earlier pass over the same tokens: in a causal model nothing before the
/// first change is different, and behind the last block's keys and values only what is read matters.
/// </summary>
/// <param name="First">The first position that is computed.</param>
/// <param name="Length">Positions in all, padding included.</param>
/// <param name="Reads">The positions, ascending and from <paramref name="First"/> on, that are queries in the last block; null for all.</param>
/// <param name="Earlier">Keys and values of the positions before <paramref name="First"/>; needed where there are any.</param>
internal sealed record LightCone(int First, int Length, int[]? Reads = null, KeyValueCache? Earlier = null)
{
    /// <summary>How many positions are computed before the last block's queries.</summary>
    public int Count => Length - First;

    /// <summary>Whether the site stands at <see cref="Reads"/> alone.</summary>
    public bool IsRestricted(Site site, DecoderConfig config) => Reads is not null && IsBehindLastKeys(site, config);

    /// <summary>Whether the site is one of the last block's queries or of what comes from them.</summary>
    public static bool IsBehindLastKeys(Site site, DecoderConfig config) =>
        site.Kind > SiteKind.ResidPost || (site.Layer == config.Layers - 1
            && site.Kind is not (SiteKind.ResidPre or SiteKind.AttentionNormScale or SiteKind.AttentionNormalized or SiteKind.Key or SiteKind.RotatedKey or SiteKind.Value));

    /// <summary>The positions at which the site is computed (at scores and pattern: the queries).</summary>
    public int[] PositionsOf(Site site, DecoderConfig config) => IsRestricted(site, config) ? Reads! : [.. Enumerable.Range(First, Count)];
}
