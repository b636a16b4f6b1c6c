namespace MlNetIcl.Models;

/// <summary>Where a decoder gets the order of its tokens from.</summary>
public enum PositionEncoding
{
    /// <summary>No position information but the causal mask (NoPE).</summary>
    None,

    /// <summary>A learned table added to the embedding.</summary>
    Learned,

    /// <summary>Rotation of queries and keys (RoPE), the two halves of the rotated part forming the pairs.</summary>
    Rotary,

    /// <summary>A fixed linear penalty on the attention scores (ALiBi).</summary>
    Alibi,

    /// <summary>A learned table added to the input of queries and keys only (Shortformer).</summary>
    Shortformer,

    /// <summary>A learned scalar per head and bucketed offset added to the attention scores (T5).</summary>
    T5Bias,
}

/// <summary>The normalisation before each block and before the unembedding.</summary>
public enum NormKind
{
    /// <summary>None.</summary>
    None,

    /// <summary>Layer normalisation with weight and bias.</summary>
    LayerNorm,

    /// <summary>Root-mean-square normalisation with weight only.</summary>
    RmsNorm,
}

/// <summary>How attention weights come from scores.</summary>
public enum AttentionKind
{
    /// <summary>Softmax over the keys at or before the query.</summary>
    Softmax,

    /// <summary>The causal scores themselves, unnormalised.</summary>
    Linear,
}

/// <summary>The non-linearity of the MLP.</summary>
public enum ActivationKind
{
    /// <summary>x * Phi(x), by the error function.</summary>
    Gelu,

    /// <summary>The tanh approximation of GELU (gelu_new, gelu_pytorch_tanh).</summary>
    GeluTanh,

    /// <summary>max(0, x).</summary>
    Relu,

    /// <summary>x * sigmoid(x).</summary>
    Silu,
}

/// <summary>The frequency scaling of Llama 3.1: low frequencies are divided by <see cref="Factor"/>, high ones kept, those between interpolated.</summary>
/// <param name="Factor">Divisor of the low frequencies, at least 1.</param>
/// <param name="LowFrequencyFactor">Wavelengths above original context / this are low frequencies.</param>
/// <param name="HighFrequencyFactor">Wavelengths below original context / this are high frequencies.</param>
/// <param name="OriginalContext">The context length, in tokens, that the model was first trained with.</param>
public sealed record Llama3RotaryScaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalContext);

/// <summary>Settings of <see cref="PositionEncoding.Rotary"/>.</summary>
/// <param name="Dimensions">How many leading dimensions of each head rotate; even, at most the head's.</param>
/// <param name="Base">The base of the frequencies (rope_theta).</param>
/// <param name="Scaling">The frequency scaling, if any.</param>
public sealed record RotaryConfig(int Dimensions, double Base = 10000, Llama3RotaryScaling? Scaling = null)
{
    /// <summary>What each of the <see cref="Dimensions"/> / 2 frequencies is divided by, after <see cref="Scaling"/>; positive. Default (null): nothing.</summary>
    public IReadOnlyList<double>? FrequencyDivisors { get; init; }
}

/// <summary>The shape of a decoder-only transformer, independent of the file that it came from. Immutable.</summary>
public sealed record DecoderConfig
{
    /// <summary>The family as Hugging Face names it (<c>gpt2</c>, <c>llama</c>, …), or <c>custom</c>.</summary>
    public string Family { get; init; } = "custom";

    /// <summary>Number of blocks, at least 1.</summary>
    public required int Layers { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int DModel { get; init; }

    /// <summary>Number of query heads in each block.</summary>
    public required int Heads { get; init; }

    /// <summary>Number of key and value heads; divides <see cref="Heads"/>. Equal to it for multi-head, 1 for multi-query attention. Default: <see cref="Heads"/>.</summary>
    public int KeyHeads { get => field == 0 ? Heads : field; init; }

    /// <summary>Width of a head. Default: <see cref="DModel"/> / <see cref="Heads"/>.</summary>
    public int DHead { get => field == 0 ? DModel / Heads : field; init; }

    /// <summary>Width of the MLP; 0 (the default) for attention only.</summary>
    public int DMlp { get; init; }

    /// <summary>Number of token ids.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>The longest row, in tokens.</summary>
    public required int Context { get; init; }

    /// <summary>Position encoding. Default: <see cref="PositionEncoding.None"/>.</summary>
    public PositionEncoding Positions { get; init; }

    /// <summary>Rotary settings, set if and only if <see cref="Positions"/> is <see cref="PositionEncoding.Rotary"/>.</summary>
    public RotaryConfig? Rotary { get; init; }

    /// <summary>Number of buckets of <see cref="PositionEncoding.T5Bias"/>. Default 32.</summary>
    public int T5Buckets { get; init; } = 32;

    /// <summary>The offset from which T5 buckets are shared. Default 128.</summary>
    public int T5MaxDistance { get; init; } = 128;

    /// <summary>Normalisation. Default: <see cref="NormKind.LayerNorm"/>.</summary>
    public NormKind Norm { get; init; } = NormKind.LayerNorm;

    /// <summary>Epsilon inside every normalisation. Default 1e-5.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the embedding is normalised before the first block (BLOOM).</summary>
    public bool EmbeddingNorm { get; init; }

    /// <summary>Whether queries and keys are RMS-normalised per head before the rotation (Qwen 3).</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Softmax or linear attention. Default: softmax.</summary>
    public AttentionKind Attention { get; init; }

    /// <summary>Factor on query-key products. Default (null): 1 / sqrt(<see cref="DHead"/>).</summary>
    public double? AttentionScale { get; init; }

    /// <summary>Per layer, how many keys a query sees, itself included; 0 for all. Default (empty): all keys in every layer.</summary>
    public IReadOnlyList<int> Windows { get; init; } = [];

    /// <summary>Whether attention and MLP both read the block's input (GPT-NeoX) and not one after the other.</summary>
    public bool ParallelResidual { get; init; }

    /// <summary>Non-linearity of the MLP. Default: GELU.</summary>
    public ActivationKind Activation { get; init; }

    /// <summary>Whether the MLP is gated: activation(gate x) * (up x).</summary>
    public bool GatedMlp { get; init; }

    /// <summary>Whether the unembedding is the embedding's transpose.</summary>
    public bool TiedUnembedding { get; init; }

    /// <summary>The id that starts a text, where the configuration names one.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>The id that ends a text, where the configuration names one.</summary>
    public int? EosTokenId { get; init; }

    /// <summary>All ids that the configuration gives a role and that are no text: those that start, end (there may be several) or pad one. Default: empty.</summary>
    public IReadOnlyList<int> SpecialTokenIds { get; init; } = [];

    /// <summary>The kinds of sites that can be read, where a model gives some alone, as an ONNX graph does. Default (empty): all that the architecture has.</summary>
    public IReadOnlyList<SiteKind> Sites { get; init; } = [];

    /// <summary>The window of a layer, or 0 where a query sees all keys before it.</summary>
    public int WindowOf(int layer) => Windows.Count == 0 ? 0 : Windows[layer];

    /// <summary>The factor on query-key products in effect.</summary>
    public double ScoreScale => AttentionScale ?? 1 / Math.Sqrt(DHead);
}
