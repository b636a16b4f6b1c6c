namespace MlNetIcl.Models.Loading;

/// <summary>What a model's configuration describes: the decoder's shape and where its parameters are in the weight files.</summary>
internal sealed record Architecture(DecoderConfig Config, TensorNames Names);

/// <summary>How the rows of a fused query-key-value matrix are ordered in the file.</summary>
internal enum FusedOrder
{
    /// <summary>All queries, all keys, all values.</summary>
    Blocks,

    /// <summary>For each head its query, its key, its value.</summary>
    PerHead,
}

/// <summary>
/// How a family names its tensors. Names stand without prefix and without <c>.weight</c> or <c>.bias</c>; names within a block without the block's own.
/// </summary>
internal sealed record TensorNames
{
    /// <summary>What may precede every name but the unembedding's; the longest first.</summary>
    public required IReadOnlyList<string> Prefixes { get; init; }

    /// <summary>Embedding [vocab, d_model].</summary>
    public required string Embedding { get; init; }

    /// <summary>The embedding's norm.</summary>
    public string? EmbeddingNorm { get; init; }

    /// <summary>Position table [unused + context, d_model].</summary>
    public string? Positions { get; init; }

    /// <summary>Rows at the start of the position table that no token uses.</summary>
    public int UnusedPositions { get; init; }

    /// <summary>What precedes a block's number.</summary>
    public required string Blocks { get; init; }

    /// <summary>The norm before attention.</summary>
    public required string AttentionNorm { get; init; }

    /// <summary>One fused matrix, or queries, keys and values.</summary>
    public required IReadOnlyList<string> QueryKeyValue { get; init; }

    /// <summary>Order of the fused matrix.</summary>
    public FusedOrder FusedOrder { get; init; }

    /// <summary>Whether the rows of separate queries and keys stand for a rotation of neighbours, not of halves (llama.cpp's order for llama).</summary>
    public bool NeighboursRotate { get; init; }

    /// <summary>Norm of each head's queries.</summary>
    public string? QueryNorm { get; init; }

    /// <summary>Norm of each head's keys.</summary>
    public string? KeyNorm { get; init; }

    /// <summary>Attention output.</summary>
    public required string Output { get; init; }

    /// <summary>The norm before the MLP.</summary>
    public required string MlpNorm { get; init; }

    /// <summary>MLP input, or gate and up projection.</summary>
    public required IReadOnlyList<string> MlpIn { get; init; }

    /// <summary>MLP output.</summary>
    public required string MlpOut { get; init; }

    /// <summary>The final norm.</summary>
    public required string FinalNorm { get; init; }

    /// <summary>Unembedding [vocab, d_model].</summary>
    public string Unembedding { get; init; } = "lm_head";

    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether the attention output has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Whether the MLP has biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Whether matrices inside blocks are stored as [input, output].</summary>
    public bool InputByOutput { get; init; }

    /// <summary>How names of buffers end that older files hold and that follow from the configuration: masks and frequencies.</summary>
    public IReadOnlyList<string> Buffers { get; init; } = [];
}
