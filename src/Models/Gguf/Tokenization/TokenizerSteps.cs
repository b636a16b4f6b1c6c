using System.Text.Json.Nodes;

namespace MlNetIcl.Models.Gguf.Tokenization;

/// <summary>What a kind of tokenizer puts into a <c>tokenizer.json</c>.</summary>
internal sealed record TokenizerSteps
{
    public JsonObject? Normalizer { get; init; }

    public JsonObject? PreTokenizer { get; init; }

    public required JsonObject Decoder { get; init; }

    /// <summary>The settings of the model, beside its vocabulary and merges.</summary>
    public required JsonObject Model { get; init; }

    public required IEnumerable<(string Left, string Right)> Merges { get; init; }

    /// <summary>The rank of each merge; null where it is its place in the list.</summary>
    public IEnumerable<int>? MergeRanks { get; init; }

    /// <summary>Whether texts begin with the BOS token where the file does not say it.</summary>
    public bool AddsBos { get; init; }
}
