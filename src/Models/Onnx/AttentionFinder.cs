namespace MlNetIcl.Models.Onnx;

/// <summary>
/// Finds a graph's attention, layer by layer, by its shape: a softmax over a product of two values that both depend on the input, whose result is
/// the left factor of a product with a third. Names play no part, and a softmax of another kind (of a router, of a classifier) has no such neighbours.
/// </summary>
internal sealed class AttentionFinder
{
    private const int LongestChain = 24;

    // What may stand between the first product and the softmax: scale, masks, biases, soft caps, casts, changes of shape, sinks.
    private static readonly HashSet<string> BeforeSoftmax = ["Add", "Sub", "Mul", "Div", "Where", "Cast", "CastLike", "Identity", "Dropout", "Reshape", "Squeeze", "Unsqueeze", "Flatten",
        "Transpose", "Tanh", "Clip", "Min", "Max", "Sum", "Neg", "Concat", "Expand", "Slice", "ScatterND", "Pad", "QuantizeLinear", "DequantizeLinear"];

    // Between the softmax and the second product: casts, dropout, guards against empty rows, sinks cut off, changes of shape.
    private static readonly HashSet<string> AfterSoftmax = ["Cast", "CastLike", "Identity", "Dropout", "Where", "Mul", "Div", "Slice", "Split", "Reshape", "Squeeze", "Unsqueeze", "Flatten",
        "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"];

    // Of those, the ones that keep every entry, up to rounding: the weights are read before them, while they are floating-point and have four axes.
    private static readonly HashSet<string> KeepsEntries = ["Cast", "CastLike", "Identity", "Dropout", "Reshape", "Squeeze", "Unsqueeze", "Flatten",
        "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"];

    private readonly string _file;
    private readonly OnnxModel _model;
    private readonly Dataflow _flow;

    private AttentionFinder(OnnxModel model, Dataflow flow) => (_file, _model, _flow) = (Path.GetFileName(model.Path), model, flow);

    /// <summary>The attention of each layer.</summary>
    /// <exception cref="UnsupportedModelException">There is none, or a node is in the way; the message names it.</exception>
    public static IReadOnlyList<Attention> Find(OnnxModel model, Dataflow flow)
    {
        var finder = new AttentionFinder(model, flow);
        List<Attention> found = [];
        foreach (var node in flow.Graph.Nodes)
            if (finder.Recognise(node) is { } attention) found.Add(attention);
        finder.CheckHidden();
        if (found.Count == 0) throw finder.NoAttention();
        finder.CheckOrder(found);
        return found;
    }

    private Attention? Recognise(OnnxNode node)
    {
        if (node.Output(0).Length == 0) return null;
        if (node.Is("Softmax") || node.IsMicrosoft("BiasSoftmax")) return OfSoftmax(node);
        if (AttentionOperators.Recognise(node, _flow, _file) is { } attention) return attention;
        return null;
    }

    private Attention? OfSoftmax(OnnxNode softmax)
    {
        if (!FollowsProduct(softmax)) return null;
        if (ProductBehind(softmax) is not var (product, path)) throw Refused(softmax,
            "is a softmax over a product of two values that depend on the input, as attention is, but its result is not the left factor of a product that can be followed");
        // The value that holds the weights: the last one that a node made which changes entries.
        int last = path.Count - 1;
        while (last > 0 && KeepsEntries.Contains(_flow.MakerOf(path[last])!.Operator)) last--;
        CheckAxis(softmax);
        return new(softmax, path[last], OutputOf(product), LayoutOf(product), IsOperator: false);
    }

    /// <summary>Whether what the softmax is taken of comes from a product of two values that depend on the input.</summary>
    private bool FollowsProduct(OnnxNode softmax)
    {
        var seen = new HashSet<string>();
        var open = new Queue<(string Value, int Steps)>([(softmax.Input(0), 0)]);
        while (open.TryDequeue(out var next))
        {
            if (next.Steps > LongestChain || !_flow.DependsOnInput(next.Value) || !seen.Add(next.Value) || _flow.MakerOf(next.Value) is not { } maker) continue;
            if (IsProduct(maker))
            {
                if (_flow.DependsOnInput(Left(maker)) && _flow.DependsOnInput(Right(maker))) return true;
                continue;
            }
            if (!BeforeSoftmax.Contains(maker.Operator)) continue;
            foreach (string input in maker.Inputs) open.Enqueue((input, next.Steps + 1));
        }
        return false;
    }

    /// <summary>The product of which the softmax's result is the left factor, and the values on the way there.</summary>
    private (OnnxNode Product, List<string> Path)? ProductBehind(OnnxNode softmax)
    {
        var open = new Queue<List<string>>([[softmax.Output(0)]]);
        var seen = new HashSet<string>();
        while (open.TryDequeue(out var path))
        {
            string value = path[^1];
            if (path.Count > LongestChain || !seen.Add(value)) continue;
            foreach (var reader in _flow.ReadersOf(value))
            {
                if (IsProduct(reader))
                {
                    bool isLeft = Left(reader) == value && (!reader.Is("Einsum") || reader.Inputs.Count == 2) && reader.Integer("transA", 0) == 0 && reader.Integer("transBatchA", 0) == 0;
                    if (isLeft && _flow.DependsOnInput(Right(reader))) return (reader, path);
                }
                // A guard reads the weights twice: as its condition and as what it lets through.
                else if (AfterSoftmax.Contains(reader.Operator) && Array.IndexOf([.. reader.Inputs], value) >= (reader.Is("Where") ? 1 : 0))
                {
                    // Beside what it quantises, that operator gives a scale and a zero.
                    foreach (string output in reader.Is("DynamicQuantizeLinear") ? reader.Outputs.Take(1) : reader.Outputs) if (output.Length > 0) open.Enqueue([.. path, output]);
                }
            }
        }
        return null;
    }

    private static bool IsProduct(OnnxNode node) => node.Is("MatMul") || node.Is("Einsum") || node.IsMicrosoft("FusedMatMul") || node.IsMicrosoft("TransposeMatMul")
        || node.Is("MatMulInteger") || node.IsMicrosoft("MatMulIntegerToFloat") || node.Is("QLinearMatMul");

    private static string Left(OnnxNode product) => product.Input(0);

    private static string Right(OnnxNode product) => product.Input(product.Is("QLinearMatMul") ? 3 : 1);

    /// <summary>The value that holds a product as floating-point numbers: for integers that after a Cast and a scale, or after DequantizeLinear.</summary>
    private string OutputOf(OnnxNode product)
    {
        string value = product.Output(0);
        if (product.Is("QLinearMatMul")) value = After(value, "DequantizeLinear");
        if (product.Is("MatMulInteger")) value = After(After(value, "Cast"), "Mul");
        return value;

        string After(string made, string op) => _flow.ReadersOf(made) is [var reader] && reader.Is(op) ? reader.Output(0)
            : throw Refused(product, $"gives whole numbers which are not read by one {op} alone, so that the head outputs cannot be followed");
    }

    /// <summary>An Einsum may put heads and positions in any order; only the two usual ones are known.</summary>
    private HeadLayout LayoutOf(OnnxNode product)
    {
        if (!product.Is("Einsum")) return HeadLayout.HeadsFirst;
        string equation = product.Attributes.TryGetValue("equation", out var text) ? System.Text.Encoding.UTF8.GetString(text.Text.Span).Replace(" ", "", StringComparison.Ordinal) : "";
        // bhqk,bkhd->bqhd and the like, with any letters
        string[] sides = equation.Split("->"), factors = sides[0].Split(',');
        if (sides.Length == 2 && factors is [{ Length: 4 } weights, { Length: 4 }] && sides[1].Length == 4)
        {
            string result = sides[1];
            var (batch, head, query) = (weights[0], weights[1], weights[2]);
            if (result[0] == batch && result[1] == head && result[2] == query) return HeadLayout.HeadsFirst;
            if (result[0] == batch && result[1] == query && result[2] == head) return HeadLayout.PositionsFirst;
        }
        throw Refused(product, $"has the equation '{equation}'; known are those from [batch, head, query, key] to [batch, head, query, d_head] or [batch, query, head, d_head]");
    }

    /// <summary>The softmax must be over the last axis, or it is not over keys.</summary>
    private void CheckAxis(OnnxNode softmax)
    {
        // Before version 13 the default was axis 1 with all later axes taken together, which is the last one for axis = rank - 1 alone.
        long version = _model.Opsets.GetValueOrDefault("", 0), axis = softmax.Integer("axis", softmax.Domain.Length > 0 || version < 13 ? 1 : -1);
        int? rank = _flow.Graph.Values.GetValueOrDefault(softmax.Output(0))?.Shape?.Count;
        if (axis == -1 || (rank is { } known ? axis == known - 1 : axis is 2 or 3)) return;
        throw Refused(softmax, $"is a softmax over axis {axis}, not over the last one");
    }

    /// <summary>Layers are numbered along the graph: each must need the one before.</summary>
    private void CheckOrder(List<Attention> found)
    {
        var byNode = found.ToDictionary(a => a.Node);
        var depths = new Dictionary<string, int>(StringComparer.Ordinal);
        var depthOf = new Dictionary<Attention, int>();
        foreach (var node in _flow.Graph.Nodes)
        {
            int depth = node.Needs.Select(need => depths.GetValueOrDefault(need)).DefaultIfEmpty(0).Max();
            if (byNode.TryGetValue(node, out var attention)) depthOf[attention] = depth++;
            if (depth > 0)
                foreach (string output in node.Outputs) depths[output] = depth;
        }
        found.Sort((a, b) => depthOf[a].CompareTo(depthOf[b]));
        for (int i = 1; i < found.Count; i++)
            if (depthOf[found[i]] == depthOf[found[i - 1]])
                throw Refused(found[i].Node, $"is attention beside that of node {found[i - 1].Node.Label}, not after it, so that the layers have no order");
    }

    /// <summary>Refuses attention that cannot be read, also where that of other layers can: a model without some of its layers is another one.</summary>
    private void CheckHidden()
    {
        var hidden = _flow.Graph.Nodes.FirstOrDefault(node => node.Graphs.Any(HoldsAttention));
        if (hidden is not null) throw Refused(hidden, "holds graphs of its own with a softmax or attention inside, where its weights cannot be read. Export the model without control flow");
        var called = _flow.Graph.Nodes.FirstOrDefault(CallsAttention);
        if (called is not null) throw Refused(called, "calls an operator that the file defines itself, with a softmax or attention inside, where its weights cannot be read. Write the functions out, as onnx.inliner does, and read that file");
    }

    private bool HoldsAttention(OnnxGraph graph) => graph.Nodes.Any(node => OnnxFunction.IsOfAttention(node) || CallsAttention(node) || node.Graphs.Any(HoldsAttention));

    private bool CallsAttention(OnnxNode node) => _model.Functions.Any(function => function.HoldsAttention && function.Name == node.Operator && function.Domain == node.Domain);

    private UnsupportedModelException NoAttention()
    {
        var softmax = _flow.Graph.Nodes.FirstOrDefault(n => n.Is("Softmax"));
        if (softmax is not null) return Refused(softmax, "is a softmax, but not over a product of two values that depend on the input, and no other node computes attention");
        var last = _flow.Graph.Nodes.Count > 0 ? $", from {_flow.Graph.Nodes[0].Label} to {_flow.Graph.Nodes[^1].Label}" : "";
        return new($"'{_file}' has no attention: none of its {_flow.Graph.Nodes.Count} nodes{last} is a softmax over a product of queries and keys, or an attention operator.");
    }

    private UnsupportedModelException Refused(OnnxNode node, string why) => new($"'{_file}': node {node.Label} {why}.");
}
