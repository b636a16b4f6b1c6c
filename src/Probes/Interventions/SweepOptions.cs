namespace MlNetIcl.Probes;

/// <summary>How patched runs are stacked. Values do not depend on it beyond rounding.</summary>
public sealed record SweepOptions
{
    /// <summary>
    /// Bound, in bytes, on what a sweep holds at one time: of the base run the values from which patched runs start, keys and values; of
    /// the patches that are computed together the activations of one block. Where all rows are too many for it, they are computed some
    /// at a time. Activation patching and ablation count the values that they write, too, and hold no more than those of these rows. One patch
    /// on one row is always computed, whatever it takes, and a patch of your own <see cref="SiteEdit"/>s on all rows. Not counted: the
    /// changes that path patching writes, which stand for all rows, and the logits, which take up to 64 MB.
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

    /// <summary>The open file of work of which the sweep is a part.</summary>
    internal SweepFile? File { get; init; }

    /// <summary>Told of each stack before it is computed; so that tests can count what is.</summary>
    internal Action<SweepStack>? Watch { get; init; }

    /// <summary>The runs that patches take values from.</summary>
    internal IReadOnlyList<SourceRows> Sources { get; init; } = [];

    /// <summary>How many rows of the base run are computed at the same time.</summary>
    internal int RowsFor(SweepMemory memory, int rows, int length) => (int)Math.Clamp(MaxActivationBytes / (memory.Kept + memory.Run(length)), 1, rows);

    /// <summary>How many patches are computed at the same time.</summary>
    internal int StackFor(SweepMemory memory, int rows, int positions) =>
        (int)Math.Clamp((MaxActivationBytes - (rows * memory.Kept)) / (rows * memory.Run(positions)), 1, MaxStack);

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxActivationBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxStack, 1);
    }
}
