using System.Collections.Concurrent;
using MlNetIcl.Models.Gguf.Tokenization;
using MlNetIcl.Models.Tokenizers;

namespace MlNetIcl.Models.Tests.Gguf;

/// <summary>Where each pre-tokenizer of the format cuts, by what its family says: digits, case, contractions, marks, line ends, scripts.</summary>
public class PreTokenizerTests
{
    private static readonly ConcurrentDictionary<string, TokenPattern> s_patterns = []; // names share them

    public static TheoryData<string> Names => [.. PreTokenizers.Names.Split(", ")];

    [Theory]
    [MemberData(nameof(Names))]
    public void Find_EveryName_HasPatternsThatCanBeUsed(string name)
    {
        const string Text = "It's 12345 o'clock,\r\n\tΩ 你好  X_1\U0001F600 ";

        Assert.Equal(Text, string.Concat(Cut(name, Text)));
    }

    [Theory]
    [InlineData("gpt-2", "I'm 1234!!  x", "I|'m| 1234|!!| | x")]
    [InlineData("gpt-2", "I'M", "I|'|M")]
    [InlineData("smollm", "a 123", "a| |1|2|3")]
    [InlineData("default", "a=12345", "a|=|123|45")]
    [InlineData("falcon", "a`12345", "a|`|123|45")]
    [InlineData("llama-bpe", "I'M 12345\n\nHe", "I|'M| |123|45|\n\n|He")]
    [InlineData("qwen2", "x123!\n y", "x|1|2|3|!\n| y")]
    [InlineData("qwen35", "के 12", "के| |1|2")]
    [InlineData("qwen2", "के", "क|े")]
    [InlineData("laguna", "ab\n\ncd", "ab|\n\n|cd")]
    [InlineData("minicpm5", "a12345", "a|123|45")]
    [InlineData("jais-2", "a       b", "a|    |  | b")]
    [InlineData("seed-coder", "a!\nb", "a|!|\n|b")]
    [InlineData("ufakzeka", "Ankara'd", "Ankara|'d")]
    [InlineData("ufakzeka", "I'must", "I|'must")]
    [InlineData("qwen2", "I'must", "I|'m|ust")]
    [InlineData("bailingmoe", "I'D 12\n\n b", "I|'D| |1|2|\n\n| b")]
    [InlineData("deepseek-llm", "Hi, 你好 12\nx ", "Hi|,| |你好| |12|\n|x| ")]
    [InlineData("deepseek-coder", "f(x) 12", "f|(|x|)| |1|2")]
    [InlineData("deepseek-v3", "a.b 1234你好。", "a|.b| |123|4|你好|。")]
    [InlineData("tekken", "helloWorld 12/\n", "hello|World| |1|2|/\n")]
    [InlineData("tekken", "it's", "it|'s")]
    [InlineData("gpt-4o", "HTTPServer's 1234", "HTTPServer's| |123|4")]
    [InlineData("tiny_aya", "1234567", "1|234|567")]
    [InlineData("bloom", "a, b. c", "a|,| b|.| c")]
    [InlineData("viking", "a 12", "a| |1|2")]
    public void Split_OfAText_CutsAsTheFamilyDoes(string name, string text, string pieces) => Assert.Equal(pieces.Split('|'), Cut(name, text));

    [Fact]
    public void Find_NameOfNone_IsNull() => Assert.Null(PreTokenizers.Find("martian"));

    /// <summary>Patterns one after the other, each within the pieces of those before.</summary>
    private static List<string> Cut(string name, string text)
    {
        List<string> pieces = [text];
        foreach (string pattern in PreTokenizers.Find(name)!.Patterns)
        {
            var cut = s_patterns.GetOrAdd(pattern, TokenPattern.Parse);
            pieces = [.. pieces.SelectMany(piece => cut.Split(piece).Where(s => s.End > s.Start).Select(s => piece[s.Start..s.End]))];
        }
        return pieces;
    }
}
