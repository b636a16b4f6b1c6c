using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Reads a graph over positions from the attention of a language model's heads, as Nichani, Damian &amp; Lee 2024 (section 6) read it from the first layer:
/// an edge where a position attends to an earlier one, on average over rows, at least so much. Members are thread-safe.
/// </summary>
/// <remarks>
/// Each pair of positions has the head that attends most to it on average; so the map is no upper envelope of single rows. A model's first token often
/// draws attention that means nothing; it then looks like everybody's parent.
/// </remarks>
public static class AttentionGraphReader
{
    private const int BatchRows = 32;

    /// <summary>Reads rows.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">Token ids, rows of one length, at least one.</param>
    /// <param name="heads">The heads; null for those of the first layer.</param>
    /// <param name="threshold">The least attention of an edge, in (0, 1].</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked in every pass.</param>
    /// <returns>The reading, and of each pair, in its order, the head.</returns>
    /// <exception cref="ArgumentException">There is no row, they differ in length, or the model has no such head.</exception>
    /// <exception cref="InvalidTokensException">A row does not fit the model.</exception>
    public static (CausalGraphReading Reading, IReadOnlyList<HeadId> Heads) Read(
        LanguageModel model, IReadOnlyList<int[]> rows, IReadOnlyList<HeadId>? heads = null, double threshold = 0.5, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        if (!(threshold is > 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "Expected a threshold above 0 and at most 1.");
        if (rows.Count == 0) throw new ArgumentException("Expected at least one row, got none.", nameof(rows));
        int length = rows[0].Length;
        if (rows.FirstOrDefault(row => row.Length != length) is { } other) throw new ArgumentException($"Expected rows of one length, got {length} and {other.Length} tokens.", nameof(rows));
        HeadId[] all = heads is null ? [.. HeadId.All(model.Config).Where(head => head.Layer == 0)] : [.. heads];
        if (all.Length == 0) throw new ArgumentException("Expected at least one head, got none.", nameof(heads));
        foreach (var head in all) head.Require(model.Config);

        double[][] sums = [.. all.Select(_ => new double[length * length])];
        for (int from = 0; from < rows.Count; from += BatchRows)
        {
            var batch = new TokenBatch([.. rows.Skip(from).Take(BatchRows)]);
            ForHeads(model, batch, all, (head, pattern) =>
            {
                double[] sum = pattern.to_type(ScalarType.Float64).sum([0L]).cpu().contiguous().data<double>().ToArray();
                for (int i = 0; i < sum.Length; i++) sums[head][i] += sum[i] / rows.Count;
            }, cancellationToken);
            progress?.Report((double)Math.Min(rows.Count, from + BatchRows) / rows.Count);
        }
        int Best(int query, int key) => Enumerable.Range(0, all.Length).MaxBy(head => sums[head][(query * length) + key]);
        var map = new EdgeMap(Enumerable.Range(0, length).Select(query => Enumerable.Range(0, query + 1).Select(key => Math.Clamp(sums[Best(query, key)][(query * length) + key], 0, 1)).ToArray()));
        var reading = new CausalGraphReading { Source = model.Name, Rows = rows.Count, Map = map, Graph = map.Graph(threshold), Threshold = threshold };
        return (reading, [.. reading.Pairs.Select(pair => all[Best(pair.Child, pair.Parent)])]);
    }

    /// <summary>The attention of each row along each pair, by the pair's head.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">Rows of one length.</param>
    /// <param name="heads">The head of each pair, in the order of <see cref="CausalGraphReading.Pairs"/>.</param>
    /// <param name="cancellationToken">Checked in every pass.</param>
    /// <returns>[row][pair].</returns>
    /// <exception cref="ArgumentException">There are not as many heads as pairs, or the model has no such head.</exception>
    public static float[][] Strengths(LanguageModel model, TokenBatch rows, IReadOnlyList<HeadId> heads, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(heads);
        int length = rows.MaxLength;
        CausalEdge[] pairs = [.. CausalGraphReading.PairsOf(length)];
        if (pairs.Length != heads.Count) throw new ArgumentException($"Expected a head for each of the {pairs.Length} pairs of {length} positions, got {heads.Count}.", nameof(heads));
        HeadId[] all = [.. heads.Distinct()];
        foreach (var head in all) head.Require(model.Config);
        float[][] strengths = [.. Enumerable.Range(0, rows.Count).Select(_ => new float[pairs.Length])];
        ForHeads(model, rows, all, (head, pattern) =>
        {
            float[] values = pattern.to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray(); // [row, query, key]
            for (int i = 0; i < pairs.Length; i++)
                for (int row = 0; row < rows.Count && heads[i] == all[head]; row++) strengths[row][i] = values[(((row * length) + pairs[i].Child) * length) + pairs[i].Parent];
        }, cancellationToken);
        return strengths;
    }

    private static void ForHeads(LanguageModel model, TokenBatch rows, HeadId[] heads, Action<int, Tensor> read, CancellationToken cancellation)
    {
        var plan = new ForwardPlan();
        foreach (var layer in Enumerable.Range(0, heads.Length).GroupBy(i => heads[i].Layer))
            plan.Observe(Site.Pattern(layer.Key), pattern => // [batch, head, query, key]
            {
                using var scope = NewDisposeScope();
                foreach (int i in layer) read(i, pattern.select(1, heads[i].Head));
            });
        using var noGradients = no_grad();
        model.Run(rows, plan, cancellation).Dispose();
    }
}
