namespace MlNetIcl.Models.Onnx;

/// <summary>
/// Exports for generation hold two graphs in one If: with a past and without. The input <c>use_cache_branch</c> chooses; here it is false always, so
/// that the nodes of the chosen graph can stand in the If's place, where their values can be read.
/// </summary>
internal static class Branches
{
    private const string Switch = "use_cache_branch";

    public static OnnxGraph Resolve(OnnxGraph graph)
    {
        if (!graph.Inputs.Any(i => i.Name == Switch && i.Type == OnnxType.Bool) || !graph.Nodes.Any(IsSwitched)) return graph;
        var nodes = new List<OnnxNode>();
        var initializers = graph.Initializers.ToDictionary();
        foreach (var node in graph.Nodes)
        {
            if (!IsSwitched(node) || node.Attributes.GetValueOrDefault("else_branch")?.Graph is not { } branch || branch.Outputs.Count < node.Outputs.Count)
            {
                nodes.Add(node);
                continue;
            }
            // Names inside are no names outside: the format forbids it.
            foreach (var (name, tensor) in branch.Initializers) initializers.TryAdd(name, tensor);
            nodes.AddRange(branch.Nodes);
            for (int i = 0; i < node.Outputs.Count; i++)
                if (node.Outputs[i].Length > 0) nodes.Add(OnnxNode.Create("Identity", [branch.Outputs[i].Name], [node.Outputs[i]]));
        }
        return graph.With(nodes, initializers, [.. graph.Inputs.Where(i => i.Name != Switch || nodes.Any(n => n.Needs.Contains(Switch)))]);
    }

    private static bool IsSwitched(OnnxNode node) => node.Is("If") && node.Input(0) == Switch;
}
