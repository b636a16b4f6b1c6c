using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlNetIcl.Models.Tokenizers;
using MlNetIcl.Testing;

namespace MlNetIcl.Conformance.Gguf;

/// <summary>Tokenizers out of GGUF files against sentencepiece and Hugging Face tokenizers: every id must agree.</summary>
public sealed class TokenizerParityTests
{
    private sealed record Case(string Text, int[] Ids);

    private static readonly JsonSerializerOptions s_json = new() { PropertyNameCaseInsensitive = true };

    [Theory]
    [InlineData("spm", "spm-Q8_0")]
    [InlineData("gpt2", "gpt2-Q8_0")]
    [InlineData("smollm", "smollm-F16")]
    public void Tokenize_EveryCaseOfAFile_GivesTheReferencesIds(string kind, string file)
    {
        var tokenizer = JsonTokenizer.Load(Fixtures.Path("gguf", "llama", file + ".gguf"));
        var cases = JsonSerializer.Deserialize<Dictionary<string, Case[]>>(File.ReadAllText(Fixtures.Path("gguf", "llama", "tokenizer-cases.json")), s_json)![kind];
        Assert.True(cases.Length >= 20);
        Assert.All(cases, c =>
        {
            Assert.Equal(c.Ids, tokenizer.Tokenize(c.Text, addSpecialTokens: false).Ids);
            Assert.Equal(c.Text, tokenizer.Decode(c.Ids));
        });
        int[] first = kind == "spm" ? [1] : [];
        Assert.All(cases, c => Assert.Equal([.. first, .. c.Ids], tokenizer.Tokenize(c.Text).Ids));
    }

    [Theory]
    [InlineData("gpt2", "gpt-2")]
    [InlineData("smollm", "smollm")]
    [InlineData("llama3", "llama-bpe")]
    [InlineData("qwen2", "qwen2")]
    [InlineData("llama2", null)]
    public void Tokenize_ATokenizerJsonMovedIntoAFile_GivesItsIds(string kind, string? pre)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures.Tokenizer(kind), "tokenizer.json")))!;
            GgufTokenizerFile.Write(json, pre, path);
            var tokenizer = JsonTokenizer.Load(path);
            var cases = JsonNode.Parse(File.ReadAllText(Fixtures.Path("tokenizers", kind, "cases.json")))!.AsArray();
            // A GGUF file has no place for NFC, nor does llama.cpp apply any: what is left without it is the reference's pieces.
            json["normalizer"] = json["normalizer"]?["type"]?.GetValue<string>() == "NFC" ? null : json["normalizer"]?.DeepClone();
            var unnormalized = JsonTokenizer.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()));
            Assert.All(cases, c =>
            {
                string text = c!["text"]!.GetValue<string>();
                int[] ids = [.. tokenizer.Tokenize(text, addSpecialTokens: false).Ids];
                Assert.Equal(unnormalized.Tokenize(text, addSpecialTokens: false).Ids, ids);
                if (text.All(char.IsAscii) || kind != "qwen2") Assert.Equal(c["ids_plain"]!.Deserialize<int[]>()!, ids);
            });
        }
        finally
        {
            File.Delete(path);
        }
    }
}
