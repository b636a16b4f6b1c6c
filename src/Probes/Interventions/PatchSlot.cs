using System.Globalization;
using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>A part of a site that is patched as one: all of it, one head, one position, or one head at one position.</summary>
/// <param name="Kind">The site; it must lie inside a block.</param>
/// <param name="Layer">The block, from 0.</param>
/// <param name="Head">The head, from 0; null for all, or where the site has none. At keys and values it is a key head.</param>
/// <param name="Position">The position, from 0 (at scores and pattern the query); null for all.</param>
public readonly record struct PatchSlot(SiteKind Kind, int Layer, int? Head = null, int? Position = null)
{
    /// <summary>The site that the slot is a part of.</summary>
    public Site Site => new(Kind, Layer);

    /// <summary>How many heads a site has in a model: key heads at keys and values, query heads elsewhere; null where it is not split into heads.</summary>
    public static int? HeadsOf(SiteKind kind, DecoderConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return kind is SiteKind.Key or SiteKind.Value or SiteKind.RotatedKey ? config.KeyHeads
            : HeadAxis(kind) is null ? null : config.Heads;
    }

    /// <summary>All slots of a kind, ordered by layer, position and head, of which each has one head (where the site has heads).</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="kind">The site.</param>
    /// <param name="length">Tokens in a row for one slot per position; null for slots that span all positions.</param>
    /// <exception cref="ArgumentException">The model lacks the site.</exception>
    public static IReadOnlyList<PatchSlot> All(DecoderConfig config, SiteKind kind, int? length = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        int?[] heads = HeadsOf(kind, config) is { } count ? [.. Enumerable.Range(0, count)] : [null];
        int?[] positions = length is { } tokens ? [.. Enumerable.Range(0, tokens)] : [null];
        PatchSlot[] slots = [.. from layer in Enumerable.Range(0, config.Layers) from position in positions from head in heads select new PatchSlot(kind, layer, head, position)];
        slots[0].Require(config, length ?? 1);
        return slots;
    }

    /// <summary>Checks that a model has this slot on rows of <paramref name="length"/> tokens.</summary>
    /// <exception cref="ArgumentException">It has not; the message says why.</exception>
    public void Require(DecoderConfig config, int length)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!Site.IsInBlock(Kind)) throw new ArgumentException($"Patches are made inside blocks; '{Site}' lies outside.");
        if (SiteRules.WhyMissing(Site, config) is { } why) throw new ArgumentException($"Site '{Site}' does not exist here: {why}.");
        int? heads = HeadsOf(Kind, config);
        if (Head is { } head && (heads is null || (uint)head >= (uint)heads))
            throw new ArgumentException(heads is null ? $"Site '{Site}' is not split into heads, got head {head}." : $"Site '{Site}' has heads 0 to {heads - 1}, got {head}.");
        if (Position is { } position && (uint)position >= (uint)length)
            throw new ArgumentException($"The rows have positions 0 to {length - 1}, got {position}.");
    }

    /// <summary>As <c>blocks.0.attn.hook_z[head 1, position 3]</c>.</summary>
    public override string ToString() => (Head, Position) switch
    {
        (null, null) => Site.ToString(),
        ({ } head, null) => string.Create(CultureInfo.InvariantCulture, $"{Site}[head {head}]"),
        (null, { } position) => string.Create(CultureInfo.InvariantCulture, $"{Site}[position {position}]"),
        ({ } head, { } position) => string.Create(CultureInfo.InvariantCulture, $"{Site}[head {head}, position {position}]"),
    };

    /// <summary>The slot's part of a value of its site: a view.</summary>
    internal Tensor Of(Tensor value)
    {
        if (Head is { } head) value = value.narrow(HeadAxis(Kind)!.Value, head, 1);
        return Position is { } position ? value.narrow(PositionAxis(Kind), position, 1) : value;
    }

    /// <summary>The slot's part of what a window shows of its site: a view, or null where the slot's position lies outside.</summary>
    internal Tensor? Of(Tensor value, SiteWindow window)
    {
        if (Head is { } head) value = value.narrow(HeadAxis(Kind)!.Value, head, 1);
        if (Position is not { } position) return value;
        int at = Array.BinarySearch(window.Positions, position);
        return at < 0 ? null : value.narrow(PositionAxis(Kind), at, 1);
    }

    /// <summary>The axis of heads in a value of a site, or null.</summary>
    internal static int? HeadAxis(SiteKind kind) => kind switch
    {
        SiteKind.Query or SiteKind.Key or SiteKind.Value or SiteKind.RotatedQuery or SiteKind.RotatedKey or SiteKind.Z or SiteKind.Result => 2,
        SiteKind.Scores or SiteKind.Pattern => 1,
        _ => null,
    };

    internal static int PositionAxis(SiteKind kind) => kind is SiteKind.Scores or SiteKind.Pattern ? 2 : 1;
}
