using MlNetIcl.Testing;

namespace MlNetIcl.Models.Tests.Gguf;

/// <summary>Hostile files; what is wrong with each is its name.</summary>
public class BadFileTests
{
    [Fact]
    public void Load_TheSoundFile_Works()
    {
        using var model = LanguageModel.Load(Fixtures.Path("gguf", "bad", "ok.gguf"));

        Assert.Equal("llama", model.Config.Family);
    }

    [Theory]
    [InlineData("wrong-magic", "GGUF")]
    [InlineData("tensor-count-2e63", "9223372036854775808 tensors")]
    [InlineData("string-length-2e60", "1152921504606846976 bytes")]
    [InlineData("nested-arrays", "more than 4 deep")]
    [InlineData("offset-beyond-file", "output.weight")]
    [InlineData("overlapping-tensors", "overlap")]
    [InlineData("dims-overflow", "output.weight")]
    [InlineData("truncated-metadata", "truncated")]
    [InlineData("truncated-data", "truncated")]
    [InlineData("duplicate-names", "two tensors 'blk.0.ffn_gate.weight'")]
    [InlineData("dotdot-name", "../../escape.weight")]
    [InlineData("alignment-0", "general.alignment is 0")]
    [InlineData("alignment-3", "general.alignment is 3")]
    [InlineData("heads-0", "llama.attention.head_count is 0")]
    [InlineData("huge-context", "llama.context_length is 4294967295")]
    public void Load_BrokenFile_SaysWhatIsWrong(string name, string words) =>
        Assert.Contains(words, Assert.Throws<ModelFormatException>(() => LanguageModel.Load(Fixtures.Path("gguf", "bad", name + ".gguf"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("version-1", "version 1 ")]
    [InlineData("version-99", "version 99 ")]
    [InlineData("unknown-type-200", "'output.weight' has type 200")]
    public void Load_FileThatIsNotSupported_SaysWhatIs(string name, string words)
    {
        string message = Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(Fixtures.Path("gguf", "bad", name + ".gguf"))).Message;

        Assert.Contains(words, message, StringComparison.Ordinal);
        Assert.Contains("Supported are", message, StringComparison.Ordinal);
    }
}
