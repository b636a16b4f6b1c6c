using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>What a sweep holds for each row, in bytes.</summary>
internal sealed class SweepMemory(DecoderConfig config, int length, IReadOnlyList<PatchEntry> entries, bool keepsKeys)
{
    private readonly double _base = entries.SelectMany(e => e.Sites).Distinct().Sum(s => BytesOf(s.Kind, config, length))
        + (keepsKeys ? 2.0 * BytesOf(SiteKind.Key, config, length) * (config.Layers - entries.Min(e => e.Layer)) : 0);

    /// <summary>Of the run that patches take values from.</summary>
    public double Source { get; init; }

    /// <summary>Beside a patched run: of the base run the values from which it starts, keys and values; and <see cref="Source"/>.</summary>
    public double Kept => _base + Source;

    /// <summary>Of a run: one block's activations, as far as they stand at one time.</summary>
    /// <param name="positions">How many positions it computes.</param>
    // Scores and pattern; residuals, norm and output; q, k, v, z and a copy of one; the MLP; keys and values of all positions.
    public double Run(int positions) => sizeof(float)
        * ((positions * ((2.0 * config.Heads * length) + (5.0 * config.DModel) + (5.0 * config.Heads * config.DHead) + ((config.GatedMlp ? 4.0 : 2.0) * config.DMlp)))
            + (4.0 * config.KeyHeads * config.DHead * length)
            + (config.Sites.Count > 0 ? 2.0 * config.Vocabulary * length : 0)); // a graph gives whole logits

    /// <summary>Of a site's value.</summary>
    public static double BytesOf(SiteKind kind, DecoderConfig config, int length) => sizeof(float) * (double)length * kind switch
    {
        SiteKind.Scores or SiteKind.Pattern => (double)config.Heads * length,
        SiteKind.Query or SiteKind.RotatedQuery or SiteKind.Z => config.Heads * config.DHead,
        SiteKind.Key or SiteKind.RotatedKey or SiteKind.Value => config.KeyHeads * config.DHead,
        SiteKind.Result => (double)config.Heads * config.DModel,
        SiteKind.MlpPre or SiteKind.MlpPreLinear or SiteKind.MlpPost => config.DMlp,
        _ => config.DModel,
    };
}
