using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using MlNetIcl.Models.Safetensors;

namespace MlNetIcl.Models.Gguf;

/// <summary>The types of metadata values, by their numbers.</summary>
internal enum GgufValueType : uint
{
    UInt8, Int8, UInt16, Int16, UInt32, Int32, Float32, Bool, String, Array, UInt64, Int64, Float64,
}

/// <summary>
/// The metadata of a file. Opening walks over all values and keeps their places only; a value is read when it is asked for, checked for its
/// kind and range. A value that is absent is null.
/// </summary>
internal sealed class GgufMetadata
{
    private const int LongestKey = 65535, LongestText = 16 << 20, DeepestArray = 4;

    /// <summary>A value's type and first byte; for an array those of its elements.</summary>
    private readonly record struct Value(GgufValueType Type, long Start, bool IsArray, long Count);

    private readonly Dictionary<string, Value> _values = new(StringComparer.Ordinal);
    private readonly MappedFile _file;
    private readonly string _path;

    /// <summary>Walks over <paramref name="count"/> pairs of key and value.</summary>
    public GgufMetadata(MappedFile file, string path, ref GgufCursor cursor, long count)
    {
        (_file, _path) = (file, path);
        for (long i = 0; i < count; i++)
        {
            string key = cursor.String("the key of a metadata value", LongestKey);
            if (key.Length == 0) throw new ModelFormatException($"'{path}': a metadata key is empty.");
            if (!_values.TryAdd(key, Walk(ref cursor, key))) throw new ModelFormatException($"'{path}' has two metadata values '{Show(key)}'.");
        }
    }

    /// <summary>The keys.</summary>
    public IEnumerable<string> Keys => _values.Keys;

    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>A string.</summary>
    public string? Text(string key)
    {
        if (Single(key, "a string", GgufValueType.String) is not { } value) return null;
        var cursor = new GgufCursor(_file, _path, value.Start);
        return cursor.String($"metadata {Show(key)}", LongestText);
    }

    /// <summary>A whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public int? Integer(string key, int least, int most)
    {
        if (Find(key) is not { } value) return null;
        if (value.IsArray || !IsInteger(value.Type)) throw Wrong(key, value, "a whole number");
        decimal number = Whole(value);
        return number >= least && number <= most ? (int)number
            : throw new ModelFormatException($"'{_path}': {Show(key)} is {number.ToString(CultureInfo.InvariantCulture)}; expected {least} to {most}.");
    }

    /// <summary>The id of a token; null also where it is none, such as -1 in any width.</summary>
    public int? Id(string key)
    {
        if (Find(key) is not { } value) return null;
        if (value.IsArray || !IsInteger(value.Type)) throw Wrong(key, value, "a whole number");
        return Whole(value) is >= 0 and <= int.MaxValue and var id ? (int)id : null;
    }

    /// <summary>A finite number.</summary>
    public double? Number(string key)
    {
        if (Single(key, "a number", GgufValueType.Float32, GgufValueType.Float64) is not { } value) return null;
        double number = value.Type == GgufValueType.Float32 ? BinaryPrimitives.ReadSingleLittleEndian(_file.Slice(value.Start, 4)) : BinaryPrimitives.ReadDoubleLittleEndian(_file.Slice(value.Start, 8));
        return double.IsFinite(number) ? number : throw new ModelFormatException(string.Create(CultureInfo.InvariantCulture, $"'{_path}': {Show(key)} is {number}; expected a finite number."));
    }

    /// <summary>A positive number.</summary>
    public double? Positive(string key) => Number(key) is not { } number ? null
        : number > 0 ? number : throw new ModelFormatException(string.Create(CultureInfo.InvariantCulture, $"'{_path}': {Show(key)} is {number}; expected a positive number."));

    /// <summary>True or false.</summary>
    public bool? Flag(string key) => Single(key, "true or false", GgufValueType.Bool) is { } value ? _file.Slice(value.Start, 1)[0] != 0 : null;

    /// <summary>A list of strings.</summary>
    public string[]? Texts(string key, int most, int longest)
    {
        if (List(key, most, "a list of strings", GgufValueType.String) is not { } value) return null;
        var texts = new string[value.Count];
        var cursor = new GgufCursor(_file, _path, value.Start);
        for (int i = 0; i < texts.Length; i++) texts[i] = cursor.String($"an entry of {Show(key)}", longest);
        return texts;
    }

    /// <summary>A list of single-precision numbers.</summary>
    public float[]? Singles(string key, int most) =>
        List(key, most, "a list of float32", GgufValueType.Float32) is { } value ? MemoryMarshal.Cast<byte, float>(_file.Slice(value.Start, (int)value.Count * 4)).ToArray() : null;

    /// <summary>A list of 32-bit integers.</summary>
    public int[]? Integers(string key, int most) =>
        List(key, most, "a list of int32", GgufValueType.Int32, GgufValueType.UInt32) is { } value ? MemoryMarshal.Cast<byte, int>(_file.Slice(value.Start, (int)value.Count * 4)).ToArray() : null;

    /// <summary>Whether a value is a list.</summary>
    public bool IsList(string key) => Find(key) is { IsArray: true };

    /// <summary>The number of entries of a list.</summary>
    public long? CountOf(string key) => Find(key) is not { } value ? null : value.IsArray ? value.Count : throw Wrong(key, value, "a list");

    private Value? Find(string key) => _values.TryGetValue(key, out var value) ? value : null;

    private Value? Single(string key, string expected, params GgufValueType[] types)
    {
        if (Find(key) is not { } value) return null;
        return !value.IsArray && types.Contains(value.Type) ? value : throw Wrong(key, value, expected);
    }

    private Value? List(string key, int most, string expected, params GgufValueType[] types)
    {
        if (Find(key) is not { } value) return null;
        if (!value.IsArray || !types.Contains(value.Type)) throw Wrong(key, value, expected);
        return value.Count <= most ? value : throw new ModelFormatException($"'{_path}': {Show(key)} has {value.Count} entries; expected at most {most}.");
    }

    private Value Walk(ref GgufCursor cursor, string key)
    {
        var type = ReadType(ref cursor, key);
        if (type != GgufValueType.Array)
        {
            var single = new Value(type, cursor.Position, false, 1);
            SkipMany(ref cursor, type, 1, key);
            return single;
        }
        var (element, count) = ReadArray(ref cursor, key);
        var array = new Value(element, cursor.Position, true, count);
        SkipElements(ref cursor, element, count, key, depth: 1);
        return array;
    }

    private void SkipElements(ref GgufCursor cursor, GgufValueType type, long count, string key, int depth)
    {
        if (type != GgufValueType.Array)
        {
            SkipMany(ref cursor, type, count, key);
            return;
        }
        if (depth == DeepestArray) throw new ModelFormatException($"'{_path}': metadata {Show(key)} holds arrays in arrays, more than {DeepestArray} deep.");
        for (long i = 0; i < count; i++)
        {
            var (element, inner) = ReadArray(ref cursor, key);
            SkipElements(ref cursor, element, inner, key, depth + 1);
        }
    }

    private (GgufValueType Element, long Count) ReadArray(ref GgufCursor cursor, string key)
    {
        var element = ReadType(ref cursor, key);
        return (element, cursor.Count($"elements of metadata {Show(key)}", BytesOf(element)));
    }

    private static void SkipMany(ref GgufCursor cursor, GgufValueType type, long count, string key)
    {
        string what = $"metadata {Show(key)}";
        if (type != GgufValueType.String) cursor.Skip((ulong)count, BytesOf(type), what);
        else for (long i = 0; i < count; i++) cursor.SkipString(what);
    }

    private GgufValueType ReadType(ref GgufCursor cursor, string key)
    {
        uint type = cursor.UInt32($"the type of metadata {Show(key)}");
        return type <= (uint)GgufValueType.Float64 ? (GgufValueType)type : throw new ModelFormatException($"'{_path}': metadata {Show(key)} has type {type}; the format has 0 to {(uint)GgufValueType.Float64}.");
    }

    /// <summary>The bytes that a value takes, at least.</summary>
    private static int BytesOf(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.Array => 12,
        _ => 8,
    };

    private static bool IsInteger(GgufValueType type) => type is not (GgufValueType.Float32 or GgufValueType.Float64 or GgufValueType.Bool or GgufValueType.String or GgufValueType.Array);

    private decimal Whole(Value value)
    {
        var bytes = _file.Slice(value.Start, BytesOf(value.Type));
        return value.Type switch
        {
            GgufValueType.UInt8 => bytes[0],
            GgufValueType.Int8 => (sbyte)bytes[0],
            GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            GgufValueType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
            _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        };
    }

    private ModelFormatException Wrong(string key, Value value, string expected) =>
        new($"'{_path}': {Show(key)} is {(value.IsArray ? $"a list of {value.Count} {value.Type}" : $"of type {value.Type}")}; expected {expected}.");

    /// <summary>A name out of the file, at most so long that a message can hold it.</summary>
    internal static string Show(string name) => name.Length <= 100 ? name : string.Concat(name.AsSpan(0, 100), "…");
}
