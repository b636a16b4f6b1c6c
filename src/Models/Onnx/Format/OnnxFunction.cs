namespace MlNetIcl.Models.Onnx;

/// <summary>An operator that a file defines itself.</summary>
/// <param name="Domain">Whose it is.</param>
/// <param name="Name">Its name.</param>
/// <param name="Nodes">What it does.</param>
internal sealed record OnnxFunction(string Domain, string Name, IReadOnlyList<OnnxNode> Nodes)
{
    /// <summary>Whether it does what attention is made of, itself or by calling others.</summary>
    public bool HoldsAttention { get; private set; }

    /// <summary>Whether a node is a softmax, or computes attention in one.</summary>
    public static bool IsOfAttention(OnnxNode node) => node.Operator is "Softmax" or "BiasSoftmax" || node.Operator.Contains("Attention", StringComparison.Ordinal);

    /// <summary>Functions that know what those do that they call.</summary>
    public static IReadOnlyList<OnnxFunction> Resolve(IReadOnlyList<OnnxFunction> functions)
    {
        var all = functions.SelectMany(function => function.AllNodes().Select(node => (function, node))).ToArray();
        HashSet<(string, string)> holding = [];
        for (int before = -1; before < holding.Count;)
        {
            before = holding.Count;
            foreach (var (function, node) in all)
                if (IsOfAttention(node) || holding.Contains((node.Domain, node.Operator))) holding.Add((function.Domain, function.Name));
        }
        foreach (var function in functions) function.HoldsAttention = holding.Contains((function.Domain, function.Name));
        return functions;
    }

    private IEnumerable<OnnxNode> AllNodes()
    {
        var open = new Stack<OnnxNode>(Nodes);
        while (open.TryPop(out var node))
        {
            yield return node;
            foreach (var inner in node.Graphs.SelectMany(graph => graph.Nodes)) open.Push(inner);
        }
    }
}
