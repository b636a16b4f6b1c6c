using System.Buffers.Binary;
using MlNetIcl.Models.Native;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Safetensors;

/// <summary>
/// A safetensors file, memory-mapped: opening reads and checks the header only. Thread-safe until disposed; the file must not change meanwhile.
/// </summary>
public sealed partial class SafetensorsFile : IDisposable
{
    private const int ChunkBytes = 16 << 20; // bounds the memory of a conversion, and keeps spans below their limit

    private readonly Dictionary<string, SafetensorsEntry> _entries;
    private readonly MappedFile _file;
    private readonly long _dataStart;

    private SafetensorsFile(string path, MappedFile file, long dataStart, Dictionary<string, SafetensorsEntry> entries, Dictionary<string, string> metadata)
    {
        Path = path;
        _file = file;
        _dataStart = dataStart;
        _entries = entries;
        Metadata = metadata;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _entries;

    /// <summary>The strings under <c>__metadata__</c>; empty where there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header completely: a tensor of a file that opens lies inside the file and has the length that its shape asks for.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is truncated, or its header breaks a rule of the format; the message says which.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        return stream.Length == 0 ? throw TooShort(path, 0) : Open(new MappedFile(stream), path);
    }

    /// <summary>Opens a file that is embedded in an assembly, without copying it.</summary>
    internal static SafetensorsFile Open(UnmanagedMemoryStream resource, string name) => Open(new MappedFile(resource), name);

    private static SafetensorsFile Open(MappedFile file, string path)
    {
        try
        {
            int header = HeaderLength(file, path);
            var (entries, metadata) = SafetensorsHeader.Parse(file.Slice(8, header), file.Length - 8 - header, path);
            return new(path, file, 8 + header, entries, metadata);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a tensor into memory, on the CPU. The caller owns it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">The element type that it is converted to; null (the default) for the file's own.</param>
    /// <exception cref="ModelFormatException">There is no tensor of this name.</exception>
    /// <exception cref="UnsupportedModelException">Its element type cannot be read.</exception>
    public Tensor Read(string name, ScalarType? type = null)
    {
        var entry = Entry(name);
        var stored = Stored(entry);
        NativeTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var target = empty([.. entry.Shape], dtype: type ?? stored);
        Read(name, target);
        return target.MoveToOuterDisposeScope();
    }

    /// <summary>Reads a tensor into memory that is there: a contiguous tensor of as many elements, of any type, on the CPU.</summary>
    internal void Read(string name, Tensor target)
    {
        var entry = Entry(name);
        var stored = Stored(entry);
        using var scope = NewDisposeScope();
        var flat = target.view(-1);
        long elements = target.numel(), elementBytes = elements == 0 ? 1 : entry.Length / elements;
        for (long done = 0, most = ChunkBytes / elementBytes; done < elements; done += most)
        {
            using var chunkScope = NewDisposeScope();
            long count = Math.Min(most, elements - done), start = _dataStart + entry.Start + done * elementBytes;
            var destination = flat.narrow(0, done, count);
            var chunk = target.dtype == stored ? destination : empty([count], dtype: stored);
            _file.Slice(start, (int)(count * elementBytes)).CopyTo(chunk.bytes);
            if (!ReferenceEquals(chunk, destination)) destination.copy_(chunk);
        }
    }

    /// <summary>Whether two tensors, possibly of two files, have the same type, shape and bytes.</summary>
    internal static bool AreSame(SafetensorsFile first, string firstName, SafetensorsFile second, string secondName)
    {
        SafetensorsEntry a = first.Entry(firstName), b = second.Entry(secondName);
        if (a.DType != b.DType || !a.Shape.SequenceEqual(b.Shape)) return false;
        for (long done = 0; done < a.Length; done += ChunkBytes)
        {
            int count = (int)Math.Min(ChunkBytes, a.Length - done);
            var expected = first._file.Slice(first._dataStart + a.Start + done, count);
            if (!expected.SequenceEqual(second._file.Slice(second._dataStart + b.Start + done, count))) return false;
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private ScalarType Stored(SafetensorsEntry entry) => SafetensorsTypes.Torch(entry.DType) ?? throw new UnsupportedModelException(
        $"'{Path}': tensor '{entry.Name}' has element type {entry.DType}. Supported are {SafetensorsTypes.Readable}.");

    private SafetensorsEntry Entry(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _entries.TryGetValue(name, out var entry) ? entry
            : throw new ModelFormatException($"'{Path}' has no tensor '{name}'. It has {_entries.Count}: {string.Join(", ", _entries.Keys.Order(StringComparer.Ordinal).Take(8))}{(_entries.Count > 8 ? ", …" : "")}.");
    }

    private static ModelFormatException TooShort(string path, long length) =>
        new($"'{path}' has {length} bytes; a safetensors file starts with 8 bytes for the length of its header. The file is truncated.");

    private static int HeaderLength(MappedFile file, string path)
    {
        if (file.Length < 8) throw TooShort(path, file.Length);
        ulong header = BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, 8));
        if (header > SafetensorsHeader.LongestHeader)
            throw new ModelFormatException($"'{path}': the header's length is {header} bytes, at most {SafetensorsHeader.LongestHeader} are allowed. This is not a safetensors file, or it is damaged.");
        if (header > (ulong)(file.Length - 8))
            throw new ModelFormatException($"'{path}': the header's length is {header} bytes, but the file ends after {file.Length - 8}. The file is truncated or damaged.");
        return (int)header;
    }
}
