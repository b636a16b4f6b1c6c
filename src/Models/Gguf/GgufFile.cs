using MlNetIcl.Models.Native;
using MlNetIcl.Models.Safetensors;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Gguf;

/// <summary>
/// A GGUF file of version 2 or 3 (ggml's format), memory-mapped: opening reads and checks what precedes the data. Thread-safe until disposed;
/// the file must not change meanwhile.
/// </summary>
public sealed unsafe partial class GgufFile : IDisposable
{
    private readonly MappedFile _file;
    private readonly GgufHeader _header;

    private GgufFile(string path, MappedFile file, GgufHeader header)
    {
        Path = path;
        _file = file;
        _header = header;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The version of the format that the file is in: 2 or 3.</summary>
    public int Version => (int)_header.Version;

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors => _header.Tensors;

    internal GgufMetadata Metadata => _header.Metadata;

    /// <summary>Whether a file starts as a GGUF file does, whatever its name.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static bool IsGguf(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        Span<byte> start = stackalloc byte[4];
        return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual(GgufHeader.Magic);
    }

    /// <summary>Opens a file and checks it: metadata and tensors of a file that opens lie inside the file, and no two tensors overlap.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is truncated, or breaks a rule of the format; the message says which.</exception>
    /// <exception cref="UnsupportedModelException">The version, or a tensor's type, is not known.</exception>
    public static GgufFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        return stream.Length == 0 ? throw new ModelFormatException($"'{path}' is empty.") : Open(new MappedFile(stream), path);
    }

    /// <summary>Opens a file that is in memory.</summary>
    internal static GgufFile Open(UnmanagedMemoryStream content, string name) => Open(new MappedFile(content), name);

    private static GgufFile Open(MappedFile file, string path)
    {
        try
        {
            return new(path, file, GgufHeader.Read(file, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a tensor into memory, on the CPU, and decodes it where it is quantised. The caller owns it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">The element type of the result: Float32 (the default) or BFloat16.</param>
    /// <exception cref="ModelFormatException">There is no tensor of this name.</exception>
    /// <exception cref="UnsupportedModelException">Its type cannot be decoded.</exception>
    public Tensor Read(string name, ScalarType type = ScalarType.Float32)
    {
        var tensor = Find(name);
        NativeTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var target = empty([.. tensor.Shape], dtype: type);
        Read(name, target);
        return target.MoveToOuterDisposeScope();
    }

    /// <summary>Decodes a tensor into memory that is there: a contiguous tensor of as many elements, float32 or bfloat16, on the CPU.</summary>
    internal void Read(string name, Tensor target)
    {
        var tensor = Find(name);
        long elements = tensor.Elements;
        if (target.numel() != elements || !target.is_contiguous()) throw new ArgumentException($"Expected room for the {elements} elements of '{name}'.", nameof(target));
        if (elements == 0) return;
        using var scope = NewDisposeScope();
        fixed (byte* values = target.view(-1).narrow(0, 0, 1).bytes)
            Decode(tensor, 0, elements, values, target.dtype);
    }

    /// <summary>Decodes a part of a tensor: elements from <paramref name="first"/>, which starts a block, on.</summary>
    internal void Decode(GgufTensor tensor, long first, long elements, byte* values, ScalarType target)
    {
        RequireReadable(tensor);
        var type = GgufTypes.Named(tensor.Type);
        Dequantizer.Decode(type, _file.At(tensor.Start + (first / type.BlockElements * type.BlockBytes), elements / type.BlockElements * type.BlockBytes), elements, values, target);
    }

    internal void RequireReadable(GgufTensor tensor)
    {
        if (!GgufTypes.IsReadable(tensor.Type))
            throw new UnsupportedModelException($"'{Path}': tensor '{GgufMetadata.Show(tensor.Name)}' has type {tensor.Type}, which cannot be read. Supported are {GgufTypes.Readable}.");
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private GgufTensor Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _header.Tensors.TryGetValue(name, out var tensor) ? tensor
            : throw new ModelFormatException($"'{Path}' has no tensor '{name}'. It has {_header.Tensors.Count}: {string.Join(", ", _header.Tensors.Keys.Order(StringComparer.Ordinal).Take(8).Select(GgufMetadata.Show))}{(_header.Tensors.Count > 8 ? ", …" : "")}.");
    }
}
