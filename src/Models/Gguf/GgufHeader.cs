using MlNetIcl.Models.Safetensors;

namespace MlNetIcl.Models.Gguf;

/// <summary>Reads and checks all that precedes the data: once this returns, every tensor lies inside the file and shares no byte with another.</summary>
internal sealed class GgufHeader
{
    /// <summary>What a file starts with.</summary>
    public static ReadOnlySpan<byte> Magic => "GGUF"u8;

    private const int DefaultAlignment = 32, MostDimensions = 4, LongestName = 65535;

    // What a pair and a tensor take at least: an empty key or name, and the smallest value or a scalar's description.
    private const int SmallestPair = 8 + 4 + 1, SmallestTensor = 8 + 4 + 4 + 8;

    private GgufHeader(uint version, GgufMetadata metadata, Dictionary<string, GgufTensor> tensors) => (Version, Metadata, Tensors) = (version, metadata, tensors);

    public uint Version { get; }

    public GgufMetadata Metadata { get; }

    public Dictionary<string, GgufTensor> Tensors { get; }

    public static GgufHeader Read(MappedFile file, string path)
    {
        var cursor = new GgufCursor(file, path, 0);
        if (!cursor.Take(4, "the magic number").SequenceEqual(Magic)) throw new ModelFormatException($"'{path}' does not start with the letters GGUF: it is no GGUF file, or damaged.");
        uint version = cursor.UInt32("the version");
        if (version is not (2 or 3))
            throw new UnsupportedModelException($"'{path}' is of version {version} of the GGUF format{(version is > 0 and var v && (v & 0xffff) == 0 ? ", or big-endian" : "")}. Supported are 2 and 3, little-endian.");
        long tensorCount = cursor.Count("tensors", SmallestTensor), pairs = cursor.Count("metadata values", SmallestPair);
        var metadata = new GgufMetadata(file, path, ref cursor, pairs);
        var tensors = new GgufTensor[tensorCount];
        for (long i = 0; i < tensorCount; i++) tensors[i] = ReadTensor(ref cursor, path);
        return new(version, metadata, Place(tensors, cursor.Position, Alignment(metadata, path), file.Length, path));
    }

    private static int Alignment(GgufMetadata metadata, string path)
    {
        int alignment = metadata.Integer("general.alignment", 0, int.MaxValue) ?? DefaultAlignment;
        return alignment > 0 && alignment % 8 == 0 ? alignment : throw new ModelFormatException($"'{path}': general.alignment is {alignment}; expected a positive multiple of 8.");
    }

    private static GgufTensor ReadTensor(ref GgufCursor cursor, string path)
    {
        string name = cursor.String("the name of a tensor", LongestName), where = $"'{path}': tensor '{GgufMetadata.Show(name)}'";
        if (name.Length == 0) throw new ModelFormatException($"'{path}' has a tensor without a name.");
        uint dimensions = cursor.UInt32("the number of dimensions of a tensor");
        if (dimensions > MostDimensions) throw new ModelFormatException($"{where} has {dimensions} dimensions; the format has at most {MostDimensions}.");
        var shape = new long[dimensions];
        long elements = 1;
        for (int i = (int)dimensions - 1; i >= 0; i--)
        {
            ulong size = cursor.UInt64("a dimension of a tensor");
            if (size > long.MaxValue || Math.BigMul(elements, (long)size, out elements) != 0 || elements < 0)
                throw new ModelFormatException($"{where} has more elements than 2^63: a dimension is {size}. The file is damaged.");
            shape[i] = (long)size;
        }
        uint id = cursor.UInt32("the type of a tensor");
        var type = GgufTypes.Find(id) ?? throw new UnsupportedModelException($"{where} has type {GgufTypes.Show(id)}, which cannot be read. Supported are {GgufTypes.Readable}.");
        if (dimensions == 0 ? type.BlockElements > 1 : shape[^1] % type.BlockElements != 0)
            throw new ModelFormatException($"{where} has rows of {(dimensions == 0 ? 1 : shape[^1])} elements; type {type.Name} packs {type.BlockElements} at a time.");
        ulong offset = cursor.UInt64("the offset of a tensor");
        long blocks = elements / type.BlockElements;
        if (blocks > long.MaxValue / type.BlockBytes || offset > long.MaxValue) throw new ModelFormatException($"{where} takes {blocks} blocks of {type.BlockBytes} bytes from byte {offset}, which no file can hold.");
        return new(name, type.Name, shape, (long)offset, blocks * type.BlockBytes);
    }

    /// <summary>Counts offsets from the start of the file, after checking them.</summary>
    private static Dictionary<string, GgufTensor> Place(GgufTensor[] tensors, long headerEnd, int alignment, long fileLength, string path)
    {
        // A file without tensors may end where its metadata do.
        long dataStart = tensors.Length == 0 ? headerEnd : checked((headerEnd + alignment - 1) / alignment * alignment);
        var placed = new Dictionary<string, GgufTensor>(tensors.Length, StringComparer.Ordinal);
        long end = 0;
        string before = "";
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Start).ThenBy(tensor => tensor.Length))
        {
            string name = GgufMetadata.Show(tensor.Name);
            if (tensor.Start % alignment != 0) throw new ModelFormatException($"'{path}': tensor '{name}' starts at {tensor.Start}, which is no multiple of the alignment, {alignment}.");
            if (tensor.Start > fileLength - dataStart || tensor.Length > fileLength - dataStart - tensor.Start)
                throw new ModelFormatException($"'{path}': tensor '{name}' takes {tensor.Length} bytes from byte {tensor.Start} of the data, but only {Math.Max(0, fileLength - dataStart)} follow the header. The file is truncated or damaged.");
            if (tensor.Length > 0 && tensor.Start < end) throw new ModelFormatException($"'{path}': tensors '{GgufMetadata.Show(before)}' and '{name}' overlap.");
            if (!placed.TryAdd(tensor.Name, tensor with { Start = dataStart + tensor.Start })) throw new ModelFormatException($"'{path}' has two tensors '{name}'.");
            if (tensor.Length > 0) (end, before) = (tensor.Start + tensor.Length, tensor.Name);
        }
        return placed;
    }
}
