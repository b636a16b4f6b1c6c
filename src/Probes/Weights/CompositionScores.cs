using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What a later head reads from an earlier head's output.</summary>
public enum CompositionKind
{
    /// <summary>Its queries.</summary>
    Query,

    /// <summary>Its keys; what a previous-token head and an induction head do.</summary>
    Key,

    /// <summary>Its values.</summary>
    Value,
}

/// <summary>
/// Composition of earlier heads into later ones, ||W_OV^e W||_F / (||W_OV^e||_F ||W||_F), with W the later head's W_QK for queries,
/// its transpose for keys and its W_OV for values, as row vectors meet them (Elhage et al. 2021, "A Mathematical Framework for
/// Transformer Circuits", and TransformerLens's all_composition_scores). In [0, 1]. Immutable; thread-safe.
/// </summary>
/// <remarks>
/// Norm weights are not folded in; biases and rotations play no part. Random matrices of the same shape do not score 0 but about
/// 1 / sqrt(d_model) of overlap, so each score is read against <see cref="NullMean"/>.
/// </remarks>
public sealed class CompositionScores
{
    private readonly Dictionary<CompositionKind, double[][][][]> _scores;

    private CompositionScores(Dictionary<CompositionKind, double[][][][]> scores, double nullMean, double nullStandardDeviation) =>
        (_scores, NullMean, NullStandardDeviation) = (scores, nullMean, nullStandardDeviation);

    /// <summary>Mean score of random matrices of equal shape, one for all kinds.</summary>
    public double NullMean { get; }

    /// <summary>Standard deviation of the same.</summary>
    public double NullStandardDeviation { get; }

    /// <summary>[earlier layer][earlier head][later layer][later head]; 0 where the earlier layer is not earlier.</summary>
    public IReadOnlyList<double[][][]> this[CompositionKind kind] => _scores[kind];

    /// <summary>Score minus the mean of random matrices.</summary>
    public double Excess(CompositionKind kind, HeadId earlier, HeadId later) =>
        _scores[kind][earlier.Layer][earlier.Head][later.Layer][later.Head] - NullMean;

    /// <summary><see cref="Excess"/> in standard deviations of random matrices.</summary>
    public double ZScore(CompositionKind kind, HeadId earlier, HeadId later) => Excess(kind, earlier, later) / NullStandardDeviation;

    /// <summary>Scores all pairs of heads of different layers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="seed">Seed of the random matrices.</param>
    /// <param name="draws">Number of random pairs; at least 2.</param>
    /// <param name="cancellationToken">Checked between pairs of layers.</param>
    public static CompositionScores Compute(LanguageModel model, int seed = 0, int draws = 100, CancellationToken cancellationToken = default) =>
        Compute(model, seed, draws, (_, _, _) => true, cancellationToken);

    /// <param name="model">The model.</param>
    /// <param name="seed">Seed of the random matrices.</param>
    /// <param name="draws">Number of random pairs; at least 2.</param>
    /// <param name="isWanted">Whether a kind is wanted between an earlier layer and a later one; else the scores there stay 0.</param>
    /// <param name="cancellationToken">Checked between pairs of layers.</param>
    internal static CompositionScores Compute(LanguageModel model, int seed, int draws, Func<CompositionKind, int, int, bool> isWanted, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 2);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var config = model.Config;
        var layers = model.Weights.Blocks.Select(block => new Factors(config, block)).ToArray();
        Dictionary<CompositionKind, double[][][][]> scores = [];
        foreach (var kind in Enum.GetValues<CompositionKind>())
        {
            scores[kind] = Zeros(config);
            for (int later = 1; later < layers.Length; later++)
                for (int earlier = 0; earlier < later; earlier++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (!isWanted(kind, earlier, later)) continue;
                    var pairs = Pairs(layers[earlier].Writes, layers[later].Reads[kind]);
                    for (int e = 0; e < config.Heads; e++)
                        for (int l = 0; l < config.Heads; l++)
                            scores[kind][earlier][e][later][l] = pairs[e * config.Heads + l];
                }
        }
        var (mean, deviation) = Null(config, seed, draws);
        return new CompositionScores(scores, mean, deviation);
    }

    /// <summary>
    /// Scores of all pairs, from one product: the outer factors of both matrices are replaced by triangles that keep every norm.
    /// </summary>
    /// <param name="writes">[head, d_head, d_model].</param>
    /// <param name="reads">[head, d_model, d_head].</param>
    /// <returns>[earlier head * later head].</returns>
    private static double[] Pairs(Tensor writes, Tensor reads)
    {
        using var scope = NewDisposeScope();
        var (earlier, later, width, model) = (writes.shape[0], reads.shape[0], writes.shape[1], writes.shape[2]);
        var product = mm(writes.reshape(earlier * width, model), reads.transpose(0, 1).reshape(model, later * reads.shape[2]))
            .view(earlier, width, later, reads.shape[2]);
        var norms = product.square().sum([1, 3]).sqrt(); // [earlier, later]
        var each = writes.square().sum([1, 2]).sqrt().unsqueeze(1) * reads.square().sum([1, 2]).sqrt().unsqueeze(0);
        return [.. (norms / each).to_type(ScalarType.Float64).cpu().data<double>()];
    }

    /// <summary>The score of independent normal matrices: scale cancels, so that only the shape counts.</summary>
    private static (double Mean, double Deviation) Null(DecoderConfig config, int seed, int draws)
    {
        var random = new SeededRandom(seed, RandomStream.WeightNull);
        var scores = new double[draws];
        for (int i = 0; i < draws; i++)
        {
            using var scope = NewDisposeScope();
            scores[i] = Pairs(Reduce(Normal(config.DModel, config.DHead), Normal(config.DHead, config.DModel)),
                Reduce(Normal(config.DModel, config.DHead), Normal(config.DHead, config.DModel)).transpose(1, 2))[0];
        }
        double mean = scores.Average();
        return (mean, Math.Sqrt(scores.Sum(s => (s - mean) * (s - mean)) / (draws - 1)));

        Tensor Normal(int rows, int columns) =>
            tensor(Enumerable.Range(0, rows * columns).Select(_ => (float)random.NextNormal()).ToArray(), [1, rows, columns]);
    }

    /// <summary>For A B with A [.., d_model, d_head] and B [.., d_head, d_model], a matrix R B of d_head rows with every norm of A B X the same for all X.</summary>
    private static Tensor Reduce(Tensor a, Tensor b) => bmm(linalg.qr(a, linalg.QRMode.R).R, b);

    private static double[][][][] Zeros(DecoderConfig config) =>
        [.. Enumerable.Range(0, config.Layers).Select(_ => Enumerable.Range(0, config.Heads).Select(_ =>
            Enumerable.Range(0, config.Layers).Select(_ => new double[config.Heads]).ToArray()).ToArray())];

    private sealed class Factors
    {
        public Factors(DecoderConfig config, BlockWeights block)
        {
            var (query, key, value, output) = (HeadMatrices.Query(config, block), HeadMatrices.Key(config, block), HeadMatrices.Value(config, block), HeadMatrices.Output(config, block));
            Writes = Reduce(value, output);
            Reads = new()
            {
                [CompositionKind.Query] = Reduce(key, query.transpose(1, 2)).transpose(1, 2), // X W_Q W_K^T has the norms of X W_Q R^T
                [CompositionKind.Key] = Reduce(query, key.transpose(1, 2)).transpose(1, 2),
                [CompositionKind.Value] = Reduce(output.transpose(1, 2), value.transpose(1, 2)).transpose(1, 2),
            };
        }

        /// <summary>W_OV of each head, reduced: [head, d_head, d_model].</summary>
        public Tensor Writes { get; }

        /// <summary>W_QK, its transpose and W_OV, reduced: [head, d_model, d_head].</summary>
        public Dictionary<CompositionKind, Tensor> Reads { get; }
    }
}
