namespace MlNetIcl.Models.Onnx;

/// <summary>Element types, by the format's numbers.</summary>
internal static class OnnxType
{
    public const int Float = 1, Int32 = 6, Int64 = 7, String = 8, Bool = 9, Float16 = 10, Double = 11, BFloat16 = 16;

    private static readonly string[] Names =
        ["undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64", "uint32", "uint64", "complex64", "complex128",
         "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2"];

    private static readonly byte[] Widths = [0, 32, 8, 8, 16, 16, 32, 64, 0, 8, 16, 64, 32, 64, 64, 128, 16, 8, 8, 8, 8, 4, 4, 4, 8, 2, 2];

    /// <summary>Bits of an element; 0 for strings, null for a type that is not known.</summary>
    public static int? Bits(int type) => (uint)(type - 1) < (uint)(Widths.Length - 1) ? Widths[type] : null;

    public static string Name(int type) => (uint)type < (uint)Names.Length ? Names[type] : $"type {type}";

    public static bool IsFloat(int type) => type is Float or Float16 or Double or BFloat16;

    public static bool IsInteger(int type) => type is Int32 or Int64;
}

/// <summary>A dimension: a size, a name for one, or neither.</summary>
internal readonly record struct OnnxDim(long? Size, string? Name);

/// <summary>A graph's input or output, or what a file says of a value inside.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type; 0 where none is given, or where it is no tensor.</param>
/// <param name="Shape">Its dimensions; null where not even their number is given.</param>
/// <param name="Raw">The message.</param>
internal sealed record OnnxValue(string Name, int Type, IReadOnlyList<OnnxDim>? Shape, ReadOnlyMemory<byte> Raw)
{
    /// <summary>A value of which nothing but the element type and the number of axes is said, or not even that (0): the runtime infers the rest.</summary>
    public static OnnxValue Create(string name, int type = 0, int rank = 0)
    {
        var message = new WireWriter().Text(1, name);
        var tensor = new WireWriter().Integer(1, type);
        var shape = new WireWriter();
        for (int i = 0; i < rank; i++) shape.Message(1, new WireWriter());
        if (rank > 0) tensor.Message(2, shape);
        if (type != 0) message.Message(2, new WireWriter().Message(1, tensor));
        return new(name, type, rank > 0 ? [.. new OnnxDim[rank]] : null, message.ToArray());
    }

    public override string ToString() => Shape is null ? OnnxType.Name(Type) : $"{OnnxType.Name(Type)} [{string.Join(", ", Shape.Select(d => d.Size?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? d.Name ?? "?"))}]";
}

/// <summary>Where the data of a tensor lies outside the model's file.</summary>
internal sealed record ExternalData(string File, long Offset, long Length);

/// <summary>A tensor that a file holds: an initializer or a constant.</summary>
/// <param name="Name">Its name; empty for the value of an attribute.</param>
/// <param name="Type">Element type.</param>
/// <param name="Dims">Its sizes.</param>
/// <param name="Data">Elements as they lie in memory, little-endian; empty where they are in lists of numbers or outside.</param>
/// <param name="External">Where they are, if outside.</param>
/// <param name="Raw">The message.</param>
internal sealed record OnnxTensor(string Name, int Type, long[] Dims, ReadOnlyMemory<byte> Data, ExternalData? External, ReadOnlyMemory<byte> Raw)
{
    public long Count => Dims.Aggregate(1L, (a, b) => a * b);

    /// <summary>The same tensor with its data outside.</summary>
    public OnnxTensor MoveTo(ExternalData place)
    {
        var message = new WireWriter();
        foreach (long size in Dims) message.Integer(1, size);
        message.Integer(2, Type).Text(8, Name);
        void Entry(string key, string value) => message.Message(13, new WireWriter().Text(1, key).Text(2, value));
        Entry("location", place.File);
        Entry("offset", place.Offset.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Entry("length", place.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));
        message.Integer(14, 1);
        return this with { Data = default, External = place, Raw = message.ToArray() };
    }

    /// <summary>A tensor of given bytes.</summary>
    public static OnnxTensor Create(string name, int type, long[] dims, ReadOnlyMemory<byte> data)
    {
        var message = new WireWriter();
        foreach (long size in dims) message.Integer(1, size);
        message.Integer(2, type).Text(8, name).Bytes(9, data);
        return new(name, type, dims, data, null, message.ToArray());
    }
}
