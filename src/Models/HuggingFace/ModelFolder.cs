using System.Text.Json;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>The files of a Hugging Face model folder. Nothing outside it is opened.</summary>
internal sealed class ModelFolder
{
    public const string Config = "config.json", Tokenizer = "tokenizer.json";
    private const string Weights = "model.safetensors", Index = "model.safetensors.index.json";
    private const long LongestIndex = 64 << 20;

    private ModelFolder(string path, IReadOnlyList<string> shards, Dictionary<string, string>? shardOf)
    {
        Path = path;
        Shards = shards;
        ShardOf = shardOf;
    }

    /// <summary>The folder, as a full path.</summary>
    public string Path { get; }

    /// <summary>The names of the weight files.</summary>
    public IReadOnlyList<string> Shards { get; }

    /// <summary>Which weight file holds which tensor; null where there is one file.</summary>
    public IReadOnlyDictionary<string, string>? ShardOf { get; }

    /// <summary>Whether there is a tokenizer.</summary>
    public bool HasTokenizer => File.Exists(FileAt(Tokenizer));

    /// <summary>The path of a file of the folder.</summary>
    public string FileAt(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>The files that decide what the model computes.</summary>
    public IEnumerable<string> Files =>
        [Config, .. ShardOf is null ? [] : (string[])[Index], .. Shards, .. ((string[])[Tokenizer, "tokenizer_config.json"]).Where(name => File.Exists(FileAt(name)))];

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="ModelFormatException">A file is missing, or the index is malformed or points outside the folder.</exception>
    /// <exception cref="UnsupportedModelException">The weights are in another format.</exception>
    public static ModelFolder Open(string path)
    {
        path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        if (!Directory.Exists(path)) throw new DirectoryNotFoundException($"'{path}' does not exist. Expected a folder with {Config} and {Weights}.");
        bool single = File.Exists(System.IO.Path.Combine(path, Weights)), sharded = File.Exists(System.IO.Path.Combine(path, Index));
        if (!single && !sharded) throw NoWeights(path);
        if (!File.Exists(System.IO.Path.Combine(path, Config))) throw new ModelFormatException($"'{path}' has no {Config}, which says what its weights are.");
        if (single) return new(path, [Weights], null);
        var shardOf = ReadIndex(path);
        return new(path, [.. shardOf.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)], shardOf);
    }

    private static Exception NoWeights(string path)
    {
        string[] names = [.. Directory.EnumerateFiles(path).Select(file => System.IO.Path.GetFileName(file)!).Order(StringComparer.Ordinal)];
        if (Array.Find(names, name => name.StartsWith("pytorch_model", StringComparison.Ordinal)) is { } pickled)
            return new UnsupportedModelException($"'{path}' holds its weights in {pickled}, a pickle file that can run code when it is read; supported is {Weights}. Convert it with Python's transformers: "
                + "AutoModelForCausalLM.from_pretrained(folder).save_pretrained(new_folder, safe_serialization=True)");
        if (Array.Find(names, name => System.IO.Path.GetExtension(name) is ".gguf" or ".onnx" or ".h5" or ".msgpack" or ".pt" or ".pth" or ".bin") is { } other)
            return new UnsupportedModelException($"'{path}' holds {other}, but no {Weights} or {Index}. A Hugging Face folder with safetensors is supported.");
        return new ModelFormatException($"'{path}' has neither {Weights} nor {Index}.");
    }

    private static Dictionary<string, string> ReadIndex(string folder)
    {
        string path = System.IO.Path.Combine(folder, Index);
        using var stream = File.OpenRead(path);
        if (stream.Length > LongestIndex) throw new ModelFormatException($"'{path}' has {stream.Length} bytes; an index has at most {LongestIndex}.");
        try
        {
            using var json = JsonDocument.Parse(stream);
            var shardOf = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in json.RootElement.GetProperty("weight_map").EnumerateObject())
            {
                string shard = entry.Value.GetString() ?? "";
                if (!shardOf.TryAdd(entry.Name, shard)) throw new ModelFormatException($"'{path}' names tensor '{entry.Name}' twice.");
            }
            if (shardOf.Count == 0) throw new ModelFormatException($"'{path}': the weight_map is empty.");
            foreach (string shard in shardOf.Values.Distinct(StringComparer.Ordinal)) CheckShard(folder, path, shard);
            return shardOf;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ModelFormatException($"'{path}' must be JSON with an object weight_map of tensor names to file names: {error.Message}", error);
        }
    }

    private static void CheckShard(string folder, string index, string shard)
    {
        // One rule for all systems: a plain file name, so that no part of it can lead elsewhere.
        if (shard.Length == 0 || shard is "." or ".." || shard.AsSpan().IndexOfAny("/\\:\0") >= 0 || !shard.EndsWith(".safetensors", StringComparison.Ordinal))
            throw new ModelFormatException($"'{index}' names the file '{shard}'. Expected the name of a .safetensors file in the folder, without a path.");
        var file = new FileInfo(System.IO.Path.Combine(folder, shard));
        if (!file.Exists) throw new ModelFormatException($"'{index}' names the file '{shard}', which is not in the folder. Is the download complete?");
        if (file.ResolveLinkTarget(returnFinalTarget: true) is { } target && !IsInside(folder, target.FullName))
            throw new ModelFormatException($"'{file.FullName}' is a link to '{target.FullName}', outside the folder.");
    }

    /// <summary>Links may lead inside the folder, or to where the hub's cache keeps the files of a snapshot: <c>snapshots/REVISION/name -> blobs/HASH</c>.</summary>
    internal static bool IsInside(string folder, string target)
    {
        string? parent = System.IO.Path.GetDirectoryName(target), snapshots = System.IO.Path.GetDirectoryName(folder);
        if (parent == folder) return true;
        return System.IO.Path.GetFileName(snapshots) == "snapshots" && parent == System.IO.Path.Combine(System.IO.Path.GetDirectoryName(snapshots)!, "blobs");
    }
}
