using System.Text;
using System.Text.Json.Nodes;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

public class TokenizeTests
{
    private static readonly string Gpt2 = Fixtures.Path("tokenizers", "gpt2");

    [SkippableTheory]
    [InlineData("gpt2")]
    [InlineData("gptneox")]
    [InlineData("llama2")]
    [InlineData("llama3")]
    [InlineData("metaspace")]
    [InlineData("qwen2")]
    [InlineData("smollm")]
    [InlineData("story")]
    public void Jsonl_EveryReferenceCase_AgreesExactly(string kind)
    {
        string folder = Fixtures.Tokenizer(kind);
        var cases = JsonNode.Parse(File.ReadAllText(Fixtures.Path("tokenizers", kind, "cases.json")))!.AsArray();
        string input = string.Join('\n', cases.Select(c => new JsonObject { ["text"] = (string)c!["text"]! }.ToJsonString()));

        var lines = Icl.RunWith(input, "tokenize", "--model", folder, "--jsonl", "-").AssertDone().Lines;

        Assert.Equal(cases.Count, lines.Length);
        foreach (var (expected, line) in cases.Zip(lines))
        {
            var actual = JsonNode.Parse(line)!;
            foreach (var (key, reference) in new[] { ("ids", "ids"), ("ids_plain", "ids_plain"), ("tokens", "tokens"), ("offsets", "offsets_utf16"), ("decoded", "decoded") })
                Assert.True(JsonNode.DeepEquals(expected![reference], actual[key]), $"{key} of {expected["text"]!.ToJsonString()}: expected {expected[reference]!.ToJsonString()}, got {actual[key]!.ToJsonString()}");
        }
    }

    [Fact]
    public void Jsonl_FileWithByteOrderMarkCarriageReturnsAndEmptyLines_IsReadLineByLine()
    {
        using var scratch = new Scratch();
        string file = scratch.Write("in.jsonl", "\uFEFF{\"text\":\"a\"}\r\n\r\n{\"text\":\"b\", \"other\":[1]}");

        Assert.Equal(["a", "b"], Icl.Run("tokenize", "-m", Gpt2, "--jsonl", file).AssertDone().Lines.Select(l => (string)JsonNode.Parse(l)!["decoded"]!));
    }

    [Theory]
    [InlineData("{\"text\":3}", "number")]
    [InlineData("{\"texts\":\"a\"}", "\"text\"")]
    [InlineData("[\"a\"]", "no object")]
    [InlineData("{\"text\":\"a\"", "no valid JSON")]
    [InlineData("{\"text\":\"\\ud800\"}", "surrogate")]
    [InlineData("nonsense", "no valid JSON")]
    public void Jsonl_BadLine_IsNamedAfterTheGoodOnes(string bad, string why)
    {
        var run = Icl.RunWith($"{{\"text\":\"a\"}}\n\n{bad}\n{{\"text\":\"b\"}}\n", "tokenize", "-m", Gpt2, "--jsonl", "-");

        Assert.Equal(2, run.Code);
        Assert.Single(run.Lines);
        Assert.Contains("Standard input, line 3", run.Error, StringComparison.Ordinal);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Jsonl_MessagesOfAChat_AreRefusedAndNotReadAsText() =>
        Icl.RunWith("""{"messages":[{"role":"user","content":"Hello"}]}""", "tokenize", "-m", Gpt2, "--jsonl", "-").AssertRefused("line 1", "chat templates are not applied", "{\"text\"");

    [Fact]
    public void Jsonl_InvalidUtf8_IsRefused() =>
        Icl.RunWith([(byte)'{', 0xff, (byte)'}'], default, "tokenize", "-m", Gpt2, "--jsonl", "-").AssertRefused("line 1", "UTF-8");

    [Theory]
    [InlineData("")]
    [InlineData("\\u0000")]
    [InlineData("a\\u0000b\\u001b[2J")]
    public void Jsonl_EmptyTextAndControlCharacters_RoundTrip(string escaped)
    {
        string line = Icl.RunWith($"{{\"text\":\"{escaped}\"}}", "tokenize", "-m", Gpt2, "--jsonl", "-").AssertDone().Lines.Single();

        Assert.Equal((string)JsonNode.Parse($"\"{escaped}\"")!, (string)JsonNode.Parse(line)!["decoded"]!);
    }

    [Fact]
    public void Jsonl_OneMegabyteOfText_RoundTrips()
    {
        string text = string.Concat(Enumerable.Repeat("the quick brown 狐 jumps\n", 45_000));
        string line = Icl.RunWith(new JsonObject { ["text"] = text }.ToJsonString(), "tokenize", "-m", Gpt2, "--jsonl", "-").AssertDone().Lines.Single();

        Assert.Equal(text, (string)JsonNode.Parse(line)!["decoded"]!);
    }

    [Theory]
    [InlineData("Hello [red]world[/] <script>")]
    [InlineData("@not-a-response-file")]
    [InlineData("")]
    public void Text_SpecialCharacters_AreTextAndNothingElse(string text)
    {
        var json = Icl.Run("tokenize", "-m", Gpt2, "--json", text).AssertDone().Json;

        Assert.Equal(text, (string)json["decoded"]!);
        Assert.Contains($"{json["ids_plain"]!.AsArray().Count} tokens", Icl.Run("tokenize", "-m", Gpt2, text).AssertDone().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_StartingWithADash_GoesBehindTwoDashes() =>
        Assert.Equal("--json", (string)Icl.Run("tokenize", "-m", Gpt2, "--json", "--", "--json").AssertDone().Json["decoded"]!);

    [Fact]
    public void Text_TerminalEscapes_DoNotReachTheTerminal() =>
        Assert.DoesNotContain('\u001b', Icl.Run("tokenize", "-m", Gpt2, "a\u001b[31mb").AssertDone().Output);

    [Fact]
    public void Model_NotNamed_IsTheEmbeddedOne() => Assert.Equal("hello world", (string)Icl.Run("tokenize", "--json", "hello world").AssertDone().Json["decoded"]!);

    [Fact]
    public void TextAndJsonl_BothOrNeither_IsWrongUsage()
    {
        foreach (string[] args in new[] { new[] { "tokenize", "-m", Gpt2 }, ["tokenize", "-m", Gpt2, "text", "--jsonl", "-"] })
        {
            var run = Icl.Run(args);
            Assert.Equal((2, ""), (run.Code, run.Output));
            Assert.Contains("either TEXT or --jsonl", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Model_WithoutTokenizer_IsRefused() => Icl.Run("tokenize", "-m", Fixtures.Path("families", "gpt2"), "a").AssertRefused("tokenizer.json");

    [Fact]
    public void Model_MalformedTokenizer_IsRefused()
    {
        using var scratch = new Scratch();
        scratch.Write("tokenizer.json", "{\"model\":");

        Icl.Run("tokenize", "-m", scratch.Folder, "a").AssertRefused("tokenizer.json");
    }

    [Fact]
    public void Jsonl_FileMissing_IsRefused() => Icl.Run("tokenize", "-m", Gpt2, "--jsonl", "/no/such/file.jsonl").AssertRefused("/no/such/file.jsonl");

    [Fact]
    public void Process_PipedBothWays_AnswersEachLineAtOnce()
    {
        using var process = Icl.Start("tokenize", "-m", Gpt2, "--jsonl", "-");
        foreach (string text in new[] { "first", "sécond 狐" })
        {
            process.StandardInput.BaseStream.Write(Encoding.UTF8.GetBytes($"{{\"text\":\"{text}\"}}\n"));
            process.StandardInput.BaseStream.Flush();
            Assert.Equal(text, (string)JsonNode.Parse(process.StandardOutput.ReadLine()!)!["decoded"]!);
        }
        process.StandardInput.Close();
        Assert.Equal((0, ""), (Icl.Finish(process) is var run ? run.Code : -1, run.Error));
    }
}
