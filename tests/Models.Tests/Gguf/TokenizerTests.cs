using MlNetIcl.Models.Tokenizers;
using MlNetIcl.Testing;

namespace MlNetIcl.Models.Tests.Gguf;

public class TokenizerTests
{
    private static GgufWriter SentencePiece(params (string Text, float Score, int Kind)[] tokens) => new GgufWriter()
        .Set("tokenizer.ggml.model", "llama")
        .Set("tokenizer.ggml.tokens", tokens.Select(t => t.Text).ToArray())
        .Set("tokenizer.ggml.scores", tokens.Select(t => t.Score).ToArray())
        .Set("tokenizer.ggml.token_type", tokens.Select(t => t.Kind).ToArray())
        .Set("tokenizer.ggml.bos_token_id", 1u)
        .Set("tokenizer.ggml.add_space_prefix", false);

    private static JsonTokenizer Load(GgufWriter writer)
    {
        using var folder = new TemporaryFolder();
        writer.Save(folder.File("t.gguf"));
        return JsonTokenizer.Load(folder.File("t.gguf"));
    }

    [Fact]
    public void Tokenize_PiecesOfEqualScore_JoinsTheLeftmostFirst()
    {
        // "bc" stands before "ab" in the vocabulary: a rank by order would take it first.
        var tokenizer = Load(SentencePiece(("<unk>", 0, 2), ("<s>", 0, 3), ("bc", -1, 1), ("ab", -1, 1), ("a", -9, 1), ("b", -9, 1), ("c", -9, 1)));

        Assert.Equal(["ab", "c"], tokenizer.Tokenize("abc", addSpecialTokens: false).Tokens);
    }

    [Fact]
    public void Tokenize_PiecesOfDifferentScore_JoinsTheBestFirst()
    {
        var tokenizer = Load(SentencePiece(("<unk>", 0, 2), ("<s>", 0, 3), ("ab", -2, 1), ("bc", -1, 1), ("a", -9, 1), ("b", -9, 1), ("c", -9, 1)));

        Assert.Equal(["<s>", "a", "bc"], tokenizer.Tokenize("abc").Tokens);
    }

    [Fact]
    public void Tokenize_UserDefinedAndControlTokens_AreFoundInTheText()
    {
        var tokenizer = Load(SentencePiece(("<unk>", 0, 2), ("<s>", 0, 3), ("a", -9, 1), ("aa", -1, 1), ("a!a", 0, 4), ("!", -9, 1)));

        Assert.Equal(["aa", "a!a", "<s>", "a"], tokenizer.Tokenize("aaa!a<s>a", addSpecialTokens: false).Tokens);
        Assert.Equal([0, 1], tokenizer.SpecialTokenIds);
    }

    [Fact]
    public void Tokenize_UserDefinedTokenOfCharactersThatAreNoPieces_IsFound()
    {
        var tokenizer = Load(SentencePiece(("<unk>", 0, 2), ("<s>", 0, 3), ("a", -9, 1), ("\n  \n", 0, 4)));

        Assert.Equal(["a", "\n  \n", "a"], tokenizer.Tokenize("a\n  \na", addSpecialTokens: false).Tokens);
    }

    [Fact]
    public void Load_TokenizerThatIsNotSupported_LeavesTheModel()
    {
        using var copy = new GgufCopy("llama", "llama").Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.tokens", new[] { "a", "b" }).Set("tokenizer.ggml.pre", "martian");
        using var model = copy.Load();

        Assert.Null(model.Tokenizer);
        Assert.Contains("tokenizer.ggml.pre is martian", model.TokenizerProblem, StringComparison.Ordinal);
        Assert.Contains("martian", Assert.Throws<UnsupportedModelException>(() => JsonTokenizer.Load(copy.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer.ggml.model", "t5", "t5")]
    [InlineData("tokenizer.ggml.remove_extra_whitespaces", true, "remove_extra_whitespaces")]
    [InlineData("tokenizer.ggml.precompiled_charsmap", new[] { 1 }, "precompiled_charsmap")]
    public void Load_WhatIsNotSupported_IsRefusedByName(string key, object value, string words) => Assert.Contains(words,
        Assert.Throws<UnsupportedModelException>(() => Load(SentencePiece(("<unk>", 0, 2), ("<s>", 0, 3), ("a", 0, 1)).Set(key, value))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("tokenizer.ggml.tokens", new[] { "<unk>", "a", "a" }, "twice")]
    [InlineData("tokenizer.ggml.tokens", null, "no tokenizer.ggml.tokens")]
    [InlineData("tokenizer.ggml.token_type", new[] { 1 }, "1 entries for 3 tokens")]
    [InlineData("tokenizer.ggml.scores", new[] { 1f }, "1 entries for 3 tokens")]
    [InlineData("tokenizer.ggml.scores", new[] { 0f, 0f, float.NaN }, "no number")]
    [InlineData("tokenizer.ggml.bos_token_id", 9u, "bos")]
    public void Load_MetadataThatAreWrong_SaysWhich(string key, object? value, string words) => Assert.Contains(words,
        Assert.Throws<ModelFormatException>(() => Load(SentencePiece(("<unk>", 0, 2), ("<s>", 0, 3), ("a", 0, 1)).Set(key, value))).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_PieceWithACharacterThatIsNone_IsRefused() => Assert.Contains("'ab'",
        Assert.Throws<UnsupportedModelException>(() => Load(SentencePiece(("<unk>", 0, 2), ("<s>", 0, 3), ("ab", 0, 1), ("a", 0, 1)))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("ab", "expected two tokens")]
    [InlineData("a x", "'x'")]
    public void Load_MergesThatAreWrong_SaysWhich(string merge, string words)
    {
        var writer = new GgufWriter().Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.pre", "gpt-2").Set("tokenizer.ggml.tokens", new[] { "a", "b", "ab" }).Set("tokenizer.ggml.merges", new[] { merge });

        Assert.Contains(words, Assert.Throws<ModelFormatException>(() => Load(writer)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ChatTemplate_IsKeptAsText()
    {
        using var copy = new GgufCopy("llama", "llama").Set("tokenizer.chat_template", "{{ messages }}");
        using LanguageModel model = copy.Load(), bare = copy.Load(new LoadOptions { Tokenizer = false });

        Assert.Equal("{{ messages }}", model.ChatTemplate);
        Assert.Null(bare.ChatTemplate);
    }
}
