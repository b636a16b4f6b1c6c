using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.Interventions;
using static TorchSharp.torch;

namespace MlNetIcl.Estimators;

/// <summary>Rows that head outputs are learned from, read once.</summary>
/// <param name="Rows">The rows, at least one.</param>
/// <param name="Count">How many there are, where that is known.</param>
/// <param name="Limits">How many are computed together.</param>
/// <param name="Progress">Told the share done.</param>
internal sealed record ReferenceRows(IEnumerable<int[]> Rows, long? Count, BatchLimits Limits, IProgress<double> Progress)
{
    public IEnumerable<TokenBatch> Batches()
    {
        var batch = new List<int[]>();
        int longest = 0;
        long done = 0;
        foreach (int[] row in Rows)
        {
            longest = Math.Max(longest, row.Length);
            if (batch.Count > 0 && (batch.Count == Limits.Rows || (long)(batch.Count + 1) * longest > Limits.Tokens))
            {
                yield return Take();
                longest = row.Length;
            }
            batch.Add(row);
        }
        if (batch.Count > 0) yield return Take();

        TokenBatch Take()
        {
            var taken = new TokenBatch(batch);
            Progress.Report(Count is > 0 ? Math.Min(1, (double)(done += batch.Count) / Count.Value) : 0);
            batch.Clear();
            return taken;
        }
    }
}

/// <summary>What head outputs are replaced by, from rows.</summary>
internal static class HeadOutputLearning
{
    /// <summary>Means, per position or over all.</summary>
    public static HeadOutputTable Means(LanguageModel model, int[] layers, ReferenceRows rows, AblationKind kind, int minimumRows)
    {
        using var scope = NewDisposeScope();
        Site[] sites = [.. layers.Select(Site.Z)];
        using var means = new ReferenceMeans(sites);
        foreach (var batch in rows.Batches()) means.Add(model, batch, CancellationToken.None);
        int positions = kind == AblationKind.Mean ? 0 : means.PositionsOf(minimumRows);
        return new HeadOutputTable(sites.ToDictionary(site => site, site =>
            cat([means.PerPosition(site, positions), means.Pooled(site, 1)], 0).DetachFromDisposeScope()), goesOn: true);
    }

    /// <summary>The values of single rows: of the longest, drawn by the seed where more than enough are as long.</summary>
    public static IReadOnlyList<HeadOutputTable> Samples(LanguageModel model, int[] layers, ReferenceRows rows, int count, int seed)
    {
        var random = new SeededRandom(seed, RandomStream.Resampling);
        var drawn = new PriorityQueue<int[], (int, double)>(); // the shortest is the first to go
        foreach (int[] row in rows.Batches().SelectMany(batch => batch.Rows))
        {
            drawn.Enqueue(row, (row.Length, random.NextDouble()));
            if (drawn.Count > count) drawn.Dequeue();
        }
        return [.. drawn.UnorderedItems.OrderByDescending(d => d.Priority).Select(d => Sample(model, layers, d.Element))];
    }

    private static HeadOutputTable Sample(LanguageModel model, int[] layers, int[] row)
    {
        using var run = model.Run(new TokenBatch([row]), new ForwardPlan().Capture(layers.Select(Site.Z)));
        return new HeadOutputTable(layers.ToDictionary(Site.Z, layer =>
        {
            using var scope = NewDisposeScope();
            return run[Site.Z(layer)].squeeze(0).to_type(ScalarType.Float32).clone().DetachFromDisposeScope(); // [pos, head, d_head]
        }), goesOn: false, row);
    }
}
