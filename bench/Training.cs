using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Bench;

/// <summary>
/// Training steps of a two-layer attention-only model, beside the bare matrix products of the same step: forward and backward, on inputs made
/// beforehand. Everything else of a step (softmax, norms, losses, the graph of gradients, the optimizer, drawing rows) is what the ratio shows.
/// </summary>
internal static class Training
{
    private const int Vocabulary = 64, Steps = 10;

    private sealed record Shape(int Layers, int Width, int Heads, int Length, int Rows);

    public static IEnumerable<Claim> Run()
    {
        var usual = new Shape(2, 64, 4, 64, 32);
        var claims = new List<Claim>();
        foreach (var shape in new[] { usual, usual with { Length = 128 }, usual with { Length = 256 }, usual with { Width = 128 }, usual with { Width = 256 }, usual with { Rows = 64 }, usual with { Rows = 128 } })
        {
            using var trainer = Trainer(shape);
            using var products = new BareProducts(shape);
            double[] ms = SideBySide.Medians(FormattableString.Invariant($"Training, {shape.Layers} layers of width {shape.Width}, {shape.Heads} heads, {shape.Rows} rows of {shape.Length}, {Steps} steps"), 9,
                ("training steps", () => trainer.Train(trainer.StepsDone + Steps)),
                ("bare matrix products, forward and backward", () => products.Run(Steps)));
            Console.WriteLine(FormattableString.Invariant($"  {1000 * Steps / ms[0],9:F1} steps a second"));
            claims.Add(new(FormattableString.Invariant($"width {shape.Width}, {shape.Rows} rows of {shape.Length}: step / bare products, time"), ms[0] / ms[1], 4, AtLeast: false));
        }
        return claims;
    }

    private static DecoderTrainer Trainer(Shape shape)
    {
        var config = new DecoderConfig { Layers = shape.Layers, DModel = shape.Width, Heads = shape.Heads, Vocabulary = Vocabulary, Context = shape.Length, Positions = PositionEncoding.Shortformer, BosTokenId = 0 };
        var rows = new RepeatedSequenceOptions { Tokens = [.. Enumerable.Range(1, Vocabulary - 1)], BosTokenId = 0, Lengths = [shape.Length] };
        return new DecoderTrainer(config, new RepeatedSequenceData(rows, seed: 1), new TrainingOptions { BatchTokens = shape.Rows * shape.Length });
    }

    /// <summary>Each product of a forward pass, y = a b, with the two of its backward pass, dy b' and a' dy.</summary>
    private sealed class BareProducts : IDisposable
    {
        private readonly Shape _shape;
        private readonly Tensor _x, _projection, _unembedding, _logits, _head, _pattern;

        public BareProducts(Shape shape)
        {
            _shape = shape;
            int tokens = shape.Rows * shape.Length, heads = shape.Rows * shape.Heads;
            using var generator = new Generator(1);
            Tensor Random(params long[] size) => empty(size, ScalarType.Float32).normal_(0, 1, generator);
            _x = Random(tokens, shape.Width);
            _projection = Random(shape.Width, shape.Width);
            _unembedding = Random(shape.Width, Vocabulary);
            _logits = Random(tokens, Vocabulary);
            _head = Random(heads, shape.Length, shape.Width / shape.Heads);
            _pattern = Random(heads, shape.Length, shape.Length);
        }

        public void Run(int steps)
        {
            for (int i = 0; i < steps; i++) Run();
        }

        private void Run()
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            for (int layer = 0; layer < _shape.Layers; layer++)
            {
                for (int i = 0; i < 4; i++) Product(_x, _projection, _x); // q, k, v, output
                Batched(_head, _head.transpose(1, 2), _pattern); // scores
                Batched(_pattern, _head, _head); // values
            }
            Product(_x, _unembedding, _logits);
        }

        private static void Product(Tensor a, Tensor b, Tensor gradient)
        {
            using var y = a.mm(b);
            using var da = gradient.mm(b.t());
            using var db = a.t().mm(gradient);
        }

        private static void Batched(Tensor a, Tensor b, Tensor gradient)
        {
            using var y = a.bmm(b);
            using var da = gradient.bmm(b.transpose(1, 2));
            using var db = a.transpose(1, 2).bmm(gradient);
        }

        public void Dispose()
        {
            foreach (var tensor in new[] { _x, _projection, _unembedding, _logits, _head, _pattern }) tensor.Dispose();
        }
    }
}
