using System.Text.Json.Nodes;

namespace MlNetIcl.Models.Gguf.Tokenization;

/// <summary><c>tokenizer.ggml.model</c> llama: SentencePiece's BPE. The whole text is one piece with marks for spaces; what has no token becomes bytes.</summary>
internal static class SentencePieceSteps
{
    private const string WordMark = "\u2581", Scores = "tokenizer.ggml.scores";

    /// <exception cref="ModelFormatException">The scores are malformed.</exception>
    /// <exception cref="UnsupportedModelException">An option is not supported; the message names it.</exception>
    public static TokenizerSteps Read(Vocabulary vocabulary)
    {
        var metadata = vocabulary.Metadata;
        if (metadata.Flag("tokenizer.ggml.remove_extra_whitespaces") == true) throw Unsupported("remove_extra_whitespaces");
        if (metadata.Has("tokenizer.ggml.precompiled_charsmap")) throw Unsupported("precompiled_charsmap");
        float[] scores = metadata.Singles(Scores, vocabulary.Texts.Length) ?? new float[vocabulary.Texts.Length];
        if (scores.Length != vocabulary.Texts.Length) throw new ModelFormatException($"'{vocabulary.Path}': {Scores} has {scores.Length} entries for {vocabulary.Texts.Length} tokens.");
        bool prefix = metadata.Flag("tokenizer.ggml.add_space_prefix") ?? true;
        var merges = PieceMerges.Of(vocabulary, scores);
        JsonObject mark = Replace(" ", WordMark), unmark = Replace(WordMark, " ");
        return new()
        {
            Normalizer = prefix ? Sequence("normalizers", new JsonObject { ["type"] = "Prepend", ["prepend"] = WordMark }, mark) : mark,
            Decoder = Sequence("decoders", [unmark, Step("ByteFallback"), Step("Fuse"), .. prefix ? [new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 }] : (JsonNode[])[]]),
            Model = new() { ["type"] = "BPE", ["byte_fallback"] = true, ["fuse_unk"] = true, ["unk_token"] = vocabulary.Role("unknown", 0) is { } unknown ? vocabulary.Texts[unknown] : null },
            Merges = merges.Select(merge => (merge.Left, merge.Right)),
            MergeRanks = merges.Select(merge => merge.Rank),
            AddsBos = true,
        };

        UnsupportedModelException Unsupported(string option) => new($"'{vocabulary.Path}' has tokenizer.ggml.{option}, which is not supported with tokenizer.ggml.model llama.");
    }

    private static JsonObject Sequence(string steps, params JsonNode[] nodes) => new() { ["type"] = "Sequence", [steps] = new JsonArray(nodes) };

    private static JsonObject Step(string type) => new() { ["type"] = type };

    private static JsonObject Replace(string what, string with) => new() { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = what }, ["content"] = with };
}
