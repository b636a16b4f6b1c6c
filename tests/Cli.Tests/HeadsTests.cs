using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

public class HeadsTests
{
    private static readonly string Gpt2 = Fixtures.Path("families", "gpt2");

    [SkippableTheory]
    [InlineData("gpt2")]
    [InlineData("gpt_neox")]
    [InlineData("llama")]
    public void Tokens_OfTheReference_GiveItsScores(string family)
    {
        string reference = Fixtures.Shared("fixtures", "patching", family);
        var expected = JsonNode.Parse(File.ReadAllText(Path.Combine(reference, "heads.json")))!;
        var heads = Icl.Run("heads", "--model", Fixtures.Path("families", family), "--tokens", Path.Combine(reference, "tokens.json"), "--json", "-").AssertDone().Json["heads"]!.AsArray();

        Assert.NotEmpty(heads);
        foreach (var head in heads)
            foreach (string kind in new[] { "induction", "previous_token", "duplicate_token" })
                Assert.Equal((double)expected[kind]![(int)head!["layer"]!]![(int)head["head"]!]!, (double)head[kind]!["score"]!, 1e-4);
    }

    [Fact]
    public void Json_GeneratedSequences_HasEveryHeadWithItsEvidence()
    {
        var root = Icl.Run("heads", "--model", Gpt2, "--period", "10", "--sequences", "16", "--seed", "3", "--json", "-").AssertDone().Json;

        Assert.Equal((10, 16, 3, "generated"), ((int)root["protocol"]!["period"]!, (int)root["protocol"]!["sequences"]!, (int)root["protocol"]!["seed"]!, (string)root["protocol"]!["source"]!));
        foreach (var head in root["heads"]!.AsArray())
            foreach (string kind in new[] { "induction", "previous_token", "duplicate_token" })
            {
                var m = head![kind]!;
                Assert.InRange((double)m["score"]!, 0, 1);
                Assert.Equal((double)m["score"]! - (double)m["control"]!, (double)m["difference"]!, 1e-6);
                Assert.InRange((double)m["difference"]!, (double)m["low"]!, (double)m["high"]!);
                Assert.True((double)m["p"]! <= (double)m["q"]! + 1e-12);
                Assert.Contains((string)m["verdict"]!, new[] { kind, "weak", "none", "too few sequences" });
            }
    }

    [SkippableTheory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Tokens_OfTheReference_GiveItsOtherScores(bool excludeBos, bool excludeCurrentToken)
    {
        string reference = Fixtures.Shared("fixtures", "patching", "gpt2");
        var scores = JsonNode.Parse(File.ReadAllText(Path.Combine(reference, "heads.json")))!;
        var copying = JsonNode.Parse(File.ReadAllText(Path.Combine(reference, "weights.json")))!["copying_eigenvalue_score"]!;
        string[] flags = [.. excludeBos ? ["--exclude-bos"] : Array.Empty<string>(), .. excludeCurrentToken ? ["--exclude-current-token"] : Array.Empty<string>()];
        var heads = Icl.Run(["heads", "-m", Gpt2, "--tokens", Path.Combine(reference, "tokens.json"), "--entropy", "--json", "-", .. flags]).AssertDone().Json["heads"]!.AsArray();

        foreach (var head in heads)
        {
            var (layer, index) = ((int)head!["layer"]!, (int)head["head"]!);
            Assert.Equal((double)copying[layer]![index]!, (double)head["copying"]!, 1e-4);
            Assert.Equal((double)scores["entropy"]![layer]![index]!, (double)head["entropy"]!, 1e-4);
            foreach (string kind in new[] { "induction", "previous_token", "duplicate_token" })
            {
                // 'abs' is rounded to three decimals per sequence there.
                double Reference(string measure) => (double)scores[$"transformer_lens.{kind}_head.{measure}.exclude_bos={excludeBos}.exclude_current_token={excludeCurrentToken}"]![layer]![index]!;
                Assert.Equal(Reference("mul"), (double)head["transformer_lens"]![$"{kind}_mul"]!, 1e-4);
                Assert.Equal(Reference("abs"), (double)head["transformer_lens"]![$"{kind}_abs"]!, 6e-4);
            }
        }
    }

    [Fact]
    public void Model_NotNamed_IsTheEmbeddedOneWithItsInductionHeads()
    {
        var root = Icl.Run("heads", "--json", "-").AssertDone().Json;

        Assert.Equal("embedded", (string)root["model"]!);
        Assert.All(root["heads"]!.AsArray(), h => Assert.Equal((int)h!["layer"]! == 1 ? "induction" : "none", (string)h["induction"]!["verdict"]!));
    }

    [Fact]
    public void Confirm_EmbeddedModel_TellsWhatEachInductionHeadDoes()
    {
        var root = Icl.Run("heads", "--confirm", "--json", "-").AssertDone().Json;

        foreach (var head in root["heads"]!.AsArray())
        {
            var confirmation = head!["confirmation"];
            Assert.Equal((string)head["induction"]!["verdict"]! == "induction", confirmation is not null);
            if (confirmation is null) continue;
            Assert.Contains((string)confirmation["verdict"]!, new[] { "confirmed", "confirmed jointly" });
            Assert.InRange((double)confirmation["specificity"]!, (double)confirmation["low"]!, (double)confirmation["high"]!);
            Assert.Equal("no control heads", (string?)confirmation["remark"]); // the two idle heads of the first layer
            Assert.True((double)confirmation["give_back_low"]! > 1 && (double)confirmation["copy_accuracy"]! > 0.9);
        }
        Assert.Equal(["L1.H0", "L1.H1", "L1.H2", "L1.H3"], root["joint"]!["heads"]!.AsArray().Select(h => (string)h!));
        Assert.True((double)root["joint"]!["copy_accuracy"]! < 0.05);
        Assert.Equal((double)root["confirmation"]!["loss"]! + (double)root["joint"]!["effect"]!, (double)root["joint"]!["loss"]!, 1e-6);
    }

    [Fact]
    public void Confirm_NothingDetected_HasNoConfirmation()
    {
        var root = Icl.Run("heads", "-m", Gpt2, "--period", "10", "--sequences", "16", "--confirm", "--json", "-").AssertDone().Json;

        Assert.All(root["heads"]!.AsArray(), h => Assert.Null(h!["confirmation"]));
        Assert.Null(root["joint"]);
        Assert.NotNull(root["confirmation"]!["loss"]);
    }

    [Fact]
    public void Confirm_Table_FitsEightyColumns()
    {
        var run = Icl.Run("heads", "--confirm", "--period", "12").AssertDone();

        Assert.All(run.Lines, line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("By ablation, confirmed", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Confirm_TextOfTheUser_IsRefused()
    {
        using var scratch = new Scratch();

        Icl.Run("heads", "--tokens", scratch.Write("t.json", "[[1,2,3,1,4,5],[6,7,8]]"), "--confirm").AssertRefused("do not all repeat");
    }

    [Fact]
    public void Confirm_RowsOfTheUserThatRepeat_AreConfirmed()
    {
        using var scratch = new Scratch();
        var random = new Random(1);
        string rows = string.Join(',', Enumerable.Range(0, 16).Select(_ =>
        {
            int[] period = [.. Enumerable.Range(4, 50)];
            random.Shuffle(period);
            return $"[1,{string.Join(',', period[..12].Concat(period[..12]))}]";
        }));
        var root = Icl.Run("heads", "--tokens", scratch.Write("t.json", $"[{rows}]"), "--confirm", "--json", "-").AssertDone().Json;

        Assert.Equal(("repeated_rows", 12), ((string)root["protocol"]!["source"]!, (int)root["protocol"]!["period"]!));
        Assert.Equal(4, root["joint"]!["heads"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("[[1,2,3],[1,100000]]", "row 1, position 1")]
    [InlineData("[[]]", "row 0 is empty")]
    [InlineData("{}", "an object")]
    public void Tokens_TheModelCannotTake_AreRefused(string tokens, string where)
    {
        using var scratch = new Scratch();

        Icl.Run("heads", "-m", Gpt2, "--tokens", scratch.Write("t.json", tokens), "--json", scratch.At("h.json")).AssertRefused(where);
        Assert.Equal(["t.json"], scratch.Names);
    }

    [Fact]
    public void Precision_OfTheEmbeddedModel_IsRefused() => Icl.Run("heads", "--precision", "bfloat16").AssertRefused("--model PATH");

    [Fact]
    public void Json_SameSeed_IsTheSameByteForByte()
    {
        string[] args = ["heads", "-m", Gpt2, "--period", "8", "--sequences", "16", "--json", "-"];

        Assert.Equal(Icl.Run(args).AssertDone().Output, Icl.Run(args).AssertDone().Output);
        Assert.NotEqual(Icl.Run(args).Output, Icl.Run([.. args, "--seed", "1"]).Output);
    }

    [Fact]
    public void Tokens_ThatDoNotRepeat_GetScoresWithoutVerdicts()
    {
        using var scratch = new Scratch();
        // Only the first row has a token that comes again; both have tokens before others.
        string tokens = scratch.Write("t.json", "[[1,2,3,1,4,5],[6,7,8]]");
        var root = Icl.Run("heads", "-m", Gpt2, "--tokens", tokens, "--json", "-").AssertDone().Json;

        Assert.Equal("text", (string)root["protocol"]!["source"]!);
        Assert.All(root["heads"]!.AsArray(), h =>
        {
            Assert.NotNull(h!["induction"]!["score"]);
            Assert.Null(h["induction"]!["verdict"]);
            Assert.Null(h["induction"]!["p"]);
            Assert.Equal((1, 2), ((int)h["induction"]!["n"]!, (int)h["previous_token"]!["n"]!));
        });
        Assert.Contains("without verdicts", Icl.Run("heads", "-m", Gpt2, "--tokens", tokens).AssertDone().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Table_Piped_FitsEightyColumnsWithoutEscapes()
    {
        var run = Icl.Run("heads", "-m", Gpt2, "--period", "10", "--sequences", "16", "--all").AssertDone();

        Assert.Equal("", run.Error);
        Assert.DoesNotContain('\u001b', run.Output);
        Assert.All(run.Lines, line => Assert.InRange(line.TrimEnd().Length, 1, 80));
        Assert.Contains("induction head", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_JsonHtmlAndMarkdown_AreWrittenAndNamed()
    {
        using var scratch = new Scratch();
        var run = Icl.Run("heads", "-m", Gpt2, "--period", "10", "--sequences", "16", "--losses",
            "--json", scratch.At("h.json"), "--html", scratch.At("h.html"), "--markdown", scratch.At("h.md")).AssertDone();

        Assert.Equal("", run.Output);
        Assert.Equal(["h.html", "h.json", "h.md"], scratch.Names.Order());
        Assert.NotNull(JsonNode.Parse(File.ReadAllText(scratch.At("h.json")))!["losses"]);
        Assert.Contains("Loss by position", XDocument.Load(scratch.At("h.html")).Root!.Value, StringComparison.Ordinal);
        Assert.StartsWith("# Attention heads of gpt2", File.ReadAllText(scratch.At("h.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Table_WithLosses_TellsThatTheEmbeddedModelCopies()
    {
        string output = Icl.Run("heads", "--losses").AssertDone().Output;

        Assert.Matches(@"Second repeat +0\.\d+ \[0\.\d+, 0\.\d+\] nats", output);
        Assert.Matches(@"ICL score .*position 60 minus 50", output);
        Assert.Matches(@"Copy accuracy +(0\.9\d+|1\.000)", output);
    }

    [Theory]
    [InlineData("at least 2", "--sequences", "1")]
    [InlineData("at least 2", "--period", "one")]
    [InlineData("at least 2", "--repeats", "1")]
    [InlineData("32 bits", "--seed", "99999999999")]
    [InlineData("leave it out with --tokens", "--tokens", "t.json", "--period", "5")]
    [InlineData("leave it out with --tokens", "--tokens", "t.json", "--sequences", "32")]
    [InlineData("Unrecognized", "--nonsense")]
    [InlineData("bfloat16", "--precision", "float8")]
    public void Options_WrongUsage_IsRefusedWithAHintToHelp(string why, params string[] options)
    {
        var run = Icl.Run(["heads", "-m", Gpt2, .. options]);

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(why, run.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("icl heads --help", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Period_BeyondTheContext_IsRefusedWithTheLargestPossible() => Icl.Run("heads", "-m", Gpt2, "--period", "100000").AssertRefused("100000", "at most");

    [Fact]
    public void Html_ToStandardOutput_IsRefused() => Icl.Run("heads", "-m", Gpt2, "--html", "-").AssertRefused("--html needs a file");
}
