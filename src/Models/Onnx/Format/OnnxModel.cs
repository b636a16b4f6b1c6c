using System.Buffers;
using System.Runtime.InteropServices;
using MlNetIcl.Models.Safetensors;

namespace MlNetIcl.Models.Onnx;

/// <summary>An ONNX file, read and checked. The data of large tensors stays where it is; the file is mapped until this is disposed.</summary>
internal sealed class OnnxModel : IDisposable
{
    private readonly MappedMemory _map;
    private readonly IReadOnlyList<ReadOnlyMemory<byte>> _other;

    private OnnxModel(string path, ReadOnlyMemory<byte> content, MappedMemory map)
    {
        (Path, _map) = (path, map);
        string name = System.IO.Path.GetFileName(path);
        var reader = new OnnxReader(name, LengthOf);
        ReadOnlyMemory<byte>? graph = null;
        List<ReadOnlyMemory<byte>> other = [];
        var opsets = new Dictionary<string, long>(StringComparer.Ordinal);
        List<OnnxFunction> functions = [];
        var fields = new WireReader(content, name);
        while (fields.Next())
        {
            if (fields.Number == 7)
            {
                if (graph is not null) throw new ModelFormatException($"'{path}' has two graphs.");
                graph = fields.RequireBytes();
                continue;
            }
            other.Add(fields.Raw);
            if (fields.Number == 8) AddOpset(fields.RequireBytes(), name, opsets);
            if (fields.Number == 25) functions.Add(reader.Function(fields.RequireBytes()));
        }
        if (graph is null || opsets.Count == 0) throw new ModelFormatException($"'{path}' is no ONNX model: it has no {(graph is null ? "graph" : "operator set")}.");
        (_other, Opsets, Functions) = (other, opsets, OnnxFunction.Resolve(functions));
        Graph = reader.Graph(graph.Value);
        DataFiles = [.. reader.DataFiles.Order(StringComparer.Ordinal)];
    }

    /// <summary>The file, as a full path.</summary>
    public string Path { get; }

    public string Folder => System.IO.Path.GetDirectoryName(Path)!;

    public OnnxGraph Graph { get; }

    /// <summary>Version of each set of operators, by domain; the standard's own is empty.</summary>
    public IReadOnlyDictionary<string, long> Opsets { get; }

    /// <summary>Operators that the file defines itself.</summary>
    public IReadOnlyList<OnnxFunction> Functions { get; }

    /// <summary>Names of the files in the folder that hold data of tensors.</summary>
    public IReadOnlyList<string> DataFiles { get; }

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is no ONNX model, or damaged.</exception>
    /// <exception cref="UnsupportedModelException">It is larger than the format allows, or uses a part of the format that is not read.</exception>
    public static OnnxModel Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file '{path}'.", path);
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        MappedMemory? map = null;
        try
        {
            if (stream.Length == 0) throw new ModelFormatException($"'{path}' is empty.");
            if (stream.Length > int.MaxValue) throw new UnsupportedModelException($"'{path}' has {stream.Length} bytes; a file of the format has at most 2 GB, larger models keep their tensors in files beside it.");
            map = new MappedMemory(new MappedFile(stream));
            return new OnnxModel(path, map.Memory, map);
        }
        catch
        {
            (map as IDisposable)?.Dispose();
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads a file that is in memory already.</summary>
    public static OnnxModel Parse(UnmanagedMemoryStream content, string path)
    {
        var map = new MappedMemory(new MappedFile(content));
        return new(System.IO.Path.GetFullPath(path), map.Memory, map);
    }

    /// <summary>The model with another graph.</summary>
    public WireWriter Write(OnnxGraph graph)
    {
        var message = new WireWriter();
        foreach (var field in _other) message.Raw(field);
        return message.Message(7, graph.Write());
    }

    /// <summary>Where in the file a tensor's data lies, if it lies there in one piece.</summary>
    public long? OffsetOf(ReadOnlyMemory<byte> data) =>
        MemoryMarshal.TryGetMemoryManager(data, out MappedMemory? map, out int start, out _) && map == _map ? start : null;

    public void Dispose() => ((IDisposable)_map).Dispose();

    private long LengthOf(string dataFile)
    {
        var file = new FileInfo(System.IO.Path.Combine(Folder, dataFile));
        if (!file.Exists) throw new ModelFormatException($"'{Path}' keeps tensors in '{dataFile}', which is not in its folder. Is the download complete?");
        if (file.ResolveLinkTarget(returnFinalTarget: true) is { } target && !HuggingFace.ModelFolder.IsInside(Folder, target.FullName))
            throw new ModelFormatException($"'{file.FullName}' is a link to '{target.FullName}', outside the folder.");
        return file.Length;
    }

    private static void AddOpset(ReadOnlyMemory<byte> message, string name, Dictionary<string, long> opsets)
    {
        string domain = "";
        long version = 0;
        var reader = new WireReader(message, name);
        while (reader.Next())
        {
            if (reader.Number == 1) domain = System.Text.Encoding.UTF8.GetString(reader.RequireBytes().Span);
            if (reader.Number == 2) version = reader.RequireInteger();
        }
        opsets[domain == "ai.onnx" ? "" : domain] = version;
    }

    /// <summary>A mapped file as memory that can be cut into slices.</summary>
    private sealed class MappedMemory(MappedFile file) : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory((int)file.Length);

        public override unsafe Span<byte> GetSpan() => new(file.At(0, file.Length), (int)file.Length); // nobody writes: Memory never leaves as anything but read-only

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin() { }

        protected override void Dispose(bool disposing) => file.Dispose();
    }
}
