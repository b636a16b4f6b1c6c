namespace MlNetIcl.Models.Onnx;

/// <summary>A setting of a node. Of the kinds of value only those are kept that anything here reads.</summary>
internal sealed record OnnxAttribute(string Name, long Integer, float Float, ReadOnlyMemory<byte> Text, OnnxTensor? Tensor, OnnxGraph? Graph, IReadOnlyList<long> Integers, ReadOnlyMemory<byte> Raw);

/// <summary>One operation of a graph. Immutable.</summary>
internal sealed class OnnxNode
{
    public required string Name { get; init; }

    /// <summary>The operator.</summary>
    public required string Operator { get; init; }

    /// <summary>Whose operator it is; empty for the standard's own.</summary>
    public required string Domain { get; init; }

    /// <summary>Names of the values that are read; empty for optional ones that are left out.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>Names of the values that are made; empty for optional ones that are left out.</summary>
    public required IReadOnlyList<string> Outputs { get; init; }

    public required IReadOnlyDictionary<string, OnnxAttribute> Attributes { get; init; }

    /// <summary>The message.</summary>
    public required ReadOnlyMemory<byte> Raw { get; init; }

    /// <summary>The graphs inside.</summary>
    public IEnumerable<OnnxGraph> Graphs => Attributes.Values.Select(attribute => attribute.Graph).OfType<OnnxGraph>();

    /// <summary>What the graphs inside read from outside.</summary>
    public IReadOnlyList<string> Captured { get; init; } = [];

    /// <summary>The name of an input; empty where it is left out.</summary>
    public string Input(int index) => index < Inputs.Count ? Inputs[index] : "";

    /// <summary>The name of an output; empty where it is left out.</summary>
    public string Output(int index) => index < Outputs.Count ? Outputs[index] : "";

    /// <summary>Everything that must be there before the node can run.</summary>
    public IEnumerable<string> Needs => Inputs.Where(name => name.Length > 0).Concat(Captured);

    /// <summary>Whether it is this operator of the standard.</summary>
    public bool Is(string op) => Domain.Length == 0 && Operator == op;

    /// <summary>Whether it is this operator of ONNX Runtime's own set.</summary>
    public bool IsMicrosoft(string op) => Domain == MicrosoftDomain && Operator == op;

    public long Integer(string attribute, long otherwise) => Attributes.TryGetValue(attribute, out var found) ? found.Integer : otherwise;

    /// <summary>How messages call it.</summary>
    public string Label => Name.Length > 0 ? $"'{Name}' ({(Domain.Length == 0 ? "" : Domain + ".")}{Operator})" : $"that makes '{Outputs.FirstOrDefault(o => o.Length > 0)}' ({(Domain.Length == 0 ? "" : Domain + ".")}{Operator})";

    public const string MicrosoftDomain = "com.microsoft";

    /// <summary>A new node; attributes may be whole numbers and lists of them.</summary>
    public static OnnxNode Create(string op, IReadOnlyList<string> inputs, IReadOnlyList<string> outputs, params (string Name, long Value)[] attributes)
    {
        var message = new WireWriter();
        Write(message, inputs, outputs);
        message.Text(3, "mlneticl/" + outputs[0]).Text(4, op);
        foreach (var (name, value) in attributes) message.Message(5, IntegerAttribute(name, value));
        return new()
        {
            Name = "mlneticl/" + outputs[0],
            Operator = op,
            Domain = "",
            Inputs = inputs,
            Outputs = outputs,
            Attributes = attributes.ToDictionary(a => a.Name, a => new OnnxAttribute(a.Name, a.Value, 0, default, null, null, [], default)),
            Raw = message.ToArray(),
        };
    }

    /// <summary>The same node with other outputs, and whole-number attributes set; all else stays as it stands in the file.</summary>
    public OnnxNode With(IReadOnlyList<string> outputs, params (string Name, long Value)[] attributes)
    {
        var message = new WireWriter();
        Write(message, Inputs, outputs);
        var set = attributes.ToDictionary(a => a.Name, a => a.Value);
        var reader = new WireReader(Raw, "");
        while (reader.Next())
            if (reader.Number is not (1 or 2) && !(reader.Number == 5 && Attributes.Values.Any(a => set.ContainsKey(a.Name) && SameBytes(a.Raw, reader.Bytes)))) message.Raw(reader.Raw);
        foreach (var (name, value) in attributes) message.Message(5, IntegerAttribute(name, value));
        return new()
        {
            Name = Name,
            Operator = Operator,
            Domain = Domain,
            Inputs = Inputs,
            Outputs = outputs,
            Captured = Captured,
            Attributes = Attributes.Values.Where(a => !set.ContainsKey(a.Name)).Concat(attributes.Select(a => new OnnxAttribute(a.Name, a.Value, 0, default, null, null, [], default))).ToDictionary(a => a.Name),
            Raw = message.ToArray(),
        };
    }

    private static bool SameBytes(ReadOnlyMemory<byte> a, ReadOnlyMemory<byte> b) => a.Span.SequenceEqual(b.Span);

    private static void Write(WireWriter message, IReadOnlyList<string> inputs, IReadOnlyList<string> outputs)
    {
        foreach (string input in inputs) message.Text(1, input);
        foreach (string output in outputs) message.Text(2, output);
    }

    private static WireWriter IntegerAttribute(string name, long value) => new WireWriter().Text(1, name).Integer(3, value).Integer(20, 2);
}
