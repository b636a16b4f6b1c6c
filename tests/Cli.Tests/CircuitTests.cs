using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Circuits;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

public class CircuitTests
{
    private static readonly string Gpt2 = Fixtures.Path("families", "gpt2"), Gpt2Pair = Fixtures.Path("patching", "gpt2", "pair.json");

    [Fact]
    public void Copying_OfTheEmbeddedModel_RunsFromPreviousTokenToInductionHeads()
    {
        using var scratch = new Scratch();
        var run = Icl.Run("circuit", "--sequences", "16", "--period", "8", "--threshold", "0.03", "--random-circuits", "2",
            "--json", scratch.At("c.json"), "--html", scratch.At("c.html"), "--dot", scratch.At("c.dot"), "--markdown", scratch.At("c.md")).AssertDone();
        Assert.Equal("", run.Output);
        string text = File.ReadAllText(scratch.At("c.json"));
        var root = JsonNode.Parse(text)!;

        Assert.Equal("found", (string?)root["verdict"]);
        Assert.InRange((double)root["evaluation"]!["faithfulness"]!["value"]!, 0.8, 1.1);
        Assert.True((double)root["evaluation"]!["random"]!["max"]! < (double)root["evaluation"]!["faithfulness"]!["value"]!);
        var roles = root["nodes"]!.AsArray().ToDictionary(n => (string)n!["id"]!, n => (string?)n!["role"]);
        Assert.Contains(root["edges"]!.AsArray(), e => (string?)e!["input"] == "key" && roles[(string)e["from"]!] == "previous_token" && roles[(string)e["to"]![0]!] == "induction" && (double)e["low"]! > 0.1);

        // The command is a face of the library: the same settings give the same bytes.
        using var model = LanguageModel.LoadEmbedded();
        var circuit = CircuitTracer.TraceCopying(model, RepeatedSequences.Generate(model, 16, 8), new CircuitOptions { Threshold = 0.03, RandomCircuits = 2 });
        Assert.Equal(CircuitJson.ToText(circuit), text);
        Assert.Equal(CircuitDot.ToText(circuit), File.ReadAllText(scratch.At("c.dot")));

        var page = XDocument.Load(scratch.At("c.html"));
        Assert.Equal(circuit.Edges.Sum(e => circuit.Ends(e).Count), page.Descendants().Count(e => e.Name.LocalName == "path"));
        Assert.Contains("induction", page.Root!.Value, StringComparison.Ordinal);
        Assert.StartsWith("# A circuit in embedded", File.ReadAllText(scratch.At("c.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_ThatAreTheGeneratedOnes_GiveTheSameCircuit()
    {
        using var scratch = new Scratch();
        using var model = LanguageModel.LoadEmbedded();
        var rows = RepeatedSequences.Generate(model, 4, 8).Tokens.Rows;
        string tokens = scratch.Write("t.json", $"[{string.Join(',', rows.Select(r => $"[{string.Join(',', r)}]"))}]");
        string[] settings = ["--threshold", "0.3", "--random-circuits", "0", "--json", "-"];
        var given = Icl.Run(["circuit", "--tokens", tokens, .. settings]).AssertDone().Json;
        var generated = Icl.Run(["circuit", "--sequences", "4", "--period", "8", .. settings]).AssertDone().Json;

        Assert.Equal(("repeated_rows", "generated"), ((string?)given["protocol"]!["source"], (string?)generated["protocol"]!["source"]));
        Assert.NotEmpty(given["edges"]!.AsArray());
        Assert.Equal(generated["edges"]!.ToJsonString(), given["edges"]!.ToJsonString());
        Assert.All(given["edges"]!.AsArray(), e => Assert.True(e!["p"] is null && e["low"] is not null));
    }

    [Fact]
    public void Pair_OfTheReference_IsTracedBetweenItsTwoRuns()
    {
        using var reference = new ReferenceTables("gpt2");
        using var scratch = new Scratch();
        var root = Icl.Run("circuit", "-m", Gpt2, "--pair", Gpt2Pair, "--threshold", "0.05", "--random-circuits", "2", "--json", "-", "--html", scratch.At("c.html")).AssertDone().Json;

        Assert.Equal(reference["clean_logit_diff"][0], (double)root["clean"]!, 1e-3);
        Assert.Equal(reference["corrupted_logit_diff"][0], (double)root["corrupted"]!, 1e-3);
        Assert.Equal(JsonNode.Parse(File.ReadAllText(Gpt2Pair))!["clean"]!.ToJsonString(), root["prompts"]!["clean"]!["ids"]!.ToJsonString());
        Assert.All(root["edges"]!.AsArray(), e => Assert.Null(e!["low"]));
        Assert.Contains("One prompt pair", XDocument.Load(scratch.At("c.html")).Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Pairs_Several_GiveEdgesWithIntervals()
    {
        using var scratch = new Scratch();
        string file = scratch.Write("all.json", """[{"clean":"qxtypmnb qxtyp","corrupted":"qxtypvnb qxtyp","answer":"m","foil":"v"},{"clean":"gdkwz gd","corrupted":"gdrwz gd","answer":"k","foil":"r"}]""");
        var root = Icl.Run("circuit", "--pair", file, "--threshold", "0.02", "--random-circuits", "0", "--json", "-", "--html", scratch.At("c.html")).AssertDone().Json;

        Assert.Equal("found", (string?)root["verdict"]);
        Assert.All(root["edges"]!.AsArray(), e => Assert.True((double)e!["low"]! <= (double)e["effect"]! + 1e-9 && (double)e["high"]! >= (double)e["effect"]! - 1e-9));
        Assert.Equal(2, root["prompts"]!.AsArray().Count);
        Assert.Contains("each pair's answer", XDocument.Load(scratch.At("c.html")).Root!.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--least-difference", "1000", "no difference", "nothing to trace")]
    [InlineData("--threshold", "1", "no edges", "No circuit")]
    public void Verdict_WithoutACircuit_IsSaidEverywhere(string option, string value, string verdict, string words)
    {
        using var scratch = new Scratch();
        string[] args = ["circuit", "--clean", "qxtypmnb qxtyp", "--corrupt", "qxtypvnb qxtyp", "--answer", "m", "--foil", "v", option, value];
        var root = Icl.Run([.. args, "--json", "-", "--html", scratch.At("c.html"), "--dot", scratch.At("c.dot")]).AssertDone().Json;

        Assert.Equal(verdict, (string?)root["verdict"]);
        Assert.Null(root["evaluation"]);
        Assert.Contains(words, XDocument.Load(scratch.At("c.html")).Root!.Value, StringComparison.Ordinal);
        Assert.Contains(words, Icl.Run(args).AssertDone().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Table_Piped_FitsEightyColumnsWithoutEscapes()
    {
        var run = Icl.Run("circuit", "-m", Gpt2, "--pair", Gpt2Pair, "--threshold", "0.1", "--random-circuits", "0", "--all").AssertDone();

        Assert.DoesNotContain('\u001b', run.Output);
        Assert.All(run.Lines, line => Assert.InRange(line.TrimEnd().Length, 1, 80));
        Assert.Contains("logits", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("traced by itself", "--pair", "p.json", "--tokens", "t.json")]
    [InlineData("traced by itself", "--pair", "p.json", "--sequences", "4")]
    [InlineData("--pair FILE.json, or all of", "--clean", "a")]
    [InlineData("above 0 and below 1", "--alpha", "0")]
    [InlineData("from 0 to 1", "--threshold", "2")]
    [InlineData("from 0 to 1", "--threshold", "NaN")]
    [InlineData("at least 0", "--least-difference", "-1")]
    [InlineData("at least 1", "--max-patched-edges", "0")]
    [InlineData("leave it out with --tokens", "--tokens", "t.json", "--period", "5")]
    public void Options_WrongUsage_IsRefusedWithAHintToHelp(string why, params string[] options)
    {
        var run = Icl.Run(["circuit", .. options]);

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(why, run.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("icl circuit --help", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Input_ThatCannotBeTraced_IsRefused()
    {
        using var scratch = new Scratch();

        Icl.Run("circuit", "-m", Gpt2, "--tokens", scratch.Write("t.json", "[[1,2,3]]")).AssertRefused("do not all repeat");
        Icl.Run("circuit", "-m", Gpt2, "--tokens", scratch.Write("far.json", "[[1,96,96]]")).AssertRefused("96");
        Icl.Run("circuit", "-m", Gpt2, "--dot", "-").AssertRefused("--dot needs a file");
        Icl.Run("circuit", "-m", Gpt2, "--period", "5000").AssertRefused("5000", "at most");
    }

    [Fact]
    public void Resume_AfterAnInterruption_GivesTheSameBytesAndOtherSettingsAreRefused()
    {
        using var scratch = new Scratch();
        string[] args = ["circuit", "--sequences", "4", "--period", "6", "--threshold", "0.1", "--random-circuits", "1", "--json", "-"], resume = ["--resume", scratch.At("s")];
        string whole = Icl.Run(args).AssertDone().Output;

        Assert.Equal(whole, Icl.Run([.. args, .. resume]).AssertDone().Output);
        string[] lines = File.ReadAllLines(scratch.At("s"));
        scratch.Write("s", string.Join('\n', lines.Take(lines.Length / 2)) + "\n7 0.");
        Assert.Equal(whole, Icl.Run([.. args, .. resume]).AssertDone().Output);
        Assert.Equal(lines, File.ReadAllLines(scratch.At("s")));
        Icl.Run([.. args, "--alpha", "0.05", .. resume]).AssertRefused(scratch.At("s"), "another options");
        Icl.Run("circuit", "--resume", "-").AssertRefused("--resume needs a file");
    }

    [Fact]
    public void Cancelled_LeavesNothing()
    {
        using var scratch = new Scratch();
        var run = Icl.RunWith([], new CancellationToken(canceled: true), "circuit", "--json", scratch.At("c.json"), "--dot", scratch.At("c.dot"), "--html", scratch.At("c.html"));

        Assert.Equal((1, "", "icl: interrupted.\n"), (run.Code, run.Output, run.Error));
        Assert.Empty(scratch.Names);
    }
}
