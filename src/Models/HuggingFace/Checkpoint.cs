using MlNetIcl.Models.Loading;
using MlNetIcl.Models.Safetensors;
using static TorchSharp.torch;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>The tensors of a model folder, over all its files, under their names without the family's prefix.</summary>
internal sealed class Checkpoint : IWeightSource, IDisposable
{
    private static readonly string[] WeightTypes = ["F32", "F16", "BF16", "F64"];
    private readonly Dictionary<string, SafetensorsFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (SafetensorsFile File, SafetensorsEntry Entry)> _tensors = new(StringComparer.Ordinal);
    private readonly string _folder;

    /// <param name="folder">The folder.</param>
    /// <param name="prefixes">What to take away from the start of names, the longest first.</param>
    public Checkpoint(ModelFolder folder, IReadOnlyList<string> prefixes)
    {
        _folder = folder.Path;
        try
        {
            foreach (string shard in folder.Shards) _files.Add(shard, SafetensorsFile.Open(folder.FileAt(shard)));
            var located = folder.ShardOf?.Select(entry => (entry.Key, _files[entry.Value])) ?? _files.Values.SelectMany(file => file.Tensors.Keys.Select(name => (name, file)));
            foreach (var (name, file) in located)
            {
                if (!file.Tensors.TryGetValue(name, out var entry)) throw new ModelFormatException($"'{file.Path}' has no tensor '{name}', which the index says it has.");
                string bare = prefixes.FirstOrDefault(prefix => name.StartsWith(prefix, StringComparison.Ordinal)) is { } found ? name[found.Length..] : name;
                if (!_tensors.TryAdd(bare, (file, entry)))
                    throw new ModelFormatException($"'{_folder}' has both '{name}' and '{_tensors[bare].Entry.Name}', which are names of one parameter.");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <inheritdoc/>
    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <inheritdoc/>
    public bool AreSame(string first, string second) => SafetensorsFile.AreSame(_tensors[first].File, _tensors[first].Entry.Name, _tensors[second].File, _tensors[second].Entry.Name);

    /// <inheritdoc/>
    public void Require(string name, IReadOnlyList<long> shape)
    {
        if (!_tensors.TryGetValue(name, out var tensor))
            throw new ModelFormatException($"'{_folder}' has no tensor '{name}' (with or without prefix); expected one of shape [{string.Join(", ", shape)}].");
        if (!tensor.Entry.Shape.SequenceEqual(shape))
            throw new ModelFormatException($"'{tensor.File.Path}': tensor '{tensor.Entry.Name}' has shape {tensor.Entry.ShapeText}; by config.json it must be [{string.Join(", ", shape)}].");
        if (!WeightTypes.Contains(tensor.Entry.DType))
            throw new ModelFormatException($"'{tensor.File.Path}': tensor '{tensor.Entry.Name}' has element type {tensor.Entry.DType}; a weight must be one of {string.Join(", ", WeightTypes)}.");
    }

    /// <inheritdoc/>
    public void Read(string name, Tensor target) => _tensors[name].File.Read(_tensors[name].Entry.Name, target);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files.Values) file.Dispose();
    }
}
