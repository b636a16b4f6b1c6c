using System.Text;
using TorchSharp;

namespace MlNetIcl.Testing;

/// <summary>Writes GGUF files as llama.cpp's converter does: what a test needs and no more.</summary>
public sealed class GgufWriter
{
    private readonly Dictionary<string, object> _metadata = [];
    private readonly Dictionary<string, (uint Type, byte[] Data, long[] Shape)> _tensors = [];

    /// <summary>The version that the file names; 2 and 3 look alike.</summary>
    public uint Version { get; set; } = 3;

    private long Alignment => _metadata.TryGetValue("general.alignment", out object? value) && value is uint alignment and > 0 ? alignment : 32;

    /// <summary>Sets a value: a whole number, float, bool, string, or an array of int, uint, float or string. Null removes it.</summary>
    public GgufWriter Set(string key, object? value)
    {
        if (value is null) _metadata.Remove(key);
        else _metadata[key] = value;
        return this;
    }

    /// <summary>Adds a tensor, or replaces the one of this name: as float32, or in another type of torch that the format has.</summary>
    public GgufWriter Add(string name, torch.Tensor value, torch.ScalarType type = torch.ScalarType.Float32)
    {
        using var flat = value.to(type).contiguous();
        uint id = type switch { torch.ScalarType.Float32 => 0, torch.ScalarType.Float16 => 1, torch.ScalarType.BFloat16 => 30, _ => throw new ArgumentException($"{type} is not written.", nameof(type)) };
        return Add(name, id, flat.bytes.ToArray(), value.shape);
    }

    /// <summary>Adds a tensor as it lies in the file, or replaces the one of this name.</summary>
    public GgufWriter Add(string name, uint type, byte[] data, params long[] shape)
    {
        _tensors[name] = (type, data, shape);
        return this;
    }

    /// <summary>Writes a tensor that is there in another type of torch.</summary>
    public GgufWriter Retype(string name, torch.ScalarType type)
    {
        var (id, data, shape) = _tensors[name];
        if (id != 0) throw new ArgumentException($"'{name}' is not float32.", nameof(name));
        using var values = torch.tensor(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(data).ToArray(), shape);
        return Add(name, values, type);
    }

    /// <summary>The names of the tensors.</summary>
    public IEnumerable<string> Names => [.. _tensors.Keys];

    /// <summary>Takes a tensor out.</summary>
    public GgufWriter Remove(string name)
    {
        if (!_tensors.Remove(name)) throw new ArgumentException($"There is no tensor '{name}'.", nameof(name));
        return this;
    }

    public void Save(string path)
    {
        using var writer = new BinaryWriter(File.Create(path));
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((long)_tensors.Count);
        writer.Write((long)_metadata.Count);
        foreach (var (key, value) in _metadata)
        {
            Write(writer, key);
            WriteValue(writer, value);
        }
        long offset = 0;
        foreach (var (name, (type, data, shape)) in _tensors)
        {
            Write(writer, name);
            writer.Write(shape.Length);
            foreach (long size in shape.Reverse()) writer.Write(size);
            writer.Write(type);
            writer.Write(offset);
            offset += data.Length + Padding(data.Length);
        }
        writer.Write(new byte[Padding(writer.BaseStream.Position)]);
        foreach (var (_, data, _) in _tensors.Values)
        {
            writer.Write(data);
            writer.Write(new byte[Padding(data.Length)]);
        }
    }

    /// <summary>The rows of queries or keys as llama.cpp's converter puts them for the architecture llama: a head's halves become neighbours.</summary>
    public static torch.Tensor Interleave(torch.Tensor rows, int heads)
    {
        long[] shape = rows.shape;
        return rows.view(heads, 2, shape[0] / heads / 2, -1).transpose(1, 2).reshape(shape);
    }

    private static void WriteValue(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case byte number: writer.Write(0u); writer.Write(number); break;
            case ulong number: writer.Write(10u); writer.Write(number); break;
            case int number: writer.Write(5u); writer.Write(number); break;
            case uint number: writer.Write(4u); writer.Write(number); break;
            case float number: writer.Write(6u); writer.Write(number); break;
            case bool flag: writer.Write(7u); writer.Write(flag); break;
            case string text: writer.Write(8u); Write(writer, text); break;
            case string[] texts: WriteArray(8, texts, text => Write(writer, text)); break;
            case float[] numbers: WriteArray(6, numbers, writer.Write); break;
            case uint[] numbers: WriteArray(4, numbers, writer.Write); break;
            case int[] numbers: WriteArray(5, numbers, writer.Write); break;
            default: throw new ArgumentException($"Values of type {value.GetType()} are not written.", nameof(value));
        }

        void WriteArray<T>(uint type, T[] values, Action<T> write)
        {
            writer.Write(9u);
            writer.Write(type);
            writer.Write((long)values.Length);
            foreach (var element in values) write(element);
        }
    }

    private static void Write(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((long)bytes.Length);
        writer.Write(bytes);
    }

    private int Padding(long length) => (int)((Alignment - (length % Alignment)) % Alignment);
}
