using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>How patched runs are stacked. Values do not depend on it beyond rounding.</summary>
public sealed record SweepOptions
{
    /// <summary>
    /// Bound, in bytes, on the activations of one block for all patches that are computed at the same time. A single patch is always
    /// computed, whatever it takes.
    /// </summary>
    /// <value>Default 256 MiB; at least 1.</value>
    public long MaxActivationBytes { get; init; } = 256L << 20;

    /// <summary>Most patches computed at the same time.</summary>
    /// <value>Default 64; at least 1.</value>
    public int MaxStack { get; init; } = 64;

    /// <summary>
    /// A file to which the values of each stack are appended as soon as they are there, and from which a sweep that was killed goes on:
    /// the same sweep with the same file computes what is missing, and gives the same bytes as one that was never interrupted.
    /// </summary>
    /// <remarks>
    /// Its first line tells model, rows, patches, metric and stacking. A file of another sweep is refused with an
    /// <see cref="InvalidDataException"/> and left as it is; a last line that was not written to its end is computed again. One sweep
    /// writes to a file at a time.
    /// </remarks>
    /// <value>Default null: nothing is written.</value>
    public string? ResultsFile { get; init; }

    internal int StackFor(DecoderConfig config, int rows, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxActivationBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxStack, 1);
        // Of a block, as far as they stand at one time: scores and pattern; residuals, norm and output; q, k, v, z and a copy of one; the MLP.
        double perPosition = (2.0 * config.Heads * length) + (5.0 * config.DModel) + (5.0 * config.Heads * config.DHead) + ((config.GatedMlp ? 4.0 : 2.0) * config.DMlp);
        return (int)Math.Clamp(MaxActivationBytes / (perPosition * length * rows * sizeof(float)), 1, MaxStack);
    }
}
