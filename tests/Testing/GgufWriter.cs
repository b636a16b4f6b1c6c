using System.Text;
using TorchSharp;

namespace MlNetIcl.Testing;

/// <summary>Writes GGUF files (version 3, alignment 32, float32 tensors) as llama.cpp's converter does: what a test needs and no more.</summary>
public sealed class GgufWriter
{
    private readonly Dictionary<string, object> _metadata = [];
    private readonly Dictionary<string, (float[] Values, long[] Shape)> _tensors = [];

    /// <summary>Sets a value: uint, float, bool, string, or an array of int, float or string. Null removes it.</summary>
    public GgufWriter Set(string key, object? value)
    {
        if (value is null) _metadata.Remove(key);
        else _metadata[key] = value;
        return this;
    }

    /// <summary>Adds a tensor, or replaces the one of this name.</summary>
    public GgufWriter Add(string name, torch.Tensor value)
    {
        using var flat = value.to(torch.ScalarType.Float32).contiguous();
        _tensors[name] = (flat.data<float>().ToArray(), value.shape);
        return this;
    }

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
        writer.Write(3u);
        writer.Write((long)_tensors.Count);
        writer.Write((long)_metadata.Count);
        foreach (var (key, value) in _metadata)
        {
            Write(writer, key);
            WriteValue(writer, value);
        }
        long offset = 0;
        foreach (var (name, (values, shape)) in _tensors)
        {
            Write(writer, name);
            writer.Write(shape.Length);
            foreach (long size in shape.Reverse()) writer.Write(size);
            writer.Write(0u);
            writer.Write(offset);
            offset += (values.Length * 4L) + Padding(values.Length * 4L);
        }
        writer.Write(new byte[Padding(writer.BaseStream.Position)]);
        foreach (var (values, _) in _tensors.Values)
        {
            foreach (float value in values) writer.Write(value);
            writer.Write(new byte[Padding(values.Length * 4L)]);
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
            case uint number: writer.Write(4u); writer.Write(number); break;
            case float number: writer.Write(6u); writer.Write(number); break;
            case bool flag: writer.Write(7u); writer.Write(flag); break;
            case string text: writer.Write(8u); Write(writer, text); break;
            case string[] texts: WriteArray(8, texts, text => Write(writer, text)); break;
            case float[] numbers: WriteArray(6, numbers, writer.Write); break;
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

    private static int Padding(long length) => (int)(-length & 31);
}
