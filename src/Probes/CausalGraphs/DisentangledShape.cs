namespace MlNetIcl.Probes;

/// <summary>What a disentangled transformer predicts.</summary>
internal enum CausalTarget
{
    /// <summary>What follows the last token.</summary>
    AfterLast,

    /// <summary>What follows each value that the last token could have: the mean over a uniform last token, exact and not by a draw.</summary>
    AfterAnyLast,

    /// <summary>Every token but the first, from those before it: rows without a target of their own.</summary>
    EveryToken,
}

/// <summary>Sizes of a two-layer disentangled transformer.</summary>
/// <param name="Vocabulary">Number of tokens.</param>
/// <param name="Length">Number of positions.</param>
/// <param name="Heads">Heads of layer 1; layer 2 has one.</param>
/// <param name="Target">What it predicts.</param>
internal sealed record DisentangledShape(int Vocabulary, int Length, int Heads, CausalTarget Target = CausalTarget.AfterLast)
{
    /// <summary>d: a token's and a position's one-hot code.</summary>
    public int Input => Vocabulary + Length;

    /// <summary>Width after layer 1: the input, and what each head reads of it.</summary>
    public int Middle => Input * (1 + Heads);

    /// <summary>Predictions of a row.</summary>
    public int Queries => Target switch
    {
        CausalTarget.AfterLast => 1,
        CausalTarget.AfterAnyLast => Vocabulary,
        _ => Length - 1,
    };

    /// <summary>The position of a prediction's query.</summary>
    public int PositionOf(int query) => Target == CausalTarget.EveryToken ? query + 1 : Length - 1;

    /// <summary>The token of a prediction's query, in a row; null where it is what is predicted.</summary>
    public int? TokenOf(int query, ReadOnlySpan<int> row) => Target switch
    {
        CausalTarget.AfterLast => row[^1],
        CausalTarget.AfterAnyLast => query,
        _ => null,
    };

    /// <summary>Elements of A1 [head, query feature, key feature].</summary>
    public int FirstCount => Heads * Input * Input;

    /// <summary>Elements of A2 [query feature, key feature].</summary>
    public int SecondCount => Middle * Middle;

    /// <summary>Elements of W [feature, value]: the residual after layer 1, then what layer 2 reads of it.</summary>
    public int OutputCount => 2 * Middle * Vocabulary;
}

/// <summary>Weights of a disentangled transformer, or their gradients, as laid out by its shape.</summary>
internal readonly ref struct DisentangledWeights<T>(Span<T> first, Span<T> second, Span<T> output)
{
    public Span<T> First { get; } = first;

    public Span<T> Second { get; } = second;

    public Span<T> Output { get; } = output;
}
