using MlNetIcl.Models;
using MlNetIcl.Models.Native;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// One attention layer of the library's decoder with the weights of von Oswald et al. 2023 (proposition 1) for W0 = 0, over tokens (x, y) of which the last
/// one is the query (x_q, 0): key and query read x, the value is -y, and the answer is minus what is added to the query's y. Linear attention adds
/// -(eta / N) sum y k; for softmax attention the factor is 1 and the query is masked as a key of its own, since it is no demonstration.
/// </summary>
internal sealed class ConstructedLayer : IDisposable
{
    private readonly LanguageModel _model;
    private readonly int _dimension, _examples;

    public ConstructedLayer(AttentionKind attention, int dimension, int examples, double stepSize)
    {
        NativeTorch.EnsureLoaded();
        (_dimension, _examples) = (dimension, examples);
        int width = dimension + 1;
        var config = new DecoderConfig
        {
            Layers = 1,
            DModel = width,
            Heads = 1,
            Vocabulary = 1,
            Context = examples + 1,
            Norm = NormKind.None,
            Attention = attention,
            AttentionScale = attention == AttentionKind.Linear ? 1 : 1 / Math.Sqrt(dimension),
        };
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var inputs = diag(cat([ones(dimension), zeros(1)]));
        var outputs = diag(cat([zeros(dimension), -ones(1)]));
        var weights = new DecoderWeights
        {
            Embedding = zeros(1, width),
            Unembedding = zeros(1, width),
            Blocks = [new() { QueryKeyValue = cat([inputs, inputs, outputs], 0), Output = eye(width).Times(attention == AttentionKind.Linear ? stepSize / examples : 1) }],
        };
        foreach (var (_, value) in weights.Named()) value.DetachFromDisposeScope();
        _model = new LanguageModel(config, weights, name: "constructed");
    }

    /// <summary>The layer's answers to the queries [task].</summary>
    /// <param name="x">Inputs [task, N + 1, D], the query last.</param>
    /// <param name="y">Outputs [task, N].</param>
    public double[] Answers(float[] x, float[] y)
    {
        using var scope = NewDisposeScope();
        int tasks = y.Length / _examples, tokens = _examples + 1;
        var given = cat([tensor(y, [tasks, _examples]), zeros(tasks, 1)], 1); // the query's own y is 0
        var resid = cat([tensor(x, [tasks, tokens, _dimension]), given.unsqueeze(2)], 2); // [batch, pos, d_model]
        var output = new Site(SiteKind.AttentionOut, 0);
        var plan = new ForwardPlan().StartFrom(0, resid).Capture(output);
        if (_model.Config.Attention == AttentionKind.Softmax) plan.Replace(new Site(SiteKind.Scores, 0), WithoutQuery);
        using var result = _model.Run(new TokenBatch([.. Enumerable.Range(0, tasks).Select(_ => new int[tokens])]), plan);
        return result[output].select(1, _examples).select(1, _dimension).neg().to_type(ScalarType.Float64).contiguous().data<double>().ToArray();
    }

    public void Dispose() => _model.Dispose();

    /// <summary>Masks the query's score with itself in [batch, head, query, key].</summary>
    private static Tensor WithoutQuery(Tensor scores)
    {
        var masked = scores.clone();
        long last = masked.shape[3] - 1;
        masked.select(2, last).select(2, last).fill_(Kept.Scalar(double.NegativeInfinity));
        return masked;
    }
}
