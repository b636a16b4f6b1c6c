namespace MlNetIcl.Models.Onnx;

/// <summary>How the axes of head outputs stand in a graph.</summary>
internal enum HeadLayout
{
    /// <summary>[…, pos, d_head], where what comes before is batch and heads.</summary>
    HeadsFirst,

    /// <summary>[batch, pos, head * d_head] or [batch, pos, head, d_head].</summary>
    PositionsFirst,
}

/// <summary>The attention of one layer in a graph.</summary>
/// <param name="Node">The Softmax, or the operator that computes it all.</param>
/// <param name="Pattern">Name of the value that holds the attention weights; for an operator that of the output to add.</param>
/// <param name="Output">Name of the value that holds the head outputs.</param>
/// <param name="Layout">How that value's axes stand.</param>
/// <param name="IsOperator">Whether one operator computes the weights and what they are multiplied with.</param>
internal sealed record Attention(OnnxNode Node, string Pattern, string Output, HeadLayout Layout, bool IsOperator)
{
    /// <summary>What must be said of values that are added for the weights, as the runtime does not infer it.</summary>
    public IReadOnlyList<OnnxValue> Declared { get; init; } = [];
}
