using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MlNetIcl.Probes;

/// <summary>
/// A decoder over demonstrations and queries. Its 'vocabulary' is the coordinates of a token: x_1 … x_d, y, and a mark each for queries and
/// demonstrations. A token's embedding is the sum of the rows of the embedding, each times its coordinate; the answer is the logit of y.
/// </summary>
/// <remarks>
/// A demonstration is one token with x and y together, so that no head has to pair them first, which models that see x and y as two tokens learn
/// only after a long plateau. A query is seen by itself alone, so that several can stand in one row, behind more and more demonstrations or all behind
/// the same ones. No positions: demonstrations have no order but the causal mask. Owns its weights; thread-safe once trained.
/// </remarks>
internal sealed class RegressionDecoder : IDisposable
{
    private const int Chunk = 256; // rows at a time
    private const double InitialStd = 0.05, EmbeddingStd = 0.3;

    private readonly double _inputScale, _outputScale;

    public RegressionDecoder(InContextRegressorOptions options)
    {
        Config = ConfigOf(options);
        Weights = DecoderInitializer.Normal(Config, options.Seed, InitialStd);
        (_inputScale, _outputScale) = (options.Family.Input(), options.Family.Output(options.Dimension));
        using var noGradients = no_grad();
        Weights.Embedding.mul_(Kept.Scalar(EmbeddingStd / InitialStd));
        foreach (var block in Weights.Blocks)
        {
            block.Output.div_(Kept.Scalar(Math.Sqrt(2 * options.Layers))); // so that the stream does not grow with depth, as in GPT-2
            block.MlpOut!.div_(Kept.Scalar(Math.Sqrt(2 * options.Layers)));
        }
    }

    public DecoderConfig Config { get; }

    public DecoderWeights Weights { get; }

    private int Dimension => Config.Vocabulary - 3;

    /// <summary>Answers to each query from the demonstrations before it [task, n + 1]; differentiable where gradients are enabled.</summary>
    public Tensor ByShots(RegressionTasks tasks, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var queries = QueryTokens(tasks.Queries); // [task, n + 1, coordinate]
        var pairs = stack([queries.narrow(1, 0, tasks.Demonstrations), DemonstrationTokens(tasks.Inputs, tasks.Outputs)], 2); // query, demonstration, query, …
        var tokens = cat([pairs.view(tasks.Count, 2 * tasks.Demonstrations, Config.Vocabulary), queries.narrow(1, tasks.Demonstrations, 1)], 1);
        return Answers(tokens, [.. Enumerable.Range(0, tasks.Demonstrations + 1).Select(k => 2 * k)], cancellation).MoveToOuterDisposeScope();
    }

    /// <summary>Answers to queries [task, m, d] that all stand behind the same demonstrations [task, k, d], [task, k]: [task, m], without gradients.</summary>
    public Tensor Answer(Tensor inputs, Tensor outputs, Tensor queries, CancellationToken cancellation = default)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var tokens = cat([DemonstrationTokens(inputs, outputs), QueryTokens(queries)], 1);
        int[] reads = [.. Enumerable.Range((int)inputs.shape[1], (int)queries.shape[1])];
        var answers = new List<Tensor>();
        for (long first = 0; first < tokens.shape[0]; first += Chunk)
            answers.Add(Answers(tokens.narrow(0, first, Math.Min(Chunk, tokens.shape[0] - first)), reads, cancellation));
        return cat(answers, 0).MoveToOuterDisposeScope();
    }

    public void Dispose() => Weights.Dispose();

    private Tensor QueryTokens(Tensor x) => Tokens(x, zeros_like(x.narrow(2, 0, 1)), isQuery: true);

    private Tensor DemonstrationTokens(Tensor x, Tensor y) => Tokens(x, y.unsqueeze(2), isQuery: false);

    /// <summary>[task, point, d], [task, point, 1] to [task, point, coordinate].</summary>
    private Tensor Tokens(Tensor x, Tensor y, bool isQuery)
    {
        var (marked, blank) = (ones_like(y), zeros_like(y));
        return cat([x.Over(_inputScale), y.Over(_outputScale), isQuery ? marked : blank, isQuery ? blank : marked], 2).to_type(ScalarType.Float32);
    }

    private Tensor Answers(Tensor tokens, int[] queries, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var (count, length) = ((int)tokens.shape[0], (int)tokens.shape[1]);
        var resid = F.linear(tokens, Weights.Embedding.t()); // [task, pos, d_model]
        var plan = new ForwardPlan().StartFrom(0, resid).Within(new LightCone(0, length, queries)).Capture(Site.Logits);
        HideQueries(plan, queries, length);
        int[] unread = new int[length]; // the stream comes from coordinates, so ids are never looked at
        using var result = DecoderPass.Run(Config, Weights, new TokenBatch([.. Enumerable.Repeat(unread, count)]), plan, cancellation);
        return result[Site.Logits].select(2, Dimension).Times(_outputScale).MoveToOuterDisposeScope(); // [task, query]
    }

    /// <summary>Nobody but a query itself attends to it.</summary>
    private void HideQueries(ForwardPlan plan, int[] queries, int length)
    {
        if (queries is [var only] && only == length - 1) return;
        bool[] isQuery = new bool[length];
        foreach (int query in queries) isQuery[query] = true;
        var hidden = tensor(isQuery).unsqueeze(0).logical_and(eye(length).eq(Kept.Scalar(0))); // [query, key]
        var mask = zeros(length, length).masked_fill(hidden, Kept.Scalar(float.NegativeInfinity));
        var lastMask = mask.index_select(0, tensor([.. queries.Select(q => (long)q)]));
        for (int layer = 0; layer < Config.Layers; layer++)
        {
            var own = layer == Config.Layers - 1 ? lastMask : mask;
            plan.Replace(new Site(SiteKind.Scores, layer), scores => scores.add_(own, Kept.One));
        }
    }

    private static DecoderConfig ConfigOf(InContextRegressorOptions options) => new()
    {
        Layers = options.Layers,
        DModel = options.DModel,
        Heads = options.Heads,
        KeyHeads = 1, // of the shapes tried, one key head for all queries came nearest to least squares in equal time
        DMlp = 2 * options.DModel,
        Vocabulary = options.Dimension + 3,
        Context = Math.Max((2 * options.Demonstrations) + 1, options.Demonstrations + Chunk),
    };
}
