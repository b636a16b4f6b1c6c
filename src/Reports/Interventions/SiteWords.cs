using MlNetIcl.Models;

namespace MlNetIcl.Reports.Interventions;

/// <summary>The sites that are patched, in short names and in words.</summary>
internal static class SiteWords
{
    private static readonly (SiteKind Kind, string Name, string Meaning)[] Sites =
    [
        (SiteKind.Z, "z", "head outputs (z)"),
        (SiteKind.Query, "q", "queries (q)"),
        (SiteKind.Key, "k", "keys (k)"),
        (SiteKind.Value, "v", "values (v)"),
        (SiteKind.Pattern, "pattern", "attention patterns"),
        (SiteKind.ResidPre, "resid_pre", "residual stream before each block (resid_pre)"),
        (SiteKind.ResidMid, "resid_mid", "residual stream between attention and MLP (resid_mid)"),
        (SiteKind.ResidPost, "resid_post", "residual stream after each block (resid_post)"),
        (SiteKind.AttentionOut, "attn_out", "attention outputs (attn_out)"),
        (SiteKind.MlpOut, "mlp_out", "MLP outputs (mlp_out)"),
    ];

    /// <summary>All short names, as the tool takes them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Sites.Select(s => s.Name)];

    public static SiteKind Kind(string name) => Sites.First(s => s.Name == name).Kind;

    /// <summary>The short name; for a site that has none, TransformerLens's.</summary>
    public static string Name(SiteKind kind) => Find(kind)?.Name ?? kind.ToString();

    public static string Meaning(SiteKind kind) => Find(kind)?.Meaning ?? kind.ToString();

    /// <summary>What a head is there: query heads may share a key head.</summary>
    public static string Head(SiteKind kind) => kind is SiteKind.Key or SiteKind.Value or SiteKind.RotatedKey ? "key head" : "head";

    private static (SiteKind Kind, string Name, string Meaning)? Find(SiteKind kind)
    {
        foreach (var site in Sites)
            if (site.Kind == kind) return site;
        return null;
    }
}
