using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>The probabilities of label tokens behind prompts that share their beginning, which is computed once.</summary>
internal sealed class LabelReader(LanguageModel model, int[] labelTokens)
{
    private const int TokensAtOnce = 1024;

    /// <summary>Of each query its labels' probabilities over the whole vocabulary [query][label].</summary>
    /// <param name="shared">What all prompts begin with; may be empty.</param>
    /// <param name="queries">What they end with.</param>
    /// <param name="cancellationToken">Checked before every block.</param>
    /// <exception cref="InvalidTokensException">A prompt is longer than the model's context.</exception>
    public double[][] Read(int[] shared, IReadOnlyList<int[]> queries, CancellationToken cancellationToken)
    {
        // Queries of one length side by side waste nothing on padding.
        int[] order = [.. Enumerable.Range(0, queries.Count).OrderBy(i => queries[i].Length)];
        var probabilities = new double[queries.Count][];
        bool caches = shared.Length > 0 && !model.IsGraph && queries.Count > 1;
        using var cache = caches ? Cache(shared, queries, cancellationToken) : null;
        for (int from = 0, to; from < order.Length; from = to)
        {
            to = from + 1;
            while (to < order.Length && (to - from + 1) * (queries[order[to]].Length + (caches ? 0 : shared.Length)) <= TokensAtOnce) to++;
            int[] block = order[from..to];
            double[][] read = Block(new TokenBatch([.. block.Select(i => (int[])[.. shared, .. queries[i]])]), shared.Length, cache, cancellationToken);
            for (int i = 0; i < block.Length; i++) probabilities[block[i]] = read[i];
        }
        return probabilities;
    }

    private KeyValueCache Cache(int[] shared, IReadOnlyList<int[]> queries, CancellationToken cancellationToken)
    {
        new TokenBatch([[.. shared, .. queries.MaxBy(q => q.Length)!]]).Validate(model.Config);
        var cache = new KeyValueCache(0);
        try
        {
            model.Run(new TokenBatch([shared]), new ForwardPlan().Keep(cache).Observe(FinalHidden.Site(model.Config), _ => { }), cancellationToken).Dispose();
            return cache;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    private double[][] Block(TokenBatch rows, int shared, KeyValueCache? cache, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var plan = new ForwardPlan();
        int[] positions = [.. Enumerable.Range(0, rows.MaxLength)];
        ForwardResult? embedded = null;
        if (cache is not null)
        {
            int[] reads = [.. Enumerable.Range(0, rows.Count).Select(row => rows[row].Length - 1).Distinct().Order()];
            var cone = new LightCone(shared, rows.MaxLength, reads, cache);
            var start = new Site(SiteKind.ResidPre, 0);
            embedded = model.Run(rows, new ForwardPlan().Capture(start), cancellationToken);
            plan.Within(cone).StartFrom(0, embedded[start].narrow(1, shared, cone.Count));
            positions = cone.PositionsOf(FinalHidden.Site(model.Config), model.Config);
        }
        using var owned = embedded;
        var probabilities = new double[rows.Count][];
        plan.Observe(FinalHidden.Site(model.Config), hidden =>
        {
            using var inner = NewDisposeScope();
            var last = stack([.. Enumerable.Range(0, rows.Count).Select(row => hidden[row, Array.IndexOf(positions, rows[row].Length - 1)])]); // [batch, d_model]
            var logits = model.IsGraph ? last : nn.functional.linear(FinalHidden.Of(model, last), model.Weights.Unembedding, model.Weights.UnembeddingBias); // [batch, vocab]
            float[] labels = [.. logits.to_type(ScalarType.Float32).softmax(-1).index_select(1, tensor(labelTokens.Select(t => (long)t).ToArray(), device: logits.device)).cpu().data<float>()];
            for (int row = 0; row < rows.Count; row++) probabilities[row] = [.. labels.AsSpan(row * labelTokens.Length, labelTokens.Length).ToArray().Select(p => (double)p)];
        });
        model.Run(rows, plan, cancellationToken).Dispose();
        return probabilities;
    }
}
