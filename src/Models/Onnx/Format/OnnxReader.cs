using System.Globalization;
using System.Text;

namespace MlNetIcl.Models.Onnx;

/// <summary>
/// Reads the messages of an ONNX file and checks all that the runtime would otherwise rely on: lengths, shapes against data, names,
/// order, places outside the file. What it allocates is bounded, whatever the file says.
/// </summary>
internal sealed class OnnxReader(string file, Func<string, long> lengthOfDataFile)
{
    private const int MostItems = 4_000_000, MostNested = 16, MostDims = 32, LongestName = 4096, MostIntegers = 1 << 20;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly HashSet<string> _dataFiles = new(StringComparer.Ordinal);
    private int _items;
    private int _depth;

    /// <summary>Names of the files that hold data of tensors.</summary>
    public IReadOnlyCollection<string> DataFiles => _dataFiles;

    /// <summary>Reads a graph; <paramref name="outer"/> are the names that graphs around it have made so far.</summary>
    public OnnxGraph Graph(ReadOnlyMemory<byte> message, HashSet<string>? outer = null)
    {
        if (++_depth > MostNested) throw Damaged($"graphs are nested more than {MostNested} deep");
        List<ReadOnlyMemory<byte>> nodes = [], other = [];
        var initializers = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
        List<OnnxValue> inputs = [], outputs = [];
        var values = new Dictionary<string, OnnxValue>(StringComparer.Ordinal);
        var reader = new WireReader(message, file);
        while (reader.Next())
        {
            Count();
            switch (reader.Number)
            {
                case 1: nodes.Add(reader.RequireBytes()); break;
                case 5:
                    var tensor = Tensor(reader.RequireBytes());
                    if (tensor.Name.Length == 0 || !initializers.TryAdd(tensor.Name, tensor)) throw Damaged($"initializer '{tensor.Name}' has no name or is there twice");
                    break;
                case 11: inputs.Add(Value(reader.RequireBytes())); break;
                case 12: outputs.Add(Value(reader.RequireBytes())); break;
                case 13:
                    var value = Value(reader.RequireBytes());
                    values[value.Name] = value;
                    break;
                case 15: throw new UnsupportedModelException($"'{file}' holds sparse tensors, which are not supported.");
                default: other.Add(reader.Raw); break;
            }
        }
        var fed = inputs.Where(i => !initializers.ContainsKey(i.Name)).ToList();
        var graph = new OnnxGraph { Nodes = Ordered(nodes, initializers, inputs, outputs, outer), Initializers = initializers, Inputs = fed, Outputs = outputs, Values = values, Other = other };
        _depth--;
        return graph;
    }

    /// <summary>Reads and checks an operator that the file defines itself.</summary>
    public OnnxFunction Function(ReadOnlyMemory<byte> message)
    {
        string name = "", domain = "";
        List<ReadOnlyMemory<byte>> nodes = [];
        List<OnnxValue> inputs = [];
        var reader = new WireReader(message, file);
        while (reader.Next())
        {
            Count();
            if (reader.Number == 1) name = Text(reader.RequireBytes());
            if (reader.Number == 4) inputs.Add(new(Text(reader.RequireBytes()), 0, null, default));
            if (reader.Number == 7) nodes.Add(reader.RequireBytes());
            if (reader.Number == 10) domain = Text(reader.RequireBytes());
        }
        return new(domain == "ai.onnx" ? "" : domain, name, Ordered(nodes, [], inputs, [], null));
    }

    /// <summary>Reads the nodes, each after those that make what it reads.</summary>
    private OnnxNode[] Ordered(List<ReadOnlyMemory<byte>> messages, Dictionary<string, OnnxTensor> initializers, List<OnnxValue> inputs, List<OnnxValue> outputs, HashSet<string>? outer)
    {
        var made = new HashSet<string>(initializers.Keys, StringComparer.Ordinal);
        var fed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var input in inputs)
        {
            if (input.Name.Length == 0 || !fed.Add(input.Name)) throw Damaged($"input '{input.Name}' has no name or is there twice");
            made.Add(input.Name);
        }
        var visible = new HashSet<string>(made, StringComparer.Ordinal);
        if (outer is not null) visible.UnionWith(outer);
        var nodes = new List<OnnxNode>(Math.Min(messages.Count, MostItems));
        foreach (var message in messages)
        {
            var node = Node(message, visible);
            foreach (string output in node.Outputs)
            {
                if (output.Length == 0) continue;
                if (!made.Add(output)) throw Damaged($"the value '{output}' is made twice");
                visible.Add(output);
            }
            foreach (string need in node.Needs)
                if (!visible.Contains(need)) throw Damaged($"node {node.Label} reads '{need}', which nothing before it makes");
            nodes.Add(node);
        }
        foreach (var output in outputs)
            if (!visible.Contains(output.Name)) throw Damaged($"the output '{output.Name}' is made by no node");
        return [.. nodes];
    }

    private OnnxNode Node(ReadOnlyMemory<byte> message, HashSet<string> visible)
    {
        string name = "", op = "", domain = "";
        List<string> inputs = [], outputs = [];
        var attributes = new Dictionary<string, OnnxAttribute>(StringComparer.Ordinal);
        var captured = new List<string>();
        var reader = new WireReader(message, file);
        while (reader.Next())
        {
            Count();
            switch (reader.Number)
            {
                case 1: inputs.Add(Text(reader.RequireBytes())); break;
                case 2: outputs.Add(Text(reader.RequireBytes())); break;
                case 3: name = Text(reader.RequireBytes()); break;
                case 4: op = Text(reader.RequireBytes()); break;
                case 7: domain = Text(reader.RequireBytes()); break;
                case 5:
                    var attribute = Attribute(reader.RequireBytes(), visible, captured);
                    if (!attributes.TryAdd(attribute.Name, attribute)) throw Damaged($"node '{name}' has the attribute '{attribute.Name}' twice");
                    break;
            }
        }
        return new()
        {
            Name = name,
            Operator = op,
            Domain = domain == "ai.onnx" ? "" : domain,
            Inputs = inputs,
            Outputs = outputs,
            Attributes = attributes,
            Captured = captured,
            Raw = message,
        };
    }

    private OnnxAttribute Attribute(ReadOnlyMemory<byte> message, HashSet<string> visible, List<string> captured)
    {
        string name = "";
        long integer = 0;
        float single = 0;
        ReadOnlyMemory<byte> text = default;
        OnnxTensor? tensor = null;
        OnnxGraph? graph = null;
        var integers = new List<long>();
        var reader = new WireReader(message, file);
        while (reader.Next())
        {
            Count();
            switch (reader.Number)
            {
                case 1: name = Text(reader.RequireBytes()); break;
                case 2: single = BitConverter.Int32BitsToSingle((int)reader.Value); break;
                case 3: integer = reader.RequireInteger(); break;
                case 4: text = reader.RequireBytes(); break;
                case 5:
                    if (tensor is not null) throw Damaged($"the attribute '{name}' has two values");
                    tensor = Tensor(reader.RequireBytes());
                    break;
                case 6 or 11:
                    if (graph is not null) throw Damaged($"the attribute '{name}' has two graphs");
                    graph = Graph(reader.RequireBytes(), visible);
                    captured.AddRange(graph.FromOutside());
                    break;
                case 8: reader.AddIntegers(integers, MostIntegers); break;
                case 10: Tensor(reader.RequireBytes()); break;
                case 22 or 23: throw new UnsupportedModelException($"'{file}' holds sparse tensors, which are not supported.");
            }
        }
        return new(name, integer, single, text, tensor, graph, integers, message);
    }

    private OnnxValue Value(ReadOnlyMemory<byte> message)
    {
        string name = "";
        ReadOnlyMemory<byte>? type = null;
        var reader = new WireReader(message, file);
        while (reader.Next())
            switch (reader.Number)
            {
                case 1: name = Text(reader.RequireBytes()); break;
                case 2:
                    if (type is not null) throw Damaged($"the value '{name}' has two types");
                    type = reader.RequireBytes();
                    break;
            }
        var (element, shape) = type is { } found ? TensorType(found) : (0, null);
        return new(name, element, shape, message);
    }

    private (int Element, IReadOnlyList<OnnxDim>? Shape) TensorType(ReadOnlyMemory<byte> message)
    {
        int element = 0;
        List<OnnxDim>? dims = null;
        var reader = new WireReader(message, file);
        while (reader.Next())
        {
            if (reader.Number != 1) continue; // sequences, maps: no tensor
            var tensor = new WireReader(reader.RequireBytes(), file);
            while (tensor.Next())
            {
                if (tensor.Number == 1) element = (int)tensor.RequireInteger();
                if (tensor.Number != 2) continue;
                dims ??= [];
                var shape = new WireReader(tensor.RequireBytes(), file);
                while (shape.Next())
                    if (shape.Number == 1) dims.Add(Dim(shape.RequireBytes()));
                if (dims.Count > MostDims) throw Damaged($"a value has {dims.Count} dimensions");
            }
        }
        return (element, dims);
    }

    private OnnxDim Dim(ReadOnlyMemory<byte> message)
    {
        OnnxDim dim = default;
        var reader = new WireReader(message, file);
        while (reader.Next())
        {
            if (reader.Number == 1) dim = new(reader.RequireInteger(), null);
            if (reader.Number == 2) dim = new(null, Text(reader.RequireBytes()));
        }
        if (dim.Size is < 0 or > int.MaxValue) throw Damaged($"a value has a dimension of size {dim.Size}");
        return dim;
    }

    private OnnxTensor Tensor(ReadOnlyMemory<byte> message)
    {
        string name = "";
        int type = 0;
        var dims = new List<long>();
        ReadOnlyMemory<byte>? data = null;
        var external = new Dictionary<string, string>(StringComparer.Ordinal);
        bool isOutside = false;
        long listed = 0, strings = 0;
        var reader = new WireReader(message, file);
        while (reader.Next())
            switch (reader.Number)
            {
                case 1: reader.AddIntegers(dims, MostDims); break;
                case 2: type = (int)reader.RequireInteger(); break;
                case 3: throw new UnsupportedModelException($"'{file}' holds a tensor in segments, which are not supported.");
                case 4: listed += reader.CountScalars(4); break;
                case 5 or 7 or 11: listed += reader.CountScalars(0); break;
                case 10: listed += reader.CountScalars(8); break;
                case 6:
                    Count();
                    strings++;
                    break;
                case 8: name = Text(reader.RequireBytes()); break;
                case 9: data = reader.RequireBytes(); break;
                case 13: Entry(reader.RequireBytes(), external); break;
                case 14: isOutside = reader.RequireInteger() == 1; break;
            }
        string label = name.Length > 0 ? $"tensor '{name}'" : "the tensor of an attribute";
        if (OnnxType.Bits(type) is not { } bits) throw Damaged($"{label} has the unknown element type {type}");
        long count = 1;
        foreach (long size in dims)
        {
            if (size < 0 || (count = Product(count, size)) < 0) throw Damaged($"{label} has the shape [{string.Join(", ", dims)}]");
        }
        long bytes = ((count * bits) + 7) / 8;
        if (isOutside) return new(name, type, [.. dims], default, Outside(label, external, bytes, bits), message);

        long packed = bits is > 0 and < 8 ? (count + (8 / bits) - 1) / (8 / bits) : count;
        long complex = type is 14 or 15 ? 2 * count : packed;
        bool fits = type == OnnxType.String ? strings == count : data is { } raw ? raw.Length == bytes : listed == complex;
        if (!fits)
            throw Damaged($"{label} of {OnnxType.Name(type)} [{string.Join(", ", dims)}] should have {(type == OnnxType.String ? $"{count} strings, found {strings}" : data is { } found ? $"{bytes} bytes, found {found.Length}" : $"{complex} numbers, found {listed}")}");
        return new(name, type, [.. dims], data ?? default, null, message);
    }

    /// <summary>The product of sizes, or -1 where no file could hold as many elements.</summary>
    private static long Product(long a, long b) => Math.BigMul(a, b, out long low) == 0 && low is >= 0 and < 1L << 56 ? low : -1;

    private void Entry(ReadOnlyMemory<byte> message, Dictionary<string, string> entries)
    {
        Count();
        string key = "", value = "";
        var reader = new WireReader(message, file);
        while (reader.Next())
        {
            if (reader.Number == 1) key = Text(reader.RequireBytes());
            if (reader.Number == 2) value = Text(reader.RequireBytes());
        }
        entries[key] = value;
    }

    private ExternalData Outside(string label, Dictionary<string, string> entries, long bytes, int bits)
    {
        if (bits == 0) throw Damaged($"{label} has strings outside the file");
        string place = entries.GetValueOrDefault("location", "");
        if (place.StartsWith("./", StringComparison.Ordinal)) place = place[2..];
        // One rule for all systems: a plain file name, so that no part of it can lead elsewhere.
        if (place.Length == 0 || place is "." or ".." || place.AsSpan().IndexOfAny("/\\:\0") >= 0)
            throw new ModelFormatException($"'{file}': the data of {label} is said to be in '{place}'. Expected the name of a file in the model's folder, without a path.");
        long offset = Number(entries, "offset", label) ?? 0, length = Number(entries, "length", label) ?? bytes;
        if (length != bytes) throw Damaged($"{label} should have {bytes} bytes, and {length} are said to be in '{place}'");
        long available = lengthOfDataFile(place);
        if (offset > available || length > available - offset)
            throw new ModelFormatException($"'{file}': the data of {label} is said to be at bytes {offset} to {offset + length} of '{place}', which has {available}. Is the download complete?");
        _dataFiles.Add(place);
        return new(place, offset, length);
    }

    private long? Number(Dictionary<string, string> entries, string key, string label)
    {
        if (!entries.TryGetValue(key, out string? text)) return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value < 1L << 62 ? value : throw Damaged($"{label} has the {key} '{text}'");
    }

    private string Text(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > LongestName) throw Damaged($"a name has {bytes.Length} bytes");
        try
        {
            return StrictUtf8.GetString(bytes.Span);
        }
        catch (DecoderFallbackException error)
        {
            throw new ModelFormatException($"'{file}' is no ONNX model, or damaged: a name is not valid UTF-8.", error);
        }
    }

    private void Count()
    {
        if (++_items > MostItems) throw new UnsupportedModelException($"'{file}' has more than {MostItems} parts.");
    }

    private ModelFormatException Damaged(string what) => new($"'{file}' is no ONNX model, or damaged: {what}.");
}
