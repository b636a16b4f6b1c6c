using System.Text.Json.Nodes;

namespace MlNetIcl.Models.Gguf.Tokenization;

/// <summary><c>tokenizer.ggml.model</c> gpt2: byte-level BPE. Patterns cut the text, merges are as the file lists them.</summary>
internal static class ByteLevelSteps
{
    private const string Pre = "tokenizer.ggml.pre", MergeList = "tokenizer.ggml.merges";
    private const int LongestMerge = 1 << 17;

    /// <exception cref="ModelFormatException">There are no merges, or one is malformed.</exception>
    /// <exception cref="UnsupportedModelException">The pre-tokenizer is not supported; the message names it.</exception>
    public static TokenizerSteps Read(Vocabulary vocabulary)
    {
        var metadata = vocabulary.Metadata;
        string name = metadata.Text(Pre) ?? "default";
        var cuts = PreTokenizers.Find(name) ?? throw new UnsupportedModelException($"'{vocabulary.Path}': {Pre} is {GgufMetadata.Show(name)}, which is not supported. Supported: {PreTokenizers.Names}.");
        if (metadata.Flag("tokenizer.ggml.add_space_prefix") == true)
            throw new UnsupportedModelException($"'{vocabulary.Path}': tokenizer.ggml.add_space_prefix is true, which is not supported with tokenizer.ggml.model gpt2.");
        string[] merges = metadata.Texts(MergeList, int.MaxValue, LongestMerge) ?? throw new ModelFormatException($"'{vocabulary.Path}' has no {MergeList}, which tokenizer.ggml.model gpt2 needs.");
        return new()
        {
            PreTokenizer = new() { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray([.. cuts.Patterns.Select(Split), ByteLevel()]) },
            Decoder = ByteLevel(),
            Model = new() { ["type"] = "BPE", ["ignore_merges"] = cuts.IgnoresMerges },
            Merges = merges.Select(merge => Pair(merge, vocabulary.Path)),
            AddsBos = cuts.AddsBos,
        };
    }

    private static JsonNode Split(string pattern) =>
        new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated", ["invert"] = false };

    private static JsonObject ByteLevel() => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = false, ["use_regex"] = false };

    private static (string Left, string Right) Pair(string merge, string path)
    {
        int space = merge.Length > 1 ? merge.IndexOf(' ', 1) : -1; // the first character may be a space itself
        return space > 0 ? (merge[..space], merge[(space + 1)..])
            : throw new ModelFormatException($"'{path}': {MergeList} has '{GgufMetadata.Show(merge)}'; expected two tokens with a space between them.");
    }
}
