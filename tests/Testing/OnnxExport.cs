using System.Runtime.InteropServices;
using MlNetIcl.Models;
using MlNetIcl.Models.Onnx;
using static TorchSharp.torch;

namespace MlNetIcl.Testing;

/// <summary>How <see cref="OnnxExport"/> writes a decoder.</summary>
public sealed record OnnxStyle
{
    /// <summary>
    /// softmax, guarded (rows without a key give 0), where (masked by Where), einsum, flat (batch and heads in one axis), grouped (key heads in an axis of
    /// their own), right (the weights as right factor), roots (queries and keys each times the scale's root), divided (scores by a root), integer (products of
    /// whole numbers), quantized (the weights to 8 bits and back), MultiHeadAttention, MultiHeadAttention.bias (biases added inside), GroupQueryAttention,
    /// GroupQueryAttention.packed (queries, keys and values in one), Attention (of the standard), Attention.heads (with an axis for heads, and a mask),
    /// com.microsoft.Attention. With rotary positions those of GroupQueryAttention rotate inside.
    /// </summary>
    public string Attention { get; init; } = "softmax";

    public int Opset { get; init; } = 17;

    public bool Mask { get; init; }

    public bool Past { get; init; }

    /// <summary>Whether the graph lies in the branches of an If, as exports for generation with and without a past do.</summary>
    public bool Merged { get; init; }

    public int? FixedBatch { get; init; }

    public int? FixedLength { get; init; }

    public bool Half { get; init; }

    /// <summary>Whether token ids are int32.</summary>
    public bool Int32 { get; init; }

    /// <summary>Whether weights are in a file of their own.</summary>
    public bool External { get; init; }

    /// <summary>Whether there are softmaxes that are no attention: of a router over the hidden states, and of the logits.</summary>
    public bool OtherSoftmaxes { get; init; }

    public bool Causal { get; init; } = true;

    public bool Logits { get; init; } = true;

    public string Tokens { get; init; } = "input_ids";

    /// <summary>Whether an input says of how many last positions logits are wanted.</summary>
    public bool LogitsToKeep { get; init; }

    /// <summary>Whether every row sees all others: their mean is added to what the first block reads.</summary>
    public bool RowsMeet { get; init; }

    /// <summary>A further input that the logits need.</summary>
    public string? StrangeInput { get; init; }
}

/// <summary>
/// Writes decoders with learned or rotary positions, layer normalisation and an MLP (or none) as ONNX graphs, in the ways of several exporters. What such a
/// graph computes is known from the decoder itself.
/// </summary>
public sealed class OnnxExport
{
    private const int Float = 1, Float16 = 10;

    private readonly DecoderConfig _config;
    private readonly DecoderWeights _weights;
    private readonly OnnxStyle _style;
    private readonly List<OnnxNode> _nodes = [];
    private readonly Dictionary<string, OnnxTensor> _initializers = [];
    private readonly List<OnnxValue> _inputs = [];
    private readonly List<OnnxValue> _outputs = [];
    private readonly Stream? _data;
    private readonly string _dataName;
    private string _positions = "";
    private int _count;

    private OnnxExport(LanguageModel model, OnnxStyle style, string path)
    {
        (_config, _weights, _style) = (model.Config, model.Weights, style);
        if (_config.Positions is not (PositionEncoding.Learned or PositionEncoding.Rotary) || _config.Norm != NormKind.LayerNorm || _config.ParallelResidual || _config.GatedMlp || _config.EmbeddingNorm)
            throw new ArgumentException("Decoders with learned or rotary positions, layer normalisation and serial blocks can be written.", nameof(model));
        _dataName = Path.GetFileName(path) + ".data";
        if (style.External) _data = File.Create(path + ".data");
    }

    private int Type => _style.Half ? Float16 : Float;

    /// <summary>Writes a model to a file.</summary>
    public static void Write(LanguageModel model, string path, OnnxStyle? style = null)
    {
        using var scope = NewDisposeScope();
        var export = new OnnxExport(model, style ?? new(), path);
        using (export._data) export.Build();
        using var file = File.Create(path);
        export.Message().CopyTo(file);
    }

    /// <summary>Writes a file of given nodes and tensors.</summary>
    internal static void Write(string path, IReadOnlyList<OnnxNode> nodes, IEnumerable<OnnxTensor> tensors, IReadOnlyList<OnnxValue> inputs, IReadOnlyList<OnnxValue> outputs, int opset = 17)
    {
        var graph = new OnnxGraph { Nodes = nodes, Initializers = tensors.ToDictionary(t => t.Name), Inputs = inputs, Outputs = outputs, Values = new Dictionary<string, OnnxValue>(), Other = [] };
        using var file = File.Create(path);
        Message(graph, opset).CopyTo(file);
    }

    internal static OnnxValue Value(string name, int type, params object[] dims)
    {
        var shape = new WireWriter();
        foreach (object dim in dims) shape.Message(1, dim is int size ? new WireWriter().Integer(1, size) : new WireWriter().Text(2, (string)dim));
        var message = new WireWriter().Text(1, name).Message(2, new WireWriter().Message(1, new WireWriter().Integer(1, type).Message(2, shape)));
        return new(name, type, [.. dims.Select(d => d is int size ? new OnnxDim(size, null) : new OnnxDim(null, (string)d))], message.ToArray());
    }

    internal static OnnxTensor Tensor(string name, float[] values, params long[] dims) => OnnxTensor.Create(name, Float, dims, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private static WireWriter Message(OnnxGraph graph, int opset)
    {
        var message = new WireWriter().Integer(1, opset >= 23 ? 11 : 8).Message(7, graph.Write()).Message(8, new WireWriter().Text(1, "").Integer(2, opset));
        return message.Message(8, new WireWriter().Text(1, OnnxNode.MicrosoftDomain).Integer(2, 1));
    }

    private WireWriter Message()
    {
        var graph = new OnnxGraph { Nodes = _nodes, Initializers = _initializers, Inputs = _inputs, Outputs = _outputs, Values = new Dictionary<string, OnnxValue>(), Other = [] };
        return Message(_style.Merged ? Merge(graph) : graph, _style.Opset);
    }

    private void Build()
    {
        object batch = (object?)_style.FixedBatch ?? "batch", length = (object?)_style.FixedLength ?? "sequence";
        int ids = _style.Int32 ? 6 : 7;
        _inputs.Add(Value(_style.Tokens, ids, batch, length));
        if (_style.Mask) _inputs.Add(Value("attention_mask", 7, batch, _style.Past ? "total" : length));
        var shape = Node("Shape", [_style.Tokens]);
        string count = Node("Gather", [shape, Integers([1], scalar: true)]); // a scalar: the number of positions
        string positions = Node("Range", [Integers([0], scalar: true), count, Integers([1], scalar: true)]);
        if (_style.Past) _inputs.Add(Value("position_ids", 7, batch, length));
        string x = Node("Gather", [Weight(_weights.Embedding), _style.Tokens]);
        if (_weights.Positions is { } table) x = Node("Add", [x, Node("Gather", [Weight(table), _style.Past ? "position_ids" : positions])]);
        _positions = _style.Past ? "position_ids" : positions;
        if (_style.RowsMeet) x = Node("Add", [x, Node("ReduceMean", [x], ("keepdims", 0))]);
        bool masksItself = _style.Attention is "MultiHeadAttention" or "MultiHeadAttention.bias" or "GroupQueryAttention" or "GroupQueryAttention.packed" or "Attention" or "com.microsoft.Attention";
        string bias = masksItself && !_style.Mask ? "" : Bias(positions);
        for (int layer = 0; layer < _config.Layers; layer++) x = Block(layer, x, bias, shape);
        x = Norm(x, _weights.FinalNormWeight!, _weights.FinalNormBias!);
        if (_style.StrangeInput is { } strange)
        {
            _inputs.Add(Value(strange, Float, 1));
            x = Node("Add", [x, strange]);
        }
        if (_style.LogitsToKeep)
        {
            _inputs.Add(Value("num_logits_to_keep", 7));
            x = Node("Slice", [x, Node("Unsqueeze", [Node("Neg", ["num_logits_to_keep"]), Integers([0])]), Integers([int.MaxValue]), Integers([1])]);
        }
        if (!_style.Logits)
        {
            Output(x, "last_hidden_state", _config.DModel);
            return;
        }
        string logits = Node("MatMul", [x, Weight(_weights.Unembedding.t())]);
        if (_weights.UnembeddingBias is { } unembeddingBias) logits = Node("Add", [logits, Weight(unembeddingBias)]);
        Output(logits, "logits", _config.Vocabulary);
        if (_style.OtherSoftmaxes) Output(Node("Softmax", [logits], ("axis", -1)), "probabilities", _config.Vocabulary);
    }

    private void Output(string value, string name, int width)
    {
        _nodes.Add(OnnxNode.Create("Identity", [value], [name]));
        _outputs.Add(Value(name, Type, "batch", "sequence", width));
    }

    /// <summary>What is added to scores: [query, key], or [batch, 1, query, key] with padding.</summary>
    private string Bias(string positions)
    {
        string? bias = null;
        if (_style.Causal)
        {
            string later = Node("Greater", [Unsqueeze(positions, 0), Unsqueeze(positions, 1)]); // [query, key]
            bias = Node("Where", [later, Scalar(-1e4f), Scalar(0)]);
        }
        if (!_style.Mask) return bias ?? Scalar(0);
        string padded = Node("Sub", [Scalar(1), Node("Cast", ["attention_mask"], ("to", Type))]);
        string padding = Unsqueeze(Unsqueeze(Node("Mul", [padded, Scalar(-1e4f)]), 1), 1); // [batch, 1, 1, key]
        return bias is null ? padding : Node("Add", [padding, bias]);
    }

    private string Block(int layer, string x, string bias, string shape)
    {
        var w = _weights.Blocks[layer];
        string z = Attention(layer, Norm(x, w.AttentionNormWeight!, w.AttentionNormBias!), bias, shape); // [batch, pos, head * d_head]
        x = Node("Add", [x, Linear(z, w.Output, w.OutputBias)]);
        if (_config.DMlp == 0) return x;
        string normed = Norm(x, w.MlpNormWeight!, w.MlpNormBias!);
        if (_style.OtherSoftmaxes) // a router: shares of two experts, of which the sum is one
            normed = Node("Mul", [normed, Node("ReduceSum", [Node("Softmax", [Node("MatMul", [normed, Weight(ones(_config.DModel, 2))])], ("axis", -1)), Integers([-1])], ("keepdims", 1))]);
        return Node("Add", [x, Linear(Activate(Linear(normed, w.MlpIn!, w.MlpInBias)), w.MlpOut!, w.MlpOutBias)]);
    }

    private string Activate(string x)
    {
        if (_config.Activation == ActivationKind.Relu) return Node("Relu", [x]);
        if (_config.Activation != ActivationKind.GeluTanh) throw new NotSupportedException();
        string cube = Node("Mul", [Node("Mul", [x, x]), x]);
        string inner = Node("Mul", [Node("Add", [x, Node("Mul", [cube, Scalar(0.044715f)])]), Scalar(0.7978845608f)]);
        return Node("Mul", [Node("Mul", [x, Scalar(0.5f)]), Node("Add", [Node("Tanh", [inner]), Scalar(1)])]);
    }

    private string Attention(int layer, string x, string bias, string shape)
    {
        var w = _weights.Blocks[layer];
        int heads = _config.Heads, keyHeads = _config.KeyHeads, width = _config.DHead;
        string Project(int from, int count) => Linear(x, w.QueryKeyValue.narrow(0, (long)from * width, (long)count * width), w.QueryKeyValueBias?.narrow(0, (long)from * width, (long)count * width));
        string q = Project(0, heads), k = Project(heads, keyHeads), v = Project(heads + keyHeads, keyHeads);
        float scale = (float)_config.ScoreScale;
        switch (_style.Attention)
        {
            case "MultiHeadAttention":
                return Operator("MultiHeadAttention", OnnxNode.MicrosoftDomain, [q, k, v, "", "", bias.Length > 0 ? Node("Identity", [bias]) : ""], ("num_heads", heads), ("unidirectional", 1));
            case "MultiHeadAttention.bias":
                string Bare(int from, int count) => Linear(x, w.QueryKeyValue.narrow(0, (long)from * width, (long)count * width), null);
                return Operator("MultiHeadAttention", OnnxNode.MicrosoftDomain, [Bare(0, heads), Bare(heads, heads), Bare(2 * heads, heads), Weight(w.QueryKeyValueBias!)], ("num_heads", heads), ("unidirectional", 1));
            case "GroupQueryAttention" or "GroupQueryAttention.packed":
                string rows = Node("Gather", [shape, Integers([0])]), length = Node("Gather", [shape, Integers([1])]); // [1]
                string total = Node("Cast", [length], ("to", 6));
                string last = Node("Sub", [total, Node("Cast", [Integers([1])], ("to", 6))]);
                bool packed = _style.Attention != "GroupQueryAttention", rotary = _config.Rotary is not null;
                if (packed) (q, k, v) = (Project(0, heads + (2 * keyHeads)), "", "");
                var (cos, sin) = rotary ? Angles() : ("", "");
                return Operator("GroupQueryAttention", OnnxNode.MicrosoftDomain, [q, k, v, Empty(layer, "k", rows), Empty(layer, "v", rows), Node("Expand", [last, rows]), Node("Squeeze", [total, Integers([0])]), cos, sin],
                    ("num_heads", heads), ("kv_num_heads", keyHeads), ("do_rotary", rotary ? 1 : 0));
            case "Attention":
                return Operator("Attention", "", [q, k, v], ("is_causal", 1), ("q_num_heads", heads), ("kv_num_heads", keyHeads));
            case "com.microsoft.Attention":
                return Operator("Attention", OnnxNode.MicrosoftDomain, [x, Weight(w.QueryKeyValue.t().contiguous()), Weight(w.QueryKeyValueBias ?? zeros((heads + (2 * keyHeads)) * width))], ("num_heads", heads), ("unidirectional", 1));
        }
        string Split(string value, int count) => Node("Reshape", [value, Integers([0, 0, count, width])]); // [batch, pos, head, d_head]
        (q, k, v) = (Split(q, heads), Split(k, keyHeads), Split(v, keyHeads));
        if (_style.Attention == "einsum") return EinsumAttention(q, k, v, bias, scale);
        (q, v) = (Transpose(q, 0, 2, 1, 3), Transpose(v, 0, 2, 1, 3)); // [batch, head, pos, d_head]
        k = Transpose(k, 0, 2, 1, 3);
        if (_config.Rotary is not null)
        {
            var (cos, sin) = Angles();
            (q, k) = (Rotate(q, Node("Gather", [cos, _positions]), Node("Gather", [sin, _positions])), Rotate(k, Node("Gather", [cos, _positions]), Node("Gather", [sin, _positions])));
        }
        if (_style.Attention == "Attention.heads")
            return Node("Reshape", [Transpose(Node("Attention", [q, k, v, Node("Identity", [bias])]), 0, 2, 1, 3), Integers([0, 0, -1])]);
        if (_style.Past) (k, v) = (Extend(k, layer, "key"), Extend(v, layer, "value"));
        int group = heads / keyHeads;
        bool grouped = _style.Attention == "grouped";
        if (grouped)
        {
            q = Node("Reshape", [q, Integers([0, keyHeads, group, -1, width])]);
            (k, v) = (Unsqueeze(k, 2), Unsqueeze(v, 2));
        }
        else if (group > 1)
        {
            (k, v) = (Repeat(k, group), Repeat(v, group));
        }
        k = grouped ? Transpose(k, 0, 1, 2, 4, 3) : Transpose(k, 0, 1, 3, 2);
        if (_style.Attention == "flat") // [batch * head, pos, d_head]
            (q, k, v) = (Flat(q), Flat(k), Flat(v));
        string scores = _style.Attention switch
        {
            "roots" => Node("MatMul", [Node("Mul", [q, Node("Sqrt", [Scalar(scale)])]), Node("Mul", [k, Node("Sqrt", [Scalar(scale)])])]),
            "divided" => Node("Div", [Node("MatMul", [q, k]), Node("Sqrt", [Scalar(1 / (scale * scale))])]),
            "integer" => IntegerProduct(Node("Mul", [q, Scalar(scale)]), k),
            _ => Node("MatMul", [Node("Mul", [q, Scalar(scale)]), k]),
        };
        if (_style.Attention == "flat") scores = Unflat(scores, heads);
        scores = _style.Attention == "where" ? Node("Where", [Node("Less", [bias, Scalar(-1)]), Scalar(-1e4f), scores]) : Node("Add", [scores, bias]);
        if (_style.Half) scores = Node("Cast", [scores], ("to", Float)); // softmax in float32, as exporters do
        string pattern = Node("Softmax", [scores], ("axis", _style.Opset < 13 ? 3 : -1));
        if (_style.Attention == "guarded") pattern = Node("Where", [Node("IsNaN", [pattern]), Scalar(0), pattern]);
        if (_style.Half) pattern = Node("Cast", [pattern], ("to", Float16));
        if (_style.Attention == "flat") pattern = Flat(pattern);
        if (_style.Attention == "quantized") // 255 steps from 0 to 1
            pattern = Node("DequantizeLinear", [Node("QuantizeLinear", [pattern, Scalar(1f / 255), Zero()]), Scalar(1f / 255), Zero()]);
        string z = _style.Attention == "integer" ? IntegerProduct(pattern, v) : _style.Attention == "right" ? Transpose(Node("MatMul", [Transpose(v, 0, 1, 3, 2), Transpose(pattern, 0, 1, 3, 2)]), 0, 1, 3, 2) : Node("MatMul", [pattern, v]);
        if (grouped) z = Node("Reshape", [z, Integers([0, heads, -1, width])]);
        if (_style.Attention == "flat") z = Unflat(z, heads);
        return Node("Reshape", [Transpose(z, 0, 2, 1, 3), Integers([0, 0, -1])]);
    }

    /// <summary>As dynamic quantisation writes a product: both sides to 8 bits, the product in whole numbers, and both scales.</summary>
    private string IntegerProduct(string a, string b)
    {
        var (left, leftScale, leftZero) = Quantize(a);
        var (right, rightScale, rightZero) = Quantize(b);
        return Node("Mul", [Node("Cast", [Node("MatMulInteger", [left, right, leftZero, rightZero])], ("to", Float)), Node("Mul", [leftScale, rightScale])]);

        (string, string, string) Quantize(string value)
        {
            string[] outputs = [$"value_{_count++}", $"value_{_count++}", $"value_{_count++}"];
            _nodes.Add(OnnxNode.Create("DynamicQuantizeLinear", [value], outputs));
            return (outputs[0], outputs[1], outputs[2]);
        }
    }

    private string Zero()
    {
        _initializers["zero"] = OnnxTensor.Create("zero", 2, [], new byte[1]);
        return "zero";
    }

    /// <summary>Cosines and sines [context, d_head / 2].</summary>
    private (string Cos, string Sin) Angles()
    {
        var divisors = arange(0, _config.DHead, 2, ScalarType.Float64).div(_config.DHead);
        var angles = arange(_config.Context, ScalarType.Float64).unsqueeze(1) / full_like(divisors, _config.Rotary!.Base).pow(divisors);
        return (Weight(angles.cos()), Weight(angles.sin()));
    }

    /// <summary>The rotation of halves, written out: [batch, head, pos, d_head] with angles [pos, d_head / 2].</summary>
    private string Rotate(string x, string cos, string sin)
    {
        long half = _config.DHead / 2;
        string Part(long from, long to) => Node("Slice", [x, Integers([from]), Integers([to]), Integers([-1])]);
        string first = Part(0, half), second = Part(half, 2 * half);
        return Node("Concat", [Node("Sub", [Node("Mul", [first, cos]), Node("Mul", [second, sin])]), Node("Add", [Node("Mul", [second, cos]), Node("Mul", [first, sin])])], ("axis", -1));
    }

    private string EinsumAttention(string q, string k, string v, string bias, float scale)
    {
        string scores = Node("Add", [Node("Mul", [Einsum("bqhd,bkhd->bhqk", q, k), Scalar(scale)]), bias]);
        return Node("Reshape", [Einsum("bhqk,bkhd->bqhd", Node("Softmax", [scores], ("axis", -1)), v), Integers([0, 0, -1])]);
    }

    private string Repeat(string value, int group)
    {
        string wide = Unsqueeze(value, 2), shape = Node("Shape", [wide]); // [batch, key_head, 1, pos, d_head]
        string wanted = Node("Mul", [shape, Integers([1, 1, group, 1, 1])]);
        return Node("Reshape", [Node("Expand", [wide, wanted]), Integers([0, _config.Heads, -1, _config.DHead])]);
    }

    private string Flat(string value) // [batch, head, a, b] to [batch * head, a, b]
    {
        string shape = Node("Shape", [value]);
        return Node("Reshape", [value, Node("Concat", [Integers([-1]), Node("Gather", [shape, Integers([2, 3])])], ("axis", 0))]);
    }

    private string Unflat(string value, int heads) // and back
    {
        string shape = Node("Shape", [value]);
        return Node("Reshape", [value, Node("Concat", [Integers([-1, heads]), Node("Gather", [shape, Integers([1, 2])])], ("axis", 0))]);
    }

    private string Extend(string value, int layer, string kind)
    {
        string past = $"past_key_values.{layer}.{kind}", present = $"present.{layer}.{kind}";
        _inputs.Add(Value(past, Type, (object?)_style.FixedBatch ?? "batch", _config.KeyHeads, "past", _config.DHead));
        _nodes.Add(OnnxNode.Create("Concat", [past, value], [present], ("axis", 2)));
        _outputs.Add(Value(present, Type, "batch", _config.KeyHeads, "total", _config.DHead));
        return present;
    }

    private string Empty(int layer, string kind, string rows) // [batch, key_head, 0, d_head]
    {
        string shape = Node("Concat", [rows, Integers([_config.KeyHeads, 0, _config.DHead])], ("axis", 0));
        return Node("ConstantOfShape", [shape]);
    }

    private string Norm(string x, Tensor weight, Tensor bias)
    {
        if (_style.Opset >= 17) return Node("LayerNormalization", [x, Weight(weight), Weight(bias)]); // epsilon 1e-5
        string Mean(string value) => Add("ReduceMean", "", [value], [("keepdims", 1)], [("axes", [-1])]);
        string centred = Node("Sub", [x, Mean(x)]);
        string deviation = Node("Sqrt", [Node("Add", [Mean(Node("Mul", [centred, centred])), Scalar(1e-5f)])]);
        return Node("Add", [Node("Mul", [Node("Div", [centred, deviation]), Weight(weight)]), Weight(bias)]);
    }

    private string Linear(string x, Tensor weight, Tensor? bias)
    {
        string product = Node("MatMul", [x, Weight(weight.t())]);
        return bias is null ? product : Node("Add", [product, Weight(bias)]);
    }

    private string Unsqueeze(string x, int axis) => _style.Opset >= 13 ? Node("Unsqueeze", [x, Integers([axis])]) : Add("Unsqueeze", "", [x], [], [("axes", [axis])]);

    private string Transpose(string x, params long[] order) => Add("Transpose", "", [x], [], [("perm", order)]);

    private string Einsum(string equation, params string[] inputs)
    {
        string output = $"value_{_count++}";
        var message = new WireWriter();
        foreach (string input in inputs) message.Text(1, input);
        message.Text(2, output).Text(4, "Einsum").Message(5, new WireWriter().Text(1, "equation").Text(4, equation).Integer(20, 3));
        _nodes.Add(new() { Name = "", Operator = "Einsum", Domain = "", Inputs = inputs, Outputs = [output], Attributes = new Dictionary<string, OnnxAttribute>(), Raw = message.ToArray() });
        return output;
    }

    private string Node(string op, IReadOnlyList<string> inputs, params (string Name, long Value)[] attributes) => Add(op, "", inputs, attributes, []);

    private string Operator(string op, string domain, IReadOnlyList<string> inputs, params (string Name, long Value)[] attributes) => Add(op, domain, inputs, attributes, []);

    private string Add(string op, string domain, IReadOnlyList<string> inputs, (string Name, long Value)[] attributes, (string Name, long[] Values)[] lists)
    {
        while (inputs.Count > 0 && inputs[^1].Length == 0) inputs = [.. inputs.SkipLast(1)];
        string output = $"value_{_count++}";
        var message = new WireWriter();
        foreach (string input in inputs) message.Text(1, input);
        message.Text(2, output);
        if (op == "GroupQueryAttention") message.Text(2, output + "_key").Text(2, output + "_value");
        message.Text(3, $"node_{_count}").Text(4, op).Text(7, domain);
        foreach (var (name, value) in attributes) message.Message(5, new WireWriter().Text(1, name).Integer(3, value).Integer(20, 2));
        foreach (var (name, values) in lists)
        {
            var list = new WireWriter().Text(1, name);
            foreach (long value in values) list.Integer(8, value);
            message.Message(5, list.Integer(20, 7));
        }
        string[] outputs = op == "GroupQueryAttention" ? [output, output + "_key", output + "_value"] : [output];
        _nodes.Add(new() { Name = "", Operator = op, Domain = domain, Inputs = inputs, Outputs = outputs, Attributes = new Dictionary<string, OnnxAttribute>(), Raw = message.ToArray() });
        return output;
    }

    private string Scalar(float value)
    {
        string name = FormattableString.Invariant($"scalar_{value}");
        if (!_initializers.ContainsKey(name))
            _initializers[name] = _style.Half ? OnnxTensor.Create(name, Float16, [], BitConverter.GetBytes((Half)value)) : OnnxTensor.Create(name, Float, [], BitConverter.GetBytes(value));
        return name;
    }

    private string Integers(long[] values, bool scalar = false)
    {
        string name = $"integers_{string.Join('_', values)}{(scalar ? "s" : "")}";
        _initializers.TryAdd(name, OnnxTensor.Create(name, 7, scalar ? [] : [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));
        return name;
    }

    private string Weight(Tensor weight)
    {
        string name = $"weight_{_count++}";
        var values = weight.to_type(_style.Half ? ScalarType.Float16 : ScalarType.Float32).contiguous();
        byte[] bytes = values.bytes.ToArray();
        var tensor = OnnxTensor.Create(name, Type, values.shape, bytes);
        if (_data is not null)
        {
            tensor = tensor.MoveTo(new(_dataName, _data.Position, bytes.Length));
            _data.Write(bytes);
        }
        _initializers[name] = tensor;
        return name;
    }

    /// <summary>The graph in the else branch of an If; in the other one something that would not do.</summary>
    private OnnxGraph Merge(OnnxGraph graph)
    {
        var branch = graph.With(initializers: new Dictionary<string, OnnxTensor>(), inputs: []);
        var wrong = new OnnxGraph
        {
            Nodes = [.. graph.Outputs.Select(o => OnnxNode.Create("ConstantOfShape", ["integers_1"], ["wrong_" + o.Name]))],
            Initializers = new Dictionary<string, OnnxTensor>(),
            Inputs = [],
            Outputs = [.. graph.Outputs.Select(o => OnnxValue.Create("wrong_" + o.Name, Type))],
            Values = new Dictionary<string, OnnxValue>(),
            Other = [],
        };
        string[] outputs = [.. graph.Outputs.Select(o => "chosen_" + o.Name)];
        WireWriter Branch(string name, OnnxGraph of) => new WireWriter().Text(1, name).Message(6, of.Write().Text(2, name)).Integer(20, 5);
        var choice = new WireWriter().Text(1, "use_cache_branch");
        foreach (string output in outputs) choice.Text(2, output);
        choice.Text(3, "optimum::if").Text(4, "If").Message(5, Branch("then_branch", wrong)).Message(5, Branch("else_branch", branch));
        var node = new OnnxNode { Name = "optimum::if", Operator = "If", Domain = "", Inputs = ["use_cache_branch"], Outputs = outputs, Attributes = new Dictionary<string, OnnxAttribute>(), Raw = choice.ToArray() };
        _initializers.TryAdd("integers_1", OnnxTensor.Create("integers_1", 7, [1], BitConverter.GetBytes(1L)));
        return graph.With(
            [node, .. graph.Outputs.Select((o, i) => OnnxNode.Create("Identity", [outputs[i]], ["out_" + o.Name]))], _initializers,
            [.. graph.Inputs, Value("use_cache_branch", 9, 1)],
            [.. graph.Outputs.Select(o => OnnxValue.Create(o.Name == "logits" ? "out_logits" : "out_" + o.Name, Type))]);
    }
}
