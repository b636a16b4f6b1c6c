using System.Text;
using System.Text.Json;
using MlNetIcl.Models.Native;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Models.Tokenizers;
using static TorchSharp.torch;

namespace MlNetIcl.Models;

/// <summary>
/// A whole model in one safetensors file: the tensors under the names of <see cref="DecoderWeights.Named"/>, configuration and
/// tokenizer as JSON in the metadata. The form of models that came from no file: trained, built by hand, embedded.
/// </summary>
public static class ModelArchive
{
    private const string ConfigKey = "mlneticl.config", TokenizerKey = "mlneticl.tokenizer", NameKey = "mlneticl.name";

    /// <summary>Writes a model. Equal models give equal bytes.</summary>
    /// <exception cref="IOException">The file cannot be written; nothing is left behind.</exception>
    public static void Save(LanguageModel model, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        var metadata = new Dictionary<string, string> { [ConfigKey] = SettingsJson.Write(model.Config), [NameKey] = model.Name };
        if (model.Tokenizer is { } tokenizer) metadata[TokenizerKey] = Encoding.UTF8.GetString(tokenizer.Source.Span);
        SafetensorsFile.Write(path, model.Weights.Named(), metadata);
    }

    /// <summary>Reads a model. The file is not needed any more after that.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the weights go. Null: the CPU.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is no such archive, or is damaged.</exception>
    public static LanguageModel Load(string path, Device? device = null)
    {
        using var file = SafetensorsFile.Open(path);
        return Load(file, device);
    }

    internal static LanguageModel Load(SafetensorsFile file, Device? device = null)
    {
        string path = file.Path;
        if (!file.Metadata.TryGetValue(ConfigKey, out string? json))
            throw new ModelFormatException($"'{path}' has no '{ConfigKey}' in its metadata: it holds tensors, but is no model archive.");
        var config = ReadConfig(json, path);
        var tokenizer = file.Metadata.TryGetValue(TokenizerKey, out string? text) ? JsonTokenizer.Parse(Encoding.UTF8.GetBytes(text), "tokenizer.json in " + path) : null;

        NativeTorch.EnsureLoaded(); // first: torch's own failure is hard to read
        var target = device ?? CPU;
        using var scope = NewDisposeScope();
        var weights = DecoderWeights.Read(config, file.Tensors.ContainsKey, (name, shape) =>
        {
            var found = file.Tensors.TryGetValue(name, out var entry) ? entry : throw new ModelFormatException($"'{path}' has no tensor '{name}', which its configuration asks for.");
            if (!found.Shape.SequenceEqual(shape))
                throw new ModelFormatException($"'{path}': tensor '{name}' has shape {Shapes.Show([.. found.Shape])}, but the configuration asks for {Shapes.Show(shape)}.");
            return file.Read(name).to(target);
        });
        foreach (var (_, value) in weights.Named()) value.DetachFromDisposeScope();
        return new LanguageModel(config, weights, tokenizer, file.Metadata.GetValueOrDefault(NameKey, "custom"));
    }

    private static DecoderConfig ReadConfig(string json, string path)
    {
        DecoderConfig? config;
        try
        {
            config = SettingsJson.Read<DecoderConfig>(json);
        }
        catch (JsonException e)
        {
            throw new ModelFormatException($"'{path}': the configuration cannot be read: {e.Message}", e);
        }
        if (config is not { Layers: > 0, DModel: > 0, Heads: > 0, KeyHeads: > 0, DHead: > 0, DMlp: >= 0, Vocabulary: > 0, Context: > 0, T5Buckets: > 0, Windows: not null, SpecialTokenIds: not null } || config.Heads % config.KeyHeads != 0
            || config.Windows.Count != 0 && config.Windows.Count != config.Layers || (config.Positions == PositionEncoding.Rotary) != (config.Rotary is not null)
            || config.Rotary is { FrequencyDivisors: { } divisors } rotary && divisors.Count != rotary.Dimensions / 2)
            throw new ModelFormatException($"'{path}': the configuration is inconsistent: {json}");
        return config;
    }
}
