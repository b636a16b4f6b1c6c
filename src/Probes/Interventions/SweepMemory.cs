using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>What a sweep holds for each row, in bytes.</summary>
internal sealed class SweepMemory(DecoderConfig config, int length, IReadOnlyList<PatchEntry> entries, bool keepsKeys)
{
    /// <summary>Of the base run: the values from which patched runs start, keys and values.</summary>
    public double Kept { get; } = sizeof(float) * (double)length * (entries.SelectMany(e => e.Sites).Distinct().Sum(s => WidthOf(s.Kind, config))
        + (keepsKeys ? 2.0 * config.KeyHeads * config.DHead * (config.Layers - entries.Min(e => e.Layer)) : 0));

    /// <summary>Of a run: one block's activations, as far as they stand at one time.</summary>
    /// <param name="positions">How many positions it computes.</param>
    // Scores and pattern; residuals, norm and output; q, k, v, z and a copy of one; the MLP; keys and values of all positions.
    public double Run(int positions) => sizeof(float)
        * ((positions * ((2.0 * config.Heads * length) + (5.0 * config.DModel) + (5.0 * config.Heads * config.DHead) + ((config.GatedMlp ? 4.0 : 2.0) * config.DMlp)))
            + (4.0 * config.KeyHeads * config.DHead * length)
            + (config.Sites.Count > 0 ? 2.0 * config.Vocabulary * length : 0)); // a graph gives whole logits

    private static int WidthOf(SiteKind kind, DecoderConfig config) => kind == SiteKind.Z ? config.Heads * config.DHead : config.DModel;
}
