using MlNetIcl.Models.Native;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Training;

/// <summary>
/// The induction circuit of two attention layers, built from explicit weights (Elhage et al. 2021; Olsson et al. 2022). The residual stream
/// has four slots of one-hot codes: <c>[token | previous token | output | position]</c>.
/// A head of layer 0 attends to the previous position and copies its token to the second slot. A head of layer 1 attends to the positions
/// whose previous token is the query's own, that is, to what followed it earlier, and copies their token to the third, which the unembedding
/// reads. A query whose token has not stood before rests on BOS, which copies nothing.
/// </summary>
/// <remarks>Attention-only, no norm. Position codes reach queries and keys only (Shortformer). Weights grow with (3 vocabulary + context)^2.</remarks>
public static class InductionCircuit
{
    /// <summary>The working head of both layers; the other one is idle: uniform attention, no output.</summary>
    public const int WorkingHead = 0;

    /// <summary>What a match adds to a score, over a mismatch: e^-30 is as good as nothing beside 1.</summary>
    private const double Sharpness = 30;

    /// <summary>Logit of a copied token; all others have 0.</summary>
    private const double CopiedLogit = 20;

    private const int Heads = 2;
    private const int MaxWidth = 1 << 13;

    /// <summary>Width of the residual stream.</summary>
    public static int DModel(int vocabulary, int context) => (3 * vocabulary) + context;

    /// <summary>Width of a head: a code of all tokens or positions, and one dimension more for BOS.</summary>
    public static int DHead(int vocabulary, int context) => Math.Max(vocabulary + 1, context);

    /// <summary>Builds the circuit as a model; the caller owns it. Its name is <c>induction-circuit</c>.</summary>
    /// <param name="vocabulary">Number of token ids. Range: at least 2.</param>
    /// <param name="context">The longest row, in tokens. Range: at least 2; 3 <paramref name="vocabulary"/> + <paramref name="context"/> is at most 8192.</param>
    /// <param name="bosTokenId">The id that starts a row. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    public static LanguageModel Build(int vocabulary, int context, int bosTokenId = 0)
    {
        NativeTorch.EnsureLoaded();
        using var previous = PreviousTokenHead(vocabulary, context);
        using var induction = MatchingHead(vocabulary, context, bosTokenId);
        int width = DModel(vocabulary, context);
        var config = new DecoderConfig
        {
            Layers = 2,
            Heads = Heads,
            DModel = width,
            DHead = DHead(vocabulary, context),
            Vocabulary = vocabulary,
            Context = context,
            Positions = PositionEncoding.Shortformer,
            Norm = NormKind.None,
            BosTokenId = bosTokenId,
        };
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var weights = new DecoderWeights
        {
            Embedding = Codes(vocabulary, width, Slot.Token(vocabulary)),
            Positions = Codes(context, width, Slot.Position(vocabulary)),
            Unembedding = Codes(vocabulary, width, Slot.Output(vocabulary)).Times(CopiedLogit),
            Blocks = [Block(previous), Block(induction)],
        };
        foreach (var (_, value) in weights.Named()) value.DetachFromDisposeScope();
        return new LanguageModel(config, weights, name: "induction-circuit");
    }

    /// <summary>The head of layer 0: from each position to the one before it, whose token goes to the slot of the previous token. Position 0 attends to itself.</summary>
    /// <param name="vocabulary">As for <see cref="Build"/>.</param>
    /// <param name="context">As for <see cref="Build"/>.</param>
    public static InductionHead PreviousTokenHead(int vocabulary, int context)
    {
        var head = Empty(vocabulary, context);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        int positions = Slot.Position(vocabulary);
        double match = Sharpness * Math.Sqrt(head.DHead);
        head.q[TensorIndex.Slice(0, context - 1), TensorIndex.Slice(positions + 1, positions + context)] = eye(context - 1).Times(match); // position i asks for i - 1
        head.k[TensorIndex.Slice(0, context), TensorIndex.Slice(positions, positions + context)] = eye(context);
        CopyToken(head, vocabulary, Slot.Previous(vocabulary));
        return head;
    }

    /// <summary>The head of layer 1: from each token to the positions whose previous token is the same, whose tokens go to the output slot.</summary>
    /// <param name="vocabulary">As for <see cref="Build"/>.</param>
    /// <param name="context">As for <see cref="Build"/>.</param>
    /// <param name="bosTokenId">As for <see cref="Build"/>.</param>
    public static InductionHead MatchingHead(int vocabulary, int context, int bosTokenId = 0)
    {
        var head = Empty(vocabulary, context);
        if ((uint)bosTokenId >= (uint)vocabulary) throw new ArgumentOutOfRangeException(nameof(bosTokenId), bosTokenId, $"Expected an id from 0 to {vocabulary - 1}.");
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        int tokens = Slot.Token(vocabulary), previous = Slot.Previous(vocabulary);
        double rest = Sharpness * Math.Sqrt(head.DHead);
        head.q[TensorIndex.Slice(0, vocabulary), TensorIndex.Slice(tokens, tokens + vocabulary)] = eye(vocabulary).Times(2 * rest);
        head.k[TensorIndex.Slice(0, vocabulary), TensorIndex.Slice(previous, previous + vocabulary)] = eye(vocabulary);
        head.q[vocabulary, TensorIndex.Slice(tokens, tokens + vocabulary)] = ones(vocabulary).Times(rest); // every query asks for BOS, half as loud
        head.k[vocabulary, tokens + bosTokenId] = tensor(1f);
        CopyToken(head, vocabulary, Slot.Output(vocabulary));
        head.v[TensorIndex.Colon, tokens + bosTokenId] = zeros(head.DHead);
        return head;
    }

    private static InductionHead Empty(int vocabulary, int context)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabulary, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(context, 2);
        if ((3L * vocabulary) + context > MaxWidth)
            throw new ArgumentOutOfRangeException(nameof(vocabulary), vocabulary, $"Expected 3 vocabulary + context of at most {MaxWidth}, got {(3L * vocabulary) + context}.");
        var head = new InductionHead(DModel(vocabulary, context), DHead(vocabulary, context));
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        foreach (var projection in head.parameters()) projection.zero_();
        return head;
    }

    private static void CopyToken(InductionHead head, int vocabulary, int slot)
    {
        int tokens = Slot.Token(vocabulary);
        head.v[TensorIndex.Slice(0, vocabulary), TensorIndex.Slice(tokens, tokens + vocabulary)] = eye(vocabulary);
        head.o[TensorIndex.Slice(slot, slot + vocabulary), TensorIndex.Slice(0, vocabulary)] = eye(vocabulary);
    }

    /// <summary>One-hot rows [count, width], the first at column <paramref name="slot"/>.</summary>
    private static Tensor Codes(int count, int width, int slot)
    {
        var codes = zeros(count, width);
        codes[TensorIndex.Colon, TensorIndex.Slice(slot, slot + count)] = eye(count);
        return codes;
    }

    private static BlockWeights Block(InductionHead head)
    {
        var idle = zeros_like(head.q);
        return new BlockWeights
        {
            QueryKeyValue = cat([head.q, idle, head.k, idle, head.v, idle], 0), // [(head + 2 key_head) * d_head, d_model]
            Output = cat([head.o, zeros_like(head.o)], 1), // [d_model, head * d_head]
        };
    }

    /// <summary>Where each code starts in the residual stream.</summary>
    private static class Slot
    {
        public static int Token(int vocabulary) => 0 * vocabulary;

        public static int Previous(int vocabulary) => vocabulary;

        public static int Output(int vocabulary) => 2 * vocabulary;

        public static int Position(int vocabulary) => 3 * vocabulary;
    }
}
