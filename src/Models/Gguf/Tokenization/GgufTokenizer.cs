using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlNetIcl.Models.Tokenizers;

namespace MlNetIcl.Models.Gguf.Tokenization;

/// <summary>
/// The tokenizer that a file's metadata describe, written as a <c>tokenizer.json</c>: the steps of that format, read by its own reader, saved and
/// restored as any other tokenizer.
/// </summary>
internal static class GgufTokenizer
{
    /// <summary>Reads the tokenizer of a file; null where it has none.</summary>
    /// <exception cref="ModelFormatException">The metadata are malformed or inconsistent.</exception>
    /// <exception cref="UnsupportedModelException">The kind of the tokenizer, or an option of it, is not supported; the message names it.</exception>
    public static JsonTokenizer? Read(GgufFile file)
    {
        var metadata = file.Metadata;
        if (metadata.Text("tokenizer.ggml.model") is not { } kind) return null;
        if (kind is not ("llama" or "gpt2")) throw new UnsupportedModelException($"'{file.Path}': tokenizer.ggml.model is {GgufMetadata.Show(kind)}, which is not supported. Supported: llama, gpt2.");
        var vocabulary = Vocabulary.Read(metadata, file.Path);
        var steps = kind == "llama" ? SentencePieceSteps.Read(vocabulary) : ByteLevelSteps.Read(vocabulary);
        int? bos = vocabulary.Role("bos", kind == "llama" ? 1 : null), eos = vocabulary.Role("eos", kind == "llama" ? 2 : null);

        var buffer = new ArrayBufferWriter<byte>(1 << 20);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            Write("added_tokens", AddedTokens(vocabulary));
            Write("normalizer", steps.Normalizer);
            Write("pre_tokenizer", steps.PreTokenizer);
            Write("post_processor", Template(
                metadata.Flag("tokenizer.ggml.add_bos_token") ?? steps.AddsBos ? Needed(bos, "bos") : null,
                metadata.Flag("tokenizer.ggml.add_eos_token") ?? false ? Needed(eos, "eos") : null));
            Write("decoder", steps.Decoder);
            WriteModel(json, steps, vocabulary);
            json.WriteEndObject();

            void Write(string name, JsonNode? node)
            {
                if (node is null) return;
                json.WritePropertyName(name);
                node.WriteTo(json);
            }
        }
        return JsonTokenizer.Parse(buffer.WrittenSpan, $"the tokenizer of '{file.Path}'", bos is { } first ? vocabulary.Texts[first] : null, eos is { } last ? vocabulary.Texts[last] : null);

        (int, string)? Needed(int? id, string role) => id is { } number ? (number, vocabulary.Texts[number])
            : throw new ModelFormatException($"'{file.Path}': texts are to get the {role} token, but tokenizer.ggml.{role}_token_id names no token.");
    }

    /// <summary>Tokens that are found in the text itself: those that are no text, and those that are never cut.</summary>
    private static JsonArray AddedTokens(Vocabulary vocabulary) => new([.. Enumerable.Range(0, vocabulary.Texts.Length)
        .Where(id => vocabulary.Texts[id].Length > 0 && vocabulary.Kinds[id] is TokenKind.Control or TokenKind.Unknown or TokenKind.UserDefined)
        .Select(id => new JsonObject
        {
            ["id"] = id,
            ["content"] = vocabulary.Texts[id],
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = false,
            ["normalized"] = false,
            ["special"] = vocabulary.Kinds[id] != TokenKind.UserDefined,
        })]);

    /// <summary>The tokens that begin and end every text.</summary>
    private static JsonObject? Template((int Id, string Text)? bos, (int Id, string Text)? eos)
    {
        if (bos is null && eos is null) return null;
        JsonNode[] Special((int Id, string Text)? token) => token is { } special ? [new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = special.Text, ["type_id"] = 0 } }] : [];
        var specials = new JsonObject();
        foreach (var (id, text) in new[] { bos, eos }.OfType<(int, string)>())
            specials[text] = new JsonObject { ["id"] = text, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(text) };
        var sequence = new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } };
        return new() { ["type"] = "TemplateProcessing", ["single"] = new JsonArray([.. Special(bos), sequence, .. Special(eos)]), ["special_tokens"] = specials };
    }

    // Vocabulary and merges are written without a tree in between: they have hundreds of thousands of entries.
    private static void WriteModel(Utf8JsonWriter json, TokenizerSteps steps, Vocabulary vocabulary)
    {
        json.WriteStartObject("model");
        foreach (var (name, value) in steps.Model)
        {
            json.WritePropertyName(name);
            if (value is null) json.WriteNullValue();
            else value.WriteTo(json);
        }
        json.WriteStartObject("vocab");
        for (int id = 0; id < vocabulary.Texts.Length; id++)
            if (vocabulary.Texts[id].Length > 0) json.WriteNumber(vocabulary.Texts[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var (left, right) in steps.Merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        if (steps.MergeRanks is { } ranks)
        {
            json.WriteStartArray("merge_ranks");
            foreach (int rank in ranks) json.WriteNumberValue(rank);
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }
}
