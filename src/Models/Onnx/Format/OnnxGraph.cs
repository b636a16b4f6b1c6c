namespace MlNetIcl.Models.Onnx;

/// <summary>Nodes with what they read and make: a model's own graph, or one inside a node. Immutable.</summary>
internal sealed class OnnxGraph
{
    /// <summary>In an order in which they can run.</summary>
    public required IReadOnlyList<OnnxNode> Nodes { get; init; }

    /// <summary>By name.</summary>
    public required IReadOnlyDictionary<string, OnnxTensor> Initializers { get; init; }

    /// <summary>What the caller feeds; initializers, which older files list here too, are left out.</summary>
    public required IReadOnlyList<OnnxValue> Inputs { get; init; }

    public required IReadOnlyList<OnnxValue> Outputs { get; init; }

    /// <summary>What the file says of values inside, by name.</summary>
    public required IReadOnlyDictionary<string, OnnxValue> Values { get; init; }

    /// <summary>All other fields as they stand in the file.</summary>
    public required IReadOnlyList<ReadOnlyMemory<byte>> Other { get; init; }

    /// <summary>Names of values that the nodes need and the graph does not have itself.</summary>
    public IEnumerable<string> FromOutside()
    {
        HashSet<string> own = [.. Initializers.Keys, .. Inputs.Select(i => i.Name), .. Nodes.SelectMany(n => n.Outputs)];
        return Nodes.SelectMany(n => n.Needs).Concat(Outputs.Select(o => o.Name)).Where(name => !own.Contains(name)).Distinct();
    }

    public OnnxGraph With(IReadOnlyList<OnnxNode>? nodes = null, IReadOnlyDictionary<string, OnnxTensor>? initializers = null,
        IReadOnlyList<OnnxValue>? inputs = null, IReadOnlyList<OnnxValue>? outputs = null, IReadOnlyDictionary<string, OnnxValue>? values = null) => new()
        {
            Nodes = nodes ?? Nodes,
            Initializers = initializers ?? Initializers,
            Inputs = inputs ?? Inputs,
            Outputs = outputs ?? Outputs,
            Values = values ?? Values,
            Other = Other,
        };

    /// <summary>The part of the graph that its outputs need.</summary>
    public OnnxGraph Pruned()
    {
        var makers = new Dictionary<string, OnnxNode>();
        foreach (var node in Nodes)
            foreach (string output in node.Outputs) makers[output] = node;
        var needed = new HashSet<string>();
        var kept = new HashSet<OnnxNode>();
        var open = new Stack<string>(Outputs.Select(o => o.Name));
        while (open.TryPop(out string? name))
            if (needed.Add(name) && makers.TryGetValue(name, out var maker) && kept.Add(maker))
                foreach (string need in maker.Needs) open.Push(need);
        return With([.. Nodes.Where(kept.Contains)], Initializers.Where(i => needed.Contains(i.Key)).ToDictionary(), [.. Inputs.Where(i => needed.Contains(i.Name))]);
    }

    public WireWriter Write()
    {
        var message = new WireWriter();
        foreach (var node in Nodes) message.Bytes(1, node.Raw);
        foreach (var tensor in Initializers.Values) message.Bytes(5, tensor.Raw);
        foreach (var input in Inputs) message.Bytes(11, input.Raw);
        foreach (var output in Outputs) message.Bytes(12, output.Raw);
        foreach (var value in Values.Values) message.Bytes(13, value.Raw);
        foreach (var field in Other) message.Raw(field);
        return message;
    }
}
