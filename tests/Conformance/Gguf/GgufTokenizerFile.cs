using System.Text.Json;
using System.Text.Json.Nodes;
using MlNetIcl.Testing;

namespace MlNetIcl.Conformance.Gguf;

/// <summary>Moves what a <c>tokenizer.json</c> says into the metadata of a GGUF file, as llama.cpp's converter does.</summary>
internal static class GgufTokenizerFile
{
    /// <param name="json">The tokenizer.</param>
    /// <param name="pre">The name of the pre-tokenizer; null for a SentencePiece vocabulary, whose merges become scores.</param>
    /// <param name="path">The file.</param>
    public static void Write(JsonNode json, string? pre, string path)
    {
        var ids = json["model"]!["vocab"]!.Deserialize<Dictionary<string, int>>()!;
        var added = json["added_tokens"]!.AsArray().ToDictionary(t => t!["id"]!.GetValue<int>(), t => (Text: t!["content"]!.GetValue<string>(), Special: t["special"]!.GetValue<bool>()));
        string[] tokens = new string[Math.Max(ids.Values.Max(), added.Count == 0 ? 0 : added.Keys.Max()) + 1];
        foreach (var (token, id) in ids) tokens[id] = token;
        foreach (var (id, token) in added) tokens[id] = token.Text;
        int[] types = [.. tokens.Select((token, id) => added.TryGetValue(id, out var a) ? a.Special ? 3 : 4 : pre is null && token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) ? 6 : 1)];
        string[][] merges = [.. json["model"]!["merges"]!.AsArray().Select(merge => merge is JsonArray pair ? pair.Deserialize<string[]>()! : merge!.GetValue<string>().Split(' '))];
        var writer = new GgufWriter()
            .Set("general.architecture", "none")
            .Set("tokenizer.ggml.model", pre is null ? "llama" : "gpt2")
            .Set("tokenizer.ggml.tokens", tokens)
            .Set("tokenizer.ggml.token_type", types)
            .Set("tokenizer.ggml.add_bos_token", false);
        if (pre is not null)
        {
            writer.Set("tokenizer.ggml.pre", pre).Set("tokenizer.ggml.merges", merges.Select(pair => string.Join(' ', pair)).ToArray());
        }
        else
        {
            float[] scores = new float[tokens.Length];
            // The piece that is joined first has the highest score; single characters come last.
            foreach (var (pair, rank) in merges.Select((pair, rank) => (pair, rank)).Reverse()) scores[ids[string.Concat(pair)]] = -rank;
            writer.Set("tokenizer.ggml.scores", scores);
        }
        writer.Save(path);
    }
}
