using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

public class PatchTests
{
    private static readonly string Gpt2 = Fixtures.Path("families", "gpt2"), Gpt2Pair = Fixtures.Path("patching", "gpt2", "pair.json");

    // The embedded model copies: after 'qxtyp' it expects what stood there before, 'm' or 'v'.
    private static readonly string[] Texts = ["--clean", "qxtypmnb qxtyp", "--corrupt", "qxtypvnb qxtyp", "--answer", "m", "--foil", "v"];

    public static TheoryData<string, string, bool, string> Tables
    {
        get
        {
            var data = new TheoryData<string, string, bool, string>();
            foreach (string family in (string[])["gpt2", "gpt_neox", "llama", "story"])
            {
                foreach (string site in (string[])["z", "q", "k", "v", "pattern"])
                {
                    data.Add(family, site, false, site);
                    data.Add(family, site, true, $"{site}_by_pos");
                }
                foreach (string site in (string[])["resid_pre", "resid_mid", "attn_out", "mlp_out"])
                    if (site != "resid_mid" || family != "gpt_neox") data.Add(family, site, true, site);
            }
            return data;
        }
    }

    private static JsonNode[] Effects(JsonNode root) => [.. root["effects"]!.AsArray().Select(e => e!)];

    private static double[] Changes(JsonNode root, double from) => [.. Effects(root).Select(e => (double)e["value"]! - from)];

    [SkippableTheory]
    [MemberData(nameof(Tables))]
    public void Json_OfTheReferencesPair_HasItsEffects(string family, string site, bool perPosition, string table)
    {
        using var reference = new ReferenceTables(family);
        var root = Icl.Run(["patch", "-m", reference.Model, "--pair", reference.Pair, "--site", site, "--json", "-", .. perPosition ? ["--per-position"] : Array.Empty<string>()]).AssertDone().Json;

        double corrupted = (double)root["corrupted"]!, clean = (double)root["clean"]!;
        Assert.Equal(reference["clean_logit_diff"][0], clean, 1e-3);
        Assert.Equal(reference["corrupted_logit_diff"][0], corrupted, 1e-3);
        Assert.Equal("logit_difference", (string?)root["metric"]);
        // The pattern's table is [layer, head, query]; all others are [layer, pos, head], as the effects are.
        var effects = table == "pattern_by_pos" ? [.. Effects(root).OrderBy(e => ((int)e["layer"]!, (int)e["head"]!, (int)e["position"]!))] : Effects(root);
        ReferenceTables.Same([.. reference[table].Select(v => v - reference["corrupted_logit_diff"][0])], [.. effects.Select(e => (double)e["value"]! - corrupted)]);
        Assert.All(effects, e =>
        {
            Assert.Equal(((double)e["value"]! - corrupted) / (clean - corrupted), (double)e["normalised"]!, 1e-9);
            Assert.Equal((double)e["value"]! - corrupted, (double)e["change"]!, 1e-9);
            Assert.True(e.AsObject().ContainsKey("head") && e.AsObject().ContainsKey("position"));
            Assert.Equal(site is "z" or "q" or "k" or "v" or "pattern", e["head"] is not null);
            Assert.Equal(perPosition, e["position"] is not null);
        });
    }

    [SkippableTheory]
    [InlineData("gpt2")]
    [InlineData("gpt_neox")]
    [InlineData("llama")]
    [InlineData("story")]
    public void Attribution_OfTheReferencesPair_HasItsEstimatesAndACheck(string family)
    {
        using var reference = new ReferenceTables(family);
        foreach (var (site, flags) in new[] { ("z", Array.Empty<string>()), ("resid_pre", ["--per-position"]) })
        {
            var root = Icl.Run(["patch", "-m", reference.Model, "--pair", reference.Pair, "--site", site, "--attribution", "--json", "-", .. flags]).AssertDone().Json;
            ReferenceTables.Same(reference[$"attribution.{site}"], Changes(root, (double)root["corrupted"]!));

            var exact = Icl.Run(["patch", "-m", reference.Model, "--pair", reference.Pair, "--site", site, "--json", "-", .. flags]).AssertDone().Json;
            var sample = root["attribution"]!["sample"]!.AsArray();
            Assert.Equal(Math.Min(32, Effects(root).Length), sample.Count);
            double largest = sample.Max(s => Math.Abs((double)s!["exact"]!));
            Assert.All(sample, s =>
            {
                JsonNode At(JsonNode of) => Effects(of).Single(e => new[] { "layer", "head", "position" }.All(k => (int?)e[k] == (int?)s![k]));
                Assert.Equal((double)At(exact)["change"]!, (double)s!["exact"]!, 1e-4);
                Assert.Equal((double)At(root)["change"]!, (double)s["estimate"]!, 1e-9);
                Assert.Equal(Math.Abs((double)s["estimate"]! - (double)s["exact"]!) > 0.1 * largest, (bool)s["disagrees"]!);
            });
            Assert.InRange((double)root["attribution"]!["linear_correlation"]!, -1, 1);
            Assert.InRange((double)root["attribution"]!["rank_correlation"]!, -1, 1);
        }
    }

    [Fact]
    public void Attribution_WithMoreSteps_ComesCloserToTheWholeDifference()
    {
        // Integrated gradients along the embeddings sum up to the difference (completeness); one gradient need not.
        double Gap(string steps)
        {
            var root = Icl.Run("patch", "-m", Gpt2, "--pair", Gpt2Pair, "--site", "resid_pre", "--attribution", "--steps", steps, "--json", "-").AssertDone().Json;
            Assert.Equal(int.Parse(steps, CultureInfo.InvariantCulture), (int)root["attribution"]!["steps"]!);
            return Math.Abs((double)Effects(root)[0]["normalised"]! - 1);
        }

        Assert.InRange(Gap("64"), 0, 0.05);
        Assert.True(Gap("64") < Gap("1"));
    }

    [Fact]
    public void Texts_AndTheirPairFile_GiveTheSame()
    {
        using var scratch = new Scratch();
        string text = scratch.Write("text.json", """{"clean":"qxtypmnb qxtyp","corrupted":"qxtypvnb qxtyp","answer":"m","foil":"v","note":"left alone"}""");
        // <s>, the letters from 2, the space 28.
        string ids = scratch.Write("ids.json", """{"clean":[1,18,25,21,26,17,14,15,3,28,18,25,21,26,17],"corrupted":[1,18,25,21,26,17,23,15,3,28,18,25,21,26,17],"answer":14,"foil":23}""");
        string fromTexts = Icl.Run(["patch", .. Texts, "--site", "z", "--json", "-"]).AssertDone().Output;

        Assert.Equal(fromTexts, Icl.Run("patch", "--pair", text, "--site", "z", "--json", "-").AssertDone().Output);
        Assert.Equal(fromTexts, Icl.Run("patch", "--pair", ids, "--site", "z", "--json", "-").AssertDone().Output);
        Assert.Equal(fromTexts, Icl.Run("patch", "--clean", "qxtypmnb qxtyp", "--corrupt", "qxtypvnb qxtyp", "--answer-id", "14", "--foil-id", "23", "--site", "z", "--json", "-").AssertDone().Output);
        var root = JsonNode.Parse(fromTexts)!;
        Assert.Equal("<s>", (string?)root["prompts"]!["clean"]!["tokens"]![0]);
        Assert.Equal((14, "m"), ((int)root["answer"]!["id"]!, (string?)root["answer"]!["token"]));
        Assert.True((double)root["clean"]! > 5 && (double)root["corrupted"]! < -5, "The embedded model does not copy.");
    }

    [Fact]
    public void Direction_Breaking_ExchangesTheRoles()
    {
        var root = Icl.Run(["patch", .. Texts, "--site", "resid_pre", "--direction", "corrupted-into-clean", "--json", "-"]).AssertDone().Json;
        var estimate = Icl.Run(["patch", .. Texts, "--site", "resid_pre", "--direction", "corrupted-into-clean", "--attribution", "--json", "-"]).AssertDone().Json;

        // The whole residual stream of the corrupted run is the corrupted run.
        Assert.All(Effects(root), e => Assert.Equal((double)root["corrupted"]!, (double)e["value"]!, 1e-3));
        Assert.All(Effects(root), e => Assert.Equal(1, (double)e["normalised"]!, 1e-4));
        Assert.Equal("corrupted_into_clean", (string?)root["direction"]);
        Assert.Equal((double)root["clean"]!, (double)estimate["clean"]!, 1e-4);
        Assert.Equal((double)root["corrupted"]!, (double)estimate["corrupted"]!, 1e-4);
        Assert.All(Effects(estimate), e => Assert.Equal((double)e["value"]! - (double)estimate["clean"]!, (double)e["change"]!, 1e-9));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pairs_Several_GiveMeansWithIntervals(bool attribution)
    {
        using var scratch = new Scratch();
        string[] texts =
        [
            """{"clean":"qxtypmnb qxtyp","corrupted":"qxtypvnb qxtyp","answer":"m","foil":"v"}""",
            """{"clean":"gdkwz gd","corrupted":"gdrwz gd","answer":"k","foil":"r"}""",
            """{"clean":"hfjsuo hfj","corrupted":"hfjcuo hfj","answer":"s","foil":"c"}""",
        ];
        string[] settings = ["--site", "z", "--json", "-", .. attribution ? ["--attribution"] : Array.Empty<string>()];
        JsonNode[] single = [.. texts.Select(text => Icl.Run(["patch", "--pair", scratch.Write("one.json", text), .. settings]).AssertDone().Json)];
        string file = scratch.Write("all.json", $"[{string.Join(',', texts)}]");
        var all = Icl.Run(["patch", "--pair", file, "--html", scratch.At("p.html"), .. settings]).AssertDone().Json;

        Assert.Equal(single.Average(s => (double)s["clean"]!), (double)all["clean"]!, 1e-4);
        Assert.Equal(single.Average(s => (double)s["corrupted"]!), (double)all["corrupted"]!, 1e-4);
        for (int i = 0; i < Effects(all).Length; i++)
        {
            var effect = Effects(all)[i];
            double[] changes = [.. single.Select(s => (double)Effects(s)[i]["change"]!)];
            Assert.Equal(changes.Average(), (double)effect["change"]!, 1e-4);
            Assert.Equal(changes.Average() / single.Average(s => (double)s["clean"]! - (double)s["corrupted"]!), (double)effect["normalised"]!, 1e-4);
            Assert.InRange((double)effect["low"]!, changes.Min() - 1e-4, changes.Average() + 1e-4);
            Assert.InRange((double)effect["high"]!, changes.Average() - 1e-4, changes.Max() + 1e-4);
            Assert.Equal(3, (int)effect["n"]!);
            Assert.All(single, s => Assert.True(Effects(s)[i]["low"] is null && (int)Effects(s)[i]["n"]! == 1));
        }
        Assert.Contains(Effects(all), e => (double)e["high"]! - (double)e["low"]! > 0.1);
        Assert.True(all["answer"] is null && all["prompts"]!.AsArray().Count == 3);
        Assert.Equal((double)single[1]["clean"]!, (double)all["prompts"]![1]!["clean_value"]!, 1e-4);
        Assert.Equal("k", (string?)all["prompts"]![1]!["answer"]!["token"]);
        Assert.Contains("3 pairs of 9 to 15 tokens", XDocument.Load(scratch.At("p.html")).Root!.Value, StringComparison.Ordinal);
        var table = Icl.Run("patch", "--pair", file, "--site", "z").AssertDone();
        Assert.Contains("change, 95 %", table.Output, StringComparison.Ordinal);
        Assert.All(table.Lines, line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Icl.Run("patch", "--pair", file, "--site", "z", "--per-position").AssertRefused("one length", "15", "9");
    }

    [Fact]
    public void SameMetric_OfBothRuns_HasNoShare()
    {
        using var scratch = new Scratch();
        string pair = scratch.Write("p.json", """{"clean":"abcab","corrupted":"abcab","answer":"c","foil":"x"}""");
        var root = Icl.Run("patch", "--pair", pair, "--site", "z", "--json", "-", "--html", scratch.At("p.html")).AssertDone().Json;

        Assert.All(Effects(root), e => Assert.Null(e["normalised"]));
        Assert.Contains("nothing that a patch could restore", XDocument.Load(scratch.At("p.html")).Root!.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3", "it is a number")]
    [InlineData("[]", "0 pairs")]
    [InlineData("""[{"clean":[1,2],"corrupted":[1,3],"answer":2,"foil":3}, 7]""", "pair 2 is a number")]
    [InlineData("""[{"clean":[1,2],"corrupted":[1,3],"answer":2,"foil":3}, {"clean":[1,2],"corrupted":[1,3],"answer":2}]""", "pair 2 has no \"foil\"")]
    [InlineData("""[{"clean":[1,2],"corrupted":[1,3],"answer":2,"foil":3}, {"clean":[1,2],"corrupted":[1,96],"answer":2,"foil":3}]""", "corrupted prompt of pair 2", "96")]
    [InlineData("""[{"clean":[1,2],"corrupted":[1,3],"answer":2,"foil":3}, {"clean":[1,2],"corrupted":[1,3,4],"answer":2,"foil":3}]""", "Pair 2", "[1 2]", "[1 3 4]")]
    [InlineData("""{"clean":[1],"corrupted":[1],"answer":2}""", "no \"foil\"")]
    [InlineData("""{"clean":[1,"x"],"corrupted":[1],"answer":2,"foil":3}""", "\"clean\", position 1 is a string")]
    [InlineData("""{"clean":[1,2.5],"corrupted":[1],"answer":2,"foil":3}""", "no 32-bit integer")]
    [InlineData("""{"clean":{},"corrupted":[1],"answer":2,"foil":3}""", "\"clean\" is an object")]
    [InlineData("""{"clean":[],"corrupted":[],"answer":2,"foil":3}""", "clean prompt has no tokens")]
    [InlineData("""{"clean":[1,2],"corrupted":[1,96],"answer":2,"foil":3}""", "corrupted prompt", "position 1", "96", "0 to 95")]
    [InlineData("""{"clean":[1,2],"corrupted":[1,-1],"answer":2,"foil":3}""", "corrupted prompt", "-1")]
    [InlineData("""{"clean":[1,2],"corrupted":[1,3],"answer":2,"foil":96}""", "foil 96", "0 to 95")]
    [InlineData("""{"clean":[1,2],"corrupted":[1,3],"answer":2,"foil":2}""", "same token")]
    [InlineData("""{"clean":[1,2],"corrupted":[1,3,4],"answer":2,"foil":3}""", "2, [1 2]", "3, [1 3 4]")]
    [InlineData("""{"clean":"a text","corrupted":[1,3],"answer":2,"foil":3}""", "clean prompt is a text", "no tokenizer")]
    [InlineData("""{"clean":"\ud800","corrupted":[1,3],"answer":2,"foil":3}""", "surrogate")]
    [InlineData("""{"clean":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}""", "no valid JSON")]
    [InlineData("""{"clean":[1,2]""", "no valid JSON")]
    [InlineData("", "no valid JSON")]
    public void Pair_ThatIsNone_IsRefused(string json, params string[] why)
    {
        using var scratch = new Scratch();

        Icl.Run("patch", "-m", Gpt2, "--pair", scratch.Write("pair.json", json), "--site", "z", "--json", scratch.At("out.json")).AssertRefused(why);
        Assert.Equal(["pair.json"], scratch.Names);
    }

    [Fact]
    public void Pair_TooLong_IsRefusedUnread()
    {
        using var scratch = new Scratch();
        using (var file = File.Create(scratch.At("pair.json"))) file.SetLength((64L << 20) + 1);

        Icl.Run("patch", "--pair", scratch.At("pair.json"), "--site", "z").AssertRefused("at most 67,108,864");
        Icl.Run("patch", "--pair", scratch.Folder, "--site", "z").AssertRefused("is a folder");
        Icl.Run("patch", "--pair", scratch.At("none.json"), "--site", "z").AssertRefused("There is no pair file");
    }

    [Theory]
    [InlineData("mm", "answer must be one token", "gives 2: [m m]")]
    [InlineData("", "answer must be one token", "gives none")]
    public void Answer_ThatIsNotOneToken_IsRefusedWithItsTokens(string answer, params string[] why) =>
        Icl.Run("patch", "--clean", "qxt", "--corrupt", "qyt", "--answer", answer, "--foil", "v", "--site", "z").AssertRefused(why);

    [Fact]
    public void Prompts_OfDifferentLength_AreRefusedWithBoth() =>
        Icl.Run("patch", "--clean", "qx\nt", "--corrupt", "qyt", "--answer", "m", "--foil", "v", "--site", "z").AssertRefused("clean one has 5, [<s> q x ↵ t]", "corrupted one 4, [<s> q y t]");

    [SkippableFact]
    public void Answer_OfATokenizerThatPutsASpaceFirst_IsTheTokenSpelledSo()
    {
        string story = Fixtures.Shared("models", "story");
        string[] prompts = ["--clean", "She went to the park with Tom. Lily gave the ball to ", "--corrupt", "She went to the park with Max. Lily gave the ball to "];
        var root = Icl.Run(["patch", "-m", story, .. prompts, "--answer", "Tom", "--foil", "Max", "--site", "z", "--json", "-"]).AssertDone().Json;

        Assert.Equal((380, "Tom"), ((int)root["answer"]!["id"]!, (string?)root["answer"]!["token"]));
        Assert.True((double)root["clean"]! > (double)root["corrupted"]!);
        Assert.Equal(1, (int)root["prompts"]!["clean"]!["ids"]![0]!);
        Icl.Run(["patch", "-m", story, .. prompts, "--answer", " Tom", "--foil", "Max", "--site", "z"]).AssertRefused("Without a leading space it is one", "'Tom'");
    }

    [Theory]
    [InlineData("gpt_neox", "resid_mid", "side by side")]
    [InlineData(null, "mlp_out", "no MLP")]
    [InlineData(null, "resid_mid", "no MLP")]
    public void Site_ThatTheModelLacks_IsRefusedWithTheReason(string? family, string site, string why) =>
        Icl.Run(["patch", .. family is null ? Texts : ["-m", Fixtures.Path("families", family), "--pair", Gpt2Pair], "--site", site]).AssertRefused("does not exist here", why);

    [Theory]
    [InlineData("--pair FILE.json, or all of", "--site", "z")]
    [InlineData("--pair FILE.json, or all of", "--site", "z", "--clean", "a", "--corrupt", "b", "--answer", "c")]
    [InlineData("--pair FILE.json, or all of", "--site", "z", "--pair", "p.json", "--answer", "c")]
    [InlineData("either --answer or --answer-id", "--site", "z", "--clean", "a", "--corrupt", "b", "--answer", "c", "--answer-id", "3", "--foil", "d")]
    [InlineData("belongs to --attribution", "--site", "z", "--pair", "p.json", "--steps", "4")]
    [InlineData("at least 1", "--site", "z", "--pair", "p.json", "--attribution", "--steps", "0")]
    [InlineData("--site", "--pair", "p.json")]
    [InlineData("resid_pre", "--site", "residual", "--pair", "p.json")]
    public void Options_WrongUsage_IsRefusedWithAHintToHelp(string why, params string[] options)
    {
        var run = Icl.Run(["patch", .. options]);

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(why, run.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("icl patch --help", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("z")]
    [InlineData("k", "--per-position")]
    [InlineData("resid_pre", "--per-position", "--all")]
    [InlineData("attn_out", "--attribution")]
    public void Table_Piped_FitsEightyColumnsWithoutEscapes(string site, params string[] flags)
    {
        var run = Icl.Run(["patch", .. Texts, "--site", site, .. flags]).AssertDone();

        Assert.DoesNotContain('\u001b', run.Output);
        Assert.All(run.Lines, line => Assert.InRange(line.TrimEnd().Length, 1, 80));
        Assert.Contains("of the way to the clean", run.Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    [Fact]
    public void Html_OfHostileTexts_ShowsThemAsText()
    {
        using var scratch = new Scratch();
        Icl.Run("patch", "--clean", "<script>\n&\"<script>", "--corrupt", "<scrixt>\n&\"<script>", "--answer", "<", "--foil", "\"", "--site", "resid_pre", "--per-position",
            "--html", scratch.At("p.html"), "--markdown", scratch.At("p.md")).AssertDone();

        var page = XDocument.Load(scratch.At("p.html"));
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName == "script");
        Assert.Contains("↵", page.Root!.Value, StringComparison.Ordinal);
        Assert.DoesNotContain("<s>", File.ReadAllText(scratch.At("p.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelled_LeavesNothing()
    {
        using var scratch = new Scratch();
        var run = Icl.RunWith([], new CancellationToken(canceled: true), ["patch", .. Texts, "--site", "z", "--json", scratch.At("p.json"), "--html", scratch.At("p.html")]);

        Assert.Equal((1, "", "icl: interrupted.\n"), (run.Code, run.Output, run.Error));
        Assert.Empty(scratch.Names);
    }

    [Fact]
    public void Resume_AfterAnInterruption_GivesTheSameBytes()
    {
        using var scratch = new Scratch();
        string[] args = ["patch", .. Texts, "--site", "z", "--per-position", "--json", "-"];
        string whole = Icl.Run(args).AssertDone().Output, file = scratch.At("sweep");
        Assert.Equal(whole, Icl.Run([.. args, "--resume", file]).AssertDone().Output);

        // What a kill leaves: some stacks, the last one cut off.
        string text = File.ReadAllText(file);
        File.WriteAllText(file, text[..(text.Length - 20)]);
        Assert.Equal(whole, Icl.Run([.. args, "--resume", file]).AssertDone().Output);
        Assert.Equal(text, File.ReadAllText(file));
        Icl.Run("patch", "--clean", "abcab", "--corrupt", "abdab", "--answer", "c", "--foil", "d", "--site", "z", "--resume", file).AssertRefused(file);
        Assert.Equal(text, File.ReadAllText(file));
    }

    [Fact]
    public void Resume_ThatCannotBe_IsRefused()
    {
        Icl.Run(["patch", .. Texts, "--site", "z", "--resume", "-"]).AssertRefused("--resume needs a file");
        Icl.Run(["patch", .. Texts, "--site", "z", "--resume", "/no/such/folder/file"]).AssertRefused("does not exist");
        Assert.Equal(2, Icl.Run(["patch", .. Texts, "--site", "z", "--attribution", "--resume", "f"]).Code);
    }

    [Fact]
    public void Weights_WithoutNumbers_AreRefusedAndNotShownAsDashes()
    {
        using var scratch = new Scratch();
        string model = scratch.CopyModel(Gpt2), weights = Path.Combine(model, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        bytes.AsSpan(^18_400..^12_300).Fill(0xff); // NaN in the positions' embedding, which stands before that of the tokens
        File.WriteAllBytes(weights, bytes);
        string row = scratch.Write("row.json", "[[1,2,3,4]]");

        Icl.Run("patch", "-m", model, "--pair", Gpt2Pair, "--site", "z", "--json", "-").AssertRefused("logit difference", "not finite");
        Icl.Run("patch", "-m", model, "--pair", Gpt2Pair, "--site", "z", "--attribution").AssertRefused("not finite");
        Icl.Run("circuit", "-m", model, "--pair", Gpt2Pair).AssertRefused("not finite");
        Icl.Run("ablate", "-m", model, "--tokens", row, "--metric", "loss", "--kind", "zero").AssertRefused("loss", "not finite");
        Icl.Run("lens", "-m", model, "--tokens", row, "--answer-id", "3", "--foil-id", "4").AssertRefused("not finite");
    }
}
