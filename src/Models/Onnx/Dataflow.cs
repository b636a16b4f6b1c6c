namespace MlNetIcl.Models.Onnx;

/// <summary>Who makes and who reads each value of a graph, and which values depend on what is fed and not on its shape alone.</summary>
internal sealed class Dataflow
{
    private readonly Dictionary<string, OnnxNode> _makers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<OnnxNode>> _readers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _fed;

    public Dataflow(OnnxGraph graph)
    {
        Graph = graph;
        _fed = new(graph.Inputs.Select(i => i.Name), StringComparer.Ordinal);
        foreach (var node in graph.Nodes)
        {
            foreach (string output in node.Outputs)
                if (output.Length > 0) _makers[output] = node;
            bool depends = false;
            foreach (string need in node.Needs)
            {
                depends |= _fed.Contains(need);
                if (!_readers.TryGetValue(need, out var readers)) _readers[need] = readers = [];
                if (readers.Count == 0 || readers[^1] != node) readers.Add(node);
            }
            if (depends && !node.Is("Shape") && !node.Is("Size")) _fed.UnionWith(node.Outputs.Where(o => o.Length > 0));
        }
    }

    public OnnxGraph Graph { get; }

    public OnnxNode? MakerOf(string value) => _makers.GetValueOrDefault(value);

    public IReadOnlyList<OnnxNode> ReadersOf(string value) => _readers.TryGetValue(value, out var readers) ? readers : [];

    /// <summary>Whether the value depends on the content of what is fed.</summary>
    public bool DependsOnInput(string value) => _fed.Contains(value);

    /// <summary>The floating-point type of a value, as far as tensors and casts before it show it; else float32.</summary>
    public int FloatTypeOf(string value)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<string>([value]);
        while (seen.Count < 1000 && open.TryPop(out string? next))
        {
            if (!seen.Add(next)) continue;
            var maker = MakerOf(next);
            int type = Graph.Initializers.TryGetValue(next, out var tensor) ? tensor.Type
                : Graph.Values.TryGetValue(next, out var said) ? said.Type
                : maker is not null && maker.Is("Cast") ? (int)maker.Integer("to", 0)
                : 0;
            if (OnnxType.IsFloat(type)) return type;
            if (type == 0 && maker is not null)
                foreach (string input in maker.Inputs) open.Push(input);
        }
        return OnnxType.Float;
    }

    /// <summary>The constant that a value is, through nodes that keep its content.</summary>
    public OnnxTensor? ConstantOf(string value)
    {
        for (int steps = 0; steps < 8; steps++)
        {
            if (Graph.Initializers.TryGetValue(value, out var tensor)) return tensor;
            if (MakerOf(value) is not { } maker) return null;
            if (maker.Is("Constant")) return maker.Attributes.GetValueOrDefault("value")?.Tensor;
            if (!maker.Is("Identity") && !maker.Is("Cast") && !maker.Is("DequantizeLinear")) return null;
            value = maker.Input(0);
        }
        return null;
    }
}
