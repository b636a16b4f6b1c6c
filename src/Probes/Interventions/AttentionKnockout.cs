using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>One query's sight of one key.</summary>
/// <param name="Layer">The block, from 0.</param>
/// <param name="Head">The head, from 0; null for all heads of the block.</param>
/// <param name="Query">The position that looks.</param>
/// <param name="Key">The position that it no longer sees; at or before <paramref name="Query"/>.</param>
public readonly record struct AttentionEdge(int Layer, int? Head, int Query, int Key);

/// <summary>
/// Attention knock-out (Geva et al. 2023, arXiv:2304.14767, section 4): cuts edges from token to token before the softmax, so that the
/// rest of the query's attention takes their share. Members are thread-safe.
/// </summary>
public static class AttentionKnockout
{
    /// <summary>Cuts sets of edges, the edges of a set together.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows; the edges are cut in each of them.</param>
    /// <param name="sets">The edges, set by set.</param>
    /// <param name="metric">What is read from each run.</param>
    /// <param name="options">How runs are stacked; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">An edge does not exist, or a query would be left without any key.</exception>
    public static SweepResult Run(
        LanguageModel model, TokenBatch tokens, IReadOnlyList<IReadOnlyList<AttentionEdge>> sets, PatchMetric metric,
        SweepOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(sets);
        foreach (var set in sets) Validate(model.Config, tokens, set);
        double cut = model.Config.Attention == AttentionKind.Linear ? 0 : double.NegativeInfinity;
        Patch[] patches = [.. sets.Select(set => new Patch([.. set.Select(edge =>
        {
            var slot = new PatchSlot(SiteKind.Scores, edge.Layer, edge.Head, edge.Query);
            return SiteEdit.Within(slot.Site, edge.Query, (scores, window) => slot.Of(scores, window)?.narrow(3, edge.Key, 1).fill_(Kept.Scalar(cut))); // [batch, head, query, key]
        })])
        {
            Identity = $"without {string.Join(' ', set)}",
        })];
        return PatchSweep.Run(model, tokens, patches, metric, options, progress, cancellationToken);
    }

    private static void Validate(DecoderConfig config, TokenBatch tokens, IReadOnlyList<AttentionEdge> set)
    {
        foreach (var edge in set)
        {
            new PatchSlot(SiteKind.Scores, edge.Layer, edge.Head, edge.Query).Require(config, tokens.MaxLength);
            if (edge.Key < FirstKey(edge) || edge.Key > edge.Query)
                throw new ArgumentException($"There is no edge {edge}: query {edge.Query} of layer {edge.Layer} sees keys {FirstKey(edge)} to {edge.Query}.");
        }
        if (config.Attention == AttentionKind.Linear) return; // without a softmax, a query may see nothing
        var perHead = set.SelectMany(e => e.Head is null ? Enumerable.Range(0, config.Heads).Select(h => e with { Head = h }) : [e]).Distinct();
        foreach (var query in perHead.GroupBy(e => e with { Key = 0 }))
            if (query.Count() == query.Key.Query - FirstKey(query.First()) + 1)
                throw new ArgumentException($"Layer {query.Key.Layer}, head {query.Key.Head}, query {query.Key.Query} would be left without any key. Leave it one, or ablate the head there.");

        int FirstKey(AttentionEdge edge) => config.WindowOf(edge.Layer) is > 0 and var window ? Math.Max(0, edge.Query - window + 1) : 0;
    }
}
