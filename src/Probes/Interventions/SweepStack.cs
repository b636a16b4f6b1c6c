using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>What one pass computes: some patches, each on some of the base run's rows.</summary>
/// <param name="Entry">Where the pass starts.</param>
/// <param name="First">The first position that any of the patches changes.</param>
/// <param name="Patches">Which patches, by their place in the sweep.</param>
/// <param name="FirstRow">The first of the rows.</param>
/// <param name="Rows">How many.</param>
internal sealed record SweepStack(PatchEntry Entry, int First, int[] Patches, int FirstRow, int Rows)
{
    /// <summary>With so many positions a pass keeps the machine busy: then patches that start later would only be held up.</summary>
    private const int EnoughPositions = 256;

    /// <summary>Cuts a sweep; where a stack ends depends on the sweep alone. Patches that the metric cannot notice are in none.</summary>
    /// <returns>The stacks, and how many rows of the base run are computed at the same time.</returns>
    public static (SweepStack[] Stacks, int BlockRows) Cut(DecoderConfig config, TokenBatch tokens, IReadOnlyList<Patch> patches, PatchMetric metric, SweepOptions options)
    {
        int[] changing = [.. Enumerable.Range(0, patches.Count).Where(i => patches[i].First < tokens.MaxLength)];
        if (changing.Length == 0) return ([], tokens.Count);
        var groups = changing.GroupBy(i => PatchEntry.Of(patches[i], config)).OrderBy(g => g.Key.Layer).ThenBy(g => g.Key.Given.Length).ThenBy(g => g.Key.Given[^1]).ToArray();
        var memory = new SweepMemory(config, tokens.MaxLength, [.. groups.Select(g => g.Key)], changing.Any(i => patches[i].First > 0)) { Source = options.Sources.Sum(s => s.BytesPerRow) };
        int blockRows = changing.Any(i => patches[i].IsOpaque) ? tokens.Count : options.RowsFor(memory, tokens.Count, tokens.MaxLength);
        var stacks = new List<SweepStack>();
        for (int row = 0; row < tokens.Count; row += blockRows)
        {
            var block = tokens.Block(row, blockRows);
            int[] reads = metric.ForRows(row, block.Count).Reads(block);
            foreach (var group in groups)
            {
                int[] noticed = [.. group.Where(i => patches[i].First <= reads[^1]).OrderBy(i => patches[i].First)];
                for (int from = 0, to; from < noticed.Length; from = to)
                {
                    int first = First(from), size = options.StackFor(memory, block.Count, block.MaxLength - first);
                    int positions = block.Count * (group.Key.IsBehindLastKeys(config) ? reads.Count(p => p >= first) : block.MaxLength - first);
                    for (to = from + 1; to < noticed.Length && to - from < size && (First(to) == first || (to - from) * positions < EnoughPositions);) to++;
                    stacks.Add(new SweepStack(group.Key, first, noticed[from..to], row, block.Count));
                }

                int First(int at) => patches[noticed[at]].First;
            }
        }
        return ([.. stacks], blockRows);
    }

    public override string ToString() => $"{Entry} from {First}, rows {FirstRow}+{Rows}: {string.Join(',', Patches)}";
}
