using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.Confirmation;

/// <summary>The hand-built induction circuit with more heads, of which it is known what each does to copying.</summary>
internal static class CopyingModel
{
    private const int Vocabulary = 40, Context = 41;
    private const double CopiedLogit = 20, Sharpness = 30;

    /// <summary>Layer 0: the previous-token head, the others idle. Layer 1: the copying heads, the canceller if asked for, bystanders.</summary>
    /// <param name="copies">One induction head each: what it adds to the copied token's logit, in units of 20. All look at the same place.</param>
    /// <param name="bystanders">Heads with uniform attention that add a little noise to the logits.</param>
    /// <param name="canceller">
    /// The unembedding reads the current token too, and a head that attends to its own position takes that back: without it the model
    /// says every token twice, whether the row repeats or not.
    /// </param>
    public static LanguageModel Build(double[] copies, int bystanders, bool canceller = false)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        int width = InductionCircuit.DModel(Vocabulary, Context), dHead = InductionCircuit.DHead(Vocabulary, Context), heads = copies.Length + bystanders + (canceller ? 1 : 0);
        var config = new DecoderConfig
        {
            Layers = 2,
            Heads = heads,
            DModel = width,
            DHead = dHead,
            Vocabulary = Vocabulary,
            Context = Context,
            Positions = PositionEncoding.Shortformer,
            Norm = NormKind.None,
            BosTokenId = 0,
        };
        Head[] first = [Of(InductionCircuit.PreviousTokenHead(Vocabulary, Context)), .. Enumerable.Repeat(Idle(width, dHead), heads - 1)];
        Head[] second =
        [
            .. copies.Select(scale => Of(InductionCircuit.MatchingHead(Vocabulary, Context), scale)),
            .. canceller ? [Canceller(width, dHead)] : (Head[])[],
            .. Enumerable.Range(0, bystanders).Select(i => Bystander(width, dHead, seed: i)),
        ];
        var unembedding = Codes(Vocabulary, width, 2 * Vocabulary) * CopiedLogit;
        if (canceller) unembedding = unembedding + (Codes(Vocabulary, width, 0) * CopiedLogit);
        var weights = new DecoderWeights
        {
            Embedding = Codes(Vocabulary, width, 0),
            Positions = Codes(Context, width, 3 * Vocabulary),
            Unembedding = unembedding,
            Blocks = [Block(first), Block(second)],
        };
        foreach (var (_, value) in weights.Named()) value.DetachFromDisposeScope();
        return new LanguageModel(config, weights, name: "copying");
    }

    private sealed record Head(Tensor Q, Tensor K, Tensor V, Tensor O);

    private static Head Of(InductionHead head, double scale = 1) => new(head.q, head.k, head.v, head.o * scale);

    private static Head Idle(int width, int dHead) => new(zeros(dHead, width), zeros(dHead, width), zeros(dHead, width), zeros(width, dHead));

    private static Head Bystander(int width, int dHead, int seed)
    {
        var random = new Random(seed);
        var value = zeros(dHead, width);
        value[TensorIndex.Slice(0, Vocabulary), TensorIndex.Slice(0, Vocabulary)] = eye(Vocabulary);
        var output = zeros(width, dHead); // each mean of tokens so far moves the logits a little
        output[TensorIndex.Slice(2 * Vocabulary, 3 * Vocabulary), TensorIndex.Slice(0, Vocabulary)] =
            tensor([.. Enumerable.Range(0, Vocabulary * Vocabulary).Select(_ => (float)(0.05 * (random.NextDouble() - 0.5)))], [Vocabulary, Vocabulary]);
        return new Head(zeros(dHead, width), zeros(dHead, width), value, output);
    }

    private static Head Canceller(int width, int dHead)
    {
        Head head = Idle(width, dHead);
        int positions = 3 * Vocabulary;
        head.Q[TensorIndex.Slice(0, Context), TensorIndex.Slice(positions, positions + Context)] = eye(Context) * (Sharpness * Math.Sqrt(dHead));
        head.K[TensorIndex.Slice(0, Context), TensorIndex.Slice(positions, positions + Context)] = eye(Context);
        head.V[TensorIndex.Slice(0, Vocabulary), TensorIndex.Slice(0, Vocabulary)] = eye(Vocabulary);
        head.O[TensorIndex.Slice(2 * Vocabulary, 3 * Vocabulary), TensorIndex.Slice(0, Vocabulary)] = -eye(Vocabulary);
        return head;
    }

    private static BlockWeights Block(Head[] heads) => new()
    {
        QueryKeyValue = cat([.. heads.Select(h => h.Q), .. heads.Select(h => h.K), .. heads.Select(h => h.V)], 0),
        Output = cat([.. heads.Select(h => h.O)], 1),
    };

    private static Tensor Codes(int count, int width, int slot)
    {
        var codes = zeros(count, width);
        codes[TensorIndex.Colon, TensorIndex.Slice(slot, slot + count)] = eye(count);
        return codes;
    }
}
