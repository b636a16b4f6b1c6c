using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

public class AblateTests
{
    private static readonly string Gpt2 = Fixtures.Path("families", "gpt2"), Gpt2Tokens = Fixtures.Path("patching", "gpt2", "tokens.json");

    private static JsonNode[] Effects(JsonNode root) => [.. root["effects"]!.AsArray().Select(e => e!)];

    private static double[] Values(JsonNode root) => [.. Effects(root).Select(e => (double)e["value"]!)];

    [SkippableTheory]
    [InlineData("story", "zero", "zero")]
    [InlineData("story", "mean", "mean_pooled")]
    [InlineData("story", "mean-per-position", "mean_per_position")]
    [InlineData("gpt2", "zero", "zero")]
    [InlineData("gpt2", "mean", "mean_pooled")]
    [InlineData("gpt2", "mean-per-position", "mean_per_position")]
    [InlineData("gpt_neox", "zero", "zero")]
    [InlineData("gpt_neox", "mean", "mean_pooled")]
    [InlineData("gpt_neox", "mean-per-position", "mean_per_position")]
    [InlineData("llama", "zero", "zero")]
    [InlineData("llama", "mean", "mean_pooled")]
    [InlineData("llama", "mean-per-position", "mean_per_position")]
    public void Json_OfTheReferencesRows_HasItsChanges(string family, string kind, string table)
    {
        using var reference = new ReferenceTables(family);
        var expected = reference.Json("ablation.json");
        var root = Icl.Run("ablate", "-m", reference.Model, "--tokens", reference.At("tokens.json"), "--kind", kind, "--json", "-").AssertDone().Json;

        Assert.Equal("loss_second_repeat", (string?)root["metric"]);
        Assert.Equal((double)expected["base"]!, (double)root["base"]!, 1e-3);
        ReferenceTables.Same([.. expected[table].Deserialize<double[][]>()!.SelectMany(layer => layer)], Values(root));
        Assert.Equal(Effects(root), Effects(root).OrderBy(e => ((int)e["layer"]!, (int)e["head"]!)));
        Assert.All(Effects(root), e =>
        {
            Assert.InRange((double)e["value"]!, (double)e["low"]! - 1e-9, (double)e["high"]! + 1e-9);
            Assert.Equal((int)root["rows"]!["sequences"]!, (int)e["n"]!);
        });
    }

    [Fact]
    public void Metrics_OfTheSameStretch_Agree()
    {
        // The rows are BOS and twice R tokens, so the second repeat's loss is that of the positions from R + 1 on.
        int length = JsonNode.Parse(File.ReadAllText(Gpt2Tokens))![0]!.AsArray().Count, period = (length - 1) / 2;
        string[] args = ["ablate", "-m", Gpt2, "--tokens", Gpt2Tokens, "--kind", "zero", "--heads", "L0.H0,L1.H1", "--json", "-"];
        var loss = Icl.Run([.. args, "--metric", "loss", "--positions", FormattableString.Invariant($"{period + 1}-{length - 1}")]).AssertDone().Json;
        var repeat = Icl.Run(args).AssertDone().Json;
        var all = Icl.Run([.. args, "--metric", "loss"]).AssertDone().Json;

        Assert.Equal((double)repeat["base"]!, (double)loss["base"]!, 1e-5);
        Assert.All(Values(repeat).Zip(Values(loss)), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.Equal((1, length - 1), ((int)all["first_position"]!, (int)all["last_position"]!));
        Assert.NotEqual((double)repeat["base"]!, (double)all["base"]!, 1e-3);
    }

    [Fact]
    public void LogitDifference_OfTheCleanPrompt_IsTheReferences()
    {
        using var reference = new ReferenceTables("gpt2");
        using var scratch = new Scratch();
        var pair = reference.Json("pair.json");
        string[] args = ["ablate", "-m", Gpt2, "--tokens", scratch.Write("t.json", $"[{pair["clean"]!.ToJsonString()}]"), "--metric", "logit_difference", "--answer-id", pair["answer"]!.ToString(), "--foil-id", pair["foil"]!.ToString(), "--json", "-"];
        var root = Icl.Run([.. args, "--kind", "zero"]).AssertDone().Json;

        Assert.Equal(reference["clean_logit_diff"][0], (double)root["base"]!, 1e-3);
        Assert.Equal((int)pair["answer"]!, (int)root["answer"]!["id"]!);
        Assert.All(Effects(root), e => Assert.True(e["low"] is null && e["high"] is null && (int)e["n"]! == 1));
        // Means over a reference set that is the corrupted prompt alone put its values in place: patching z from the corrupted into the clean run.
        string other = scratch.Write("r.json", $"[{pair["corrupted"]!.ToJsonString()}]");
        var means = Icl.Run([.. args, "--kind", "mean-per-position", "--reference", other]).AssertDone().Json;
        var patched = Icl.Run("patch", "-m", Gpt2, "--pair", reference.Pair, "--site", "z", "--direction", "corrupted-into-clean", "--json", "-").AssertDone().Json;
        ReferenceTables.Same([.. Effects(patched).Select(e => (double)e["change"]!)], Values(means));
        Assert.Equal(("given", 1), ((string?)means["reference"]!["source"], (int)means["reference"]!["rows"]!));
        // So does resampling: there is no other row to draw.
        ReferenceTables.Same(Values(means), Values(Icl.Run([.. args, "--kind", "resample", "--reference", other]).AssertDone().Json));
    }

    [Fact]
    public void Together_OfRedundantHeads_ShowsWhatNoneShowsAlone()
    {
        var root = Icl.Run("ablate", "--heads", "L1.H0,L1.H1,L1.H2,L1.H3,L1.H0", "--together", "--json", "-").AssertDone().Json;

        Assert.Equal(("generated", 32, 30), ((string?)root["rows"]!["source"], (int)root["rows"]!["sequences"]!, (int)root["rows"]!["period"]!));
        Assert.Equal([0, 1, 2, 3], Effects(root).Select(e => (int)e["head"]!));
        Assert.All(Values(root), v => Assert.InRange(v, 0, 0.5));
        Assert.Equal(["L1.H0", "L1.H1", "L1.H2", "L1.H3"], root["together"]!["heads"]!.AsArray().Select(h => (string)h!));
        Assert.InRange((double)root["together"]!["value"]!, 3, 6);
        Assert.True((double)root["together"]!["low"]! <= (double)root["together"]!["value"]!);
    }

    [Fact]
    public void CopyAccuracy_WithoutTheFirstLayersHead_IsLost()
    {
        var root = Icl.Run("ablate", "--metric", "copy_accuracy", "--heads", "L0.H0", "--json", "-").AssertDone().Json;

        Assert.InRange((double)root["base"]!, 0.9, 1);
        Assert.InRange((double)root["base"]! + Values(root)[0], 0, 0.3);
    }

    [Fact]
    public void KeepPatterns_OfAFirstLayerHead_ChangesItsEffect()
    {
        string[] args = ["ablate", "--heads", "L0.H0,L1.H0", "--json", "-"];
        double[] free = Values(Icl.Run(args).AssertDone().Json), kept = Values(Icl.Run([.. args, "--keep-patterns"]).AssertDone().Json);

        Assert.True(kept[0] < free[0] - 1, "The second layer looks elsewhere without this head; with its patterns kept it does not.");
        Assert.Equal(free[1], kept[1], 1e-5);
    }

    [Fact]
    public void Json_SameSeed_IsTheSameByteForByte()
    {
        string[] args = ["ablate", "-m", Gpt2, "--period", "8", "--sequences", "4", "--kind", "resample", "--json", "-"];

        Assert.Equal(Icl.Run(args).AssertDone().Output, Icl.Run(args).AssertDone().Output);
        Assert.NotEqual(Icl.Run(args).Output, Icl.Run([.. args, "--seed", "1"]).Output);
    }

    [Fact]
    public void Rows_ThatEachRepeatInTheirOwnWay_AreTaken()
    {
        using var scratch = new Scratch();
        string tokens = scratch.Write("t.json", "[[1,5,6,5,6],[1,5,6,7,5,6,7]]");
        var root = Icl.Run("ablate", "-m", Gpt2, "--tokens", tokens, "--kind", "zero", "--json", "-").AssertDone().Json;

        Assert.Equal("text", (string?)root["rows"]!["source"]);
        Assert.Contains(Values(root), v => Math.Abs(v) > 1e-3);
    }

    [Theory]
    [InlineData("[[1,2,3,4]]", "Row 0 does not repeat", "--metric loss")]
    [InlineData("[[1,5,6,5,6],[1,2,3,4]]", "Row 1 does not repeat")]
    [InlineData("[[1,2,96]]", "position 2", "96")]
    [InlineData("[]", "no rows")]
    [InlineData("[[1]]", "does not repeat")]
    public void Tokens_ThatCannotBe_AreRefused(string tokens, params string[] why)
    {
        using var scratch = new Scratch();

        Icl.Run("ablate", "-m", Gpt2, "--tokens", scratch.Write("t.json", tokens), "--json", scratch.At("a.json")).AssertRefused(why);
        Assert.Equal(["t.json"], scratch.Names);
    }

    [Theory]
    [InlineData("[]", "mean", "no rows")]
    [InlineData("[[]]", "mean", "row 0 is empty")]
    [InlineData("[[1,2,96]]", "mean", "reference set", "96")]
    [InlineData("[[1,2]]", "mean-per-position", "reference rows have up to 2 tokens")]
    [InlineData("[[1,2]]", "resample", "rows of one length")]
    public void Reference_ThatCannotStandIn_IsRefused(string rows, string kind, params string[] why)
    {
        using var scratch = new Scratch();

        Icl.Run("ablate", "-m", Gpt2, "--tokens", Gpt2Tokens, "--kind", kind, "--reference", scratch.Write("r.json", rows)).AssertRefused(why);
    }

    [Theory]
    [InlineData("no head L9.H0", "--heads", "L9.H0")]
    [InlineData("no head L0.H9", "--heads", "L0.H0,L0.H9")]
    [InlineData("reach to 999", "--tokens", "TOKENS", "--metric", "loss", "--positions", "1-999")]
    [InlineData("from 1 on", "--tokens", "TOKENS", "--metric", "loss", "--positions", "0-3")]
    [InlineData("first and the last position", "--tokens", "TOKENS", "--metric", "loss", "--positions", "4")]
    [InlineData("no tokenizer", "--metric", "logit_difference", "--answer", "a", "--foil", "b")]
    [InlineData("foil 96 is no token", "--metric", "logit_difference", "--answer-id", "3", "--foil-id", "96")]
    [InlineData("at most 10000 rows", "--sequences", "10001")]
    public void Options_ThatTheModelOrRowsCannotMeet_AreRefused(string why, params string[] options) =>
        Icl.Run(["ablate", "-m", Gpt2, .. options.Select(o => o == "TOKENS" ? Gpt2Tokens : o)]).AssertRefused(why);

    [Theory]
    [InlineData("names no head", "--heads", "L1")]
    [InlineData("names no head", "--heads", ",")]
    [InlineData("belongs to --metric loss", "--positions", "1-2")]
    [InlineData("needs an answer and a foil", "--metric", "logit_difference", "--answer", "a")]
    [InlineData("no other metric has any", "--answer", "a", "--foil", "b")]
    [InlineData("leave --reference out", "--kind", "zero", "--reference", "r.json")]
    [InlineData("leave it out with --tokens", "--tokens", "t.json", "--period", "5")]
    [InlineData("resample", "--kind", "median")]
    public void Options_WrongUsage_IsRefusedWithAHintToHelp(string why, params string[] options)
    {
        var run = Icl.Run(["ablate", .. options]);

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(why, run.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("icl ablate --help", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Table_Piped_FitsEightyColumnsAndSaysWhatWasDone()
    {
        var run = Icl.Run("ablate", "--together", "--keep-patterns").AssertDone();

        Assert.DoesNotContain('\u001b', run.Output);
        Assert.All(run.Lines, line => Assert.InRange(line.TrimEnd().Length, 1, 80));
        Assert.Contains("has the largest effect", run.Output, StringComparison.Ordinal);
        Assert.Contains("all together", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_HtmlAndMarkdown_AreWhole()
    {
        using var scratch = new Scratch();
        var run = Icl.Run("ablate", "--sequences", "4", "--html", scratch.At("a.html"), "--markdown", scratch.At("a.md"), "--json", scratch.At("a.json")).AssertDone();

        Assert.Equal("", run.Output);
        Assert.Contains("Effect of every head", XDocument.Load(scratch.At("a.html")).Root!.Value, StringComparison.Ordinal);
        Assert.StartsWith("# Ablation of heads in embedded", File.ReadAllText(scratch.At("a.md")), StringComparison.Ordinal);
        Assert.NotNull(JsonNode.Parse(File.ReadAllText(scratch.At("a.json"))));
    }

    [Fact]
    public void Resume_OfAFinishedSweep_GivesTheSameBytesAndOtherSettingsAreRefused()
    {
        using var scratch = new Scratch();
        string[] args = ["ablate", "--sequences", "4", "--together", "--json", "-"];
        string whole = Icl.Run(args).AssertDone().Output;

        Assert.Equal(whole, Icl.Run([.. args, "--resume", scratch.At("s")]).AssertDone().Output);
        Assert.Equal(whole, Icl.Run([.. args, "--resume", scratch.At("s")]).AssertDone().Output);
        Icl.Run([.. args, "--kind", "zero", "--resume", scratch.At("s")]).AssertRefused(scratch.At("s"));
    }

    [Fact]
    public void Cancelled_LeavesNothing()
    {
        using var scratch = new Scratch();
        var run = Icl.RunWith([], new CancellationToken(canceled: true), "ablate", "--sequences", "4", "--json", scratch.At("a.json"));

        Assert.Equal((1, "", "icl: interrupted.\n"), (run.Code, run.Output, run.Error));
        Assert.Empty(scratch.Names);
    }
}
