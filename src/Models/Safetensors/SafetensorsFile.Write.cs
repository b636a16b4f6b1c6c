using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Safetensors;

public sealed partial class SafetensorsFile
{
    /// <summary>
    /// Writes tensors to a file. It appears under its name only when it is complete; an existing file is replaced. Equal input gives equal bytes.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Names, each once, and values of any shape, on any device.</param>
    /// <param name="metadata">Strings for <c>__metadata__</c>.</param>
    /// <exception cref="ArgumentException">A name comes twice or is <c>__metadata__</c>, or the format has no such element type.</exception>
    /// <exception cref="IOException">The file cannot be written; nothing is left behind.</exception>
    public static void Write(string path, IEnumerable<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        // Wide elements first, so that all lie at multiples of their size.
        (string Name, Tensor Value)[] ordered = [.. tensors.OrderByDescending(t => t.Value.ElementSize).ThenBy(t => t.Name, StringComparer.Ordinal)];
        byte[] header = WriteHeader(ordered.Select(t => (t.Name, t.Value.dtype, t.Value.ElementSize, (IReadOnlyList<long>)t.Value.shape)), metadata);
        Write(path, header, file =>
        {
            foreach (var (_, value) in ordered) WriteData(file, value);
        });
    }

    /// <summary>Writes tensors that are made while they are written: <paramref name="writeData"/> writes the values of all, in the order given, one after the other.</summary>
    internal static void Write(string path, IEnumerable<(string Name, ScalarType Type, long ElementSize, IReadOnlyList<long> Shape)> tensors, Action<Stream> writeData) =>
        Write(path, WriteHeader(tensors, null), writeData);

    private static void Write(string path, byte[] header, Action<Stream> writeData)
    {
        string unfinished = path + "." + System.IO.Path.GetRandomFileName();
        try
        {
            using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                file.Write(header);
                writeData(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static byte[] WriteHeader(IEnumerable<(string Name, ScalarType Type, long ElementSize, IReadOnlyList<long> Shape)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        var buffer = new ArrayBufferWriter<byte>();
        buffer.GetSpan(8)[..8].Clear(); // the header's length, known at the end
        buffer.Advance(8);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long start = 0;
            foreach (var (name, elementType, elementSize, shape) in tensors)
            {
                if (!names.Add(name)) throw new ArgumentException($"The name '{name}' is given twice or reserved.", nameof(tensors));
                string type = SafetensorsTypes.Name(elementType)
                    ?? throw new ArgumentException($"Tensor '{name}' has element type {elementType}; a safetensors file can hold {SafetensorsTypes.Readable}.", nameof(tensors));
                json.WriteStartObject(name);
                json.WriteString("dtype", type);
                json.WriteStartArray("shape");
                foreach (long size in shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(start);
                json.WriteNumberValue(start += shape.Aggregate(elementSize, (bytes, size) => checked(bytes * size)));
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        int padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(8)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        byte[] header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    private static void WriteData(Stream file, Tensor value)
    {
        using var scope = NewDisposeScope();
        var flat = value.detach().cpu().contiguous().view(-1);
        long elements = flat.numel(), most = ChunkBytes / value.ElementSize;
        for (long done = 0; done < elements; done += most)
        {
            using var chunk = flat.narrow(0, done, Math.Min(most, elements - done));
            file.Write(chunk.bytes);
        }
    }
}
