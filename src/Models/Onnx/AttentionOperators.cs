namespace MlNetIcl.Models.Onnx;

/// <summary>
/// Operators that compute attention in one, and how each is made to give its weights. All of them can: by an output that is not asked for
/// by default, with the weights themselves or with what the softmax is taken of.
/// </summary>
internal static class AttentionOperators
{
    private const string Suffix = "/attention_weights";
    private const int WeightsOutput = 3;

    /// <summary>The attention that an operator computes; null where it is none.</summary>
    /// <exception cref="UnsupportedModelException">It is one whose weights cannot be had.</exception>
    public static Attention? Recognise(OnnxNode node, Dataflow flow, string file)
    {
        if (!node.Operator.Contains("Attention", StringComparison.Ordinal)) return null;
        if (!node.Is("Attention") && !node.IsMicrosoft("MultiHeadAttention") && !node.IsMicrosoft("GroupQueryAttention"))
            throw new UnsupportedModelException($"'{file}': node {node.Label} computes attention in one, and gives no weights. Export the model without this fusion.");
        if (HasGivenWeights(node) is { } name) return new(node, name, node.Output(0), HeadLayout.PositionsFirst, IsOperator: true);
        if (GivenScores(node) is not null && !node.IsMicrosoft("MultiHeadAttention"))
            throw new UnsupportedModelException($"'{file}': node {node.Label} gives scores of another stage in place of its weights. Export the model without that output.");
        var attention = new Attention(node, node.Output(0) + Suffix, node.Output(0), HeadLayout.PositionsFirst, IsOperator: true);
        return node.IsMicrosoft("MultiHeadAttention") ? attention with { Declared = [OnnxValue.Create(ScoresOf(attention), flow.FloatTypeOf(node.Input(0)))] } : attention;
    }

    /// <summary>The nodes in place of an operator that make the weights, too, under the name of <see cref="Attention.Pattern"/>.</summary>
    public static IEnumerable<OnnxNode> WithWeights(Attention attention)
    {
        var node = attention.Node;
        if (HasGivenWeights(node) is not null) return [node];
        if (node.Is("Attention")) return [node.With(Extended(node, attention.Pattern), ("qk_matmul_output_mode", 3))];
        if (node.IsMicrosoft("GroupQueryAttention")) return [node.With(Extended(node, attention.Pattern), ("qk_output", 2))];
        string scores = ScoresOf(attention);
        return [node.With(Extended(node, scores)), OnnxNode.Create("Softmax", [scores], [attention.Pattern], ("axis", -1))];
    }

    /// <summary>The output that already holds the weights, where the file asks for them itself.</summary>
    private static string? HasGivenWeights(OnnxNode node) =>
        GivenScores(node) is { } name && ((node.Is("Attention") && node.Integer("qk_matmul_output_mode", 0) == 3) || (node.IsMicrosoft("GroupQueryAttention") && node.Integer("qk_output", 0) == 2)) ? name : null;

    /// <summary>What MultiHeadAttention takes the softmax of: scaled and masked.</summary>
    private static string ScoresOf(Attention attention) => GivenScores(attention.Node) ?? attention.Pattern + "/scores";

    private static string? GivenScores(OnnxNode node) => node.Outputs.Count > WeightsOutput && node.Output(WeightsOutput) is { Length: > 0 } name ? name : null;

    private static List<string> Extended(OnnxNode node, string output)
    {
        List<string> outputs = [.. node.Outputs];
        while (outputs.Count <= WeightsOutput) outputs.Add("");
        outputs[WeightsOutput] = output;
        return outputs;
    }
}
