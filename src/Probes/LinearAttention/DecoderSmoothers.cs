using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Holds every head of a decoder against smoothers of its own keys, queries and values, as the forward pass has them, at every query of every row.</summary>
internal static class DecoderSmoothers
{
    /// <summary>Both smoothers for the model's kind of attention, the one that it ought to equal first.</summary>
    /// <exception cref="UnsupportedModelException">Scores are no function of key and query alone.</exception>
    public static IReadOnlyList<SmootherComparison> Compare(LanguageModel model, IReadOnlyList<int[]> rows, int seed, CancellationToken cancellation)
    {
        var config = model.Config;
        Require(model);
        int heads = config.Layers * config.Heads;
        OutputPairs sums = new(rows.Count, heads), averages = new(rows.Count, heads);
        var layers = Enumerable.Range(0, config.Layers).Select(layer => new HeadSites(config, layer)).ToArray();
        var plan = new ForwardPlan().Capture(layers.SelectMany(sites => sites.All));
        for (int row = 0; row < rows.Count; row++)
        {
            using var result = model.Run(new TokenBatch([rows[row]]), plan, cancellation);
            for (int layer = 0; layer < config.Layers; layer++)
            {
                var values = new HeadValues(config, result, layers[layer]);
                for (int head = 0; head < config.Heads; head++) Compare(values, head, row, (layer * config.Heads) + head);
            }
        }
        bool linear = config.Attention == AttentionKind.Linear;
        return linear ? [Of(sums, SmootherKind.Unnormalised, true), Of(averages, SmootherKind.Normalised, false)]
            : [Of(averages, SmootherKind.Normalised, true), Of(sums, SmootherKind.Unnormalised, false)];

        void Compare(HeadValues values, int head, int row, int index)
        {
            int keyHead = head / (config.Heads / config.KeyHeads);
            var sum = new double[config.DHead];
            for (int i = 0; i < values.Length; i++)
            {
                Array.Clear(sum);
                double weights = 0;
                for (int j = 0; j <= i; j++) // causal: a query sees itself and what stands before it
                {
                    double score = config.ScoreScale * KernelSmoother.Linear(values.Key(j, keyHead), values.Query(i, head));
                    double weight = config.Attention == AttentionKind.Linear ? score : Math.Exp(score);
                    var value = values.Value(j, keyHead);
                    for (int c = 0; c < sum.Length; c++) sum[c] += weight * value[c];
                    weights += weight;
                }
                var z = values.Z(i, head);
                for (int c = 0; c < sum.Length; c++)
                {
                    sums.Add(row, index, z[c], sum[c]);
                    averages.Add(row, index, z[c], sum[c] / weights);
                }
            }
        }

        SmootherComparison Of(OutputPairs pairs, SmootherKind smoother, bool equal)
        {
            var (difference, scale) = pairs.Largest();
            return new()
            {
                Attention = config.Attention,
                Source = SmootherSource.Decoder,
                Model = model.Name,
                Smoother = smoother,
                Kernel = config.Attention == AttentionKind.Linear ? SmootherKernel.Linear : SmootherKernel.Exponential,
                ExpectedEqual = equal,
                MaxDifference = difference,
                Scale = scale,
                Gap = pairs.Gap(seed),
                N = rows.Count,
                Heads = heads,
            };
        }
    }

    /// <summary>Refuses a model whose scores depend on more than key and query.</summary>
    public static void Require(LanguageModel model)
    {
        if (Problem(model) is { } problem)
            throw new UnsupportedModelException($"'{model.Name}' {problem}; heads are held against smoothers where scores are products of key and query alone. Take a model with learned, rotary, Shortformer or no positions.");
    }

    /// <summary>What a model's scores depend on besides, or null.</summary>
    public static string? Problem(LanguageModel model) => model.Config switch
    {
        { Positions: PositionEncoding.Alibi or PositionEncoding.T5Bias } config => $"adds {(config.Positions == PositionEncoding.Alibi ? "ALiBi" : "a T5 bias")} to its scores",
        { QueryKeyNorm: true, Rotary: null } => "normalises queries and keys",
        var config when config.Windows.Any(w => w > 0) => "has sliding windows",
        _ => model.IsGraph ? "is an ONNX graph, whose keys and queries are not known" : null,
    };

    /// <summary>Where a layer's queries and keys are as they meet each other, its values and its heads' outputs.</summary>
    private sealed class HeadSites(DecoderConfig config, int layer)
    {
        public Site Query { get; } = new(config.Rotary is null ? SiteKind.Query : SiteKind.RotatedQuery, layer);

        public Site Key { get; } = new(config.Rotary is null ? SiteKind.Key : SiteKind.RotatedKey, layer);

        public Site Value { get; } = new(SiteKind.Value, layer);

        public Site Z { get; } = Site.Z(layer);

        public IEnumerable<Site> All => [Query, Key, Value, Z];
    }

    /// <summary>The values at a layer's sites for one row, in float64.</summary>
    private sealed class HeadValues
    {
        private readonly double[] _query, _key, _value, _z; // [pos, head | key_head, d_head]
        private readonly int _heads, _keyHeads, _width;

        public HeadValues(DecoderConfig config, ForwardResult result, HeadSites sites)
        {
            (_heads, _keyHeads, _width) = (config.Heads, config.KeyHeads, config.DHead);
            (_query, _key, _value, _z) = (Read(sites.Query), Read(sites.Key), Read(sites.Value), Read(sites.Z));

            double[] Read(Site site)
            {
                using var wide = result[site].to_type(ScalarType.Float64);
                using var dense = wide.contiguous();
                return dense.data<double>().ToArray();
            }
        }

        public int Length => _query.Length / (_heads * _width);

        public ReadOnlySpan<double> Query(int pos, int head) => _query.AsSpan(((pos * _heads) + head) * _width, _width);

        public ReadOnlySpan<double> Key(int pos, int keyHead) => _key.AsSpan(((pos * _keyHeads) + keyHead) * _width, _width);

        public ReadOnlySpan<double> Value(int pos, int keyHead) => _value.AsSpan(((pos * _keyHeads) + keyHead) * _width, _width);

        public ReadOnlySpan<double> Z(int pos, int head) => _z.AsSpan(((pos * _heads) + head) * _width, _width);
    }
}
