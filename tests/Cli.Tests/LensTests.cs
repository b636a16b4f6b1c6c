using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Cli.Tests;

public class LensTests
{
    private static double[] Numbers(JsonNode? array) => [.. array!.AsArray().Select(v => (double)v!)];

    [SkippableTheory]
    [InlineData("gpt2")]
    [InlineData("gpt_neox")]
    [InlineData("llama")]
    [InlineData("story")]
    public void Json_OfTheReferencesCleanPrompt_HasItsLensAndItsParts(string family)
    {
        using var reference = new ReferenceTables(family);
        using var scratch = new Scratch();
        var pair = reference.Json("pair.json");
        string[] args = ["lens", "-m", reference.Model, "--tokens", scratch.Write("t.json", $"[{pair["clean"]!.ToJsonString()}]"), "--answer-id", pair["answer"]!.ToString(), "--foil-id", pair["foil"]!.ToString(), "--json", "-"];
        var root = Icl.Run(args).AssertDone().Json;

        var lens = root["lens"]!.AsArray();
        ReferenceTables.Same(reference["logit_lens"], [.. lens.SelectMany(l => new[] { (double)l!["answer"]!["logit"]!, (double)l["foil"]!["logit"]! })]);
        var parts = root["attribution"]!;
        ReferenceTables.Same(reference["direct_logit_attribution.head"], [.. parts["heads"]!.AsArray().SelectMany(Numbers)]);
        ReferenceTables.Same(reference["direct_logit_attribution.mlp"], Numbers(parts["mlps"]));
        ReferenceTables.Same(reference["direct_logit_attribution.embed"], [(double)parts["embed"]!]);
        // All parts together are the difference, and so is the last line of the lens.
        double sum = (double)parts["embed"]! + parts["heads"]!.AsArray().SelectMany(Numbers).Sum() + Numbers(parts["mlps"]).Sum() + (double)parts["biases"]!;
        Assert.Equal(reference["clean_logit_diff"][0], sum, 1e-3);
        Assert.Equal(sum, (double)parts["logit_difference"]!, 1e-3);
        Assert.Equal(sum, (double)lens[^1]!["logit_difference"]!, 1e-3);
        Assert.Equal(Enumerable.Range(0, lens.Count), lens.Select(l => (int)l!["blocks"]!));

        // With the scale frozen, a line is the sum of what was written up to it; biases, which are no part's, make no difference in llama's family.
        var frozen = Icl.Run([.. args, "--freeze-scale"]).AssertDone().Json["lens"]!.AsArray();
        Assert.Equal((double)lens[^1]!["logit_difference"]!, (double)frozen[^1]!["logit_difference"]!, 1e-4);
        if (family is not ("llama" or "story")) return;
        double written = (double)parts["embed"]!;
        for (int line = 0; line < frozen.Count; line++)
        {
            Assert.Equal(written, (double)frozen[line]!["logit_difference"]!, 1e-3);
            if (line < frozen.Count - 1) written += Numbers(parts["heads"]![line]).Sum() + (double)parts["mlps"]![line]!;
        }
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("opt")]
    [InlineData("bloom")]
    public void Best_OfTheLastLine_AreTheReferencesBestTokens(string family)
    {
        string folder = Fixtures.Path("families", family);
        using var expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        using var logits = expected.Read("logits", ScalarType.Float64); // [row, pos, vocab]
        using var last = logits[0][-1];
        double[] values = last.data<double>().ToArray();
        double total = values.Sum(Math.Exp);
        int[] order = [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i])];
        using var scratch = new Scratch();
        var row = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "tokens.json")))![0]!;
        string tokens = scratch.Write("t.json", $"[{row.ToJsonString()}]");
        var root = Icl.Run("lens", "-m", folder, "--tokens", tokens, "--top", "7", "--json", "-").AssertDone().Json;

        var line = root["lens"]!.AsArray()[^1]!;
        Assert.Equal(order.Take(7), line["best"]!.AsArray().Select(t => (int)t!["id"]!));
        Assert.All(line["best"]!.AsArray(), t =>
        {
            Assert.Equal(values[(int)t!["id"]!], (double)t["logit"]!, 1e-3);
            Assert.Equal(Math.Exp(values[(int)t["id"]!]) / total, (double)t["probability"]!, 1e-4);
        });
        // Where nothing is named, answer and foil are the two best.
        Assert.Equal((order[0], order[1], 1, 2), ((int)root["answer"]!["id"]!, (int)root["foil"]!["id"]!, (int)line["answer"]!["rank"]!, (int)line["foil"]!["rank"]!));

        // Where one is, the other is the best of the rest.
        string best = order[0].ToString(System.Globalization.CultureInfo.InvariantCulture), tenth = order[9].ToString(System.Globalization.CultureInfo.InvariantCulture);
        var other = Icl.Run("lens", "-m", folder, "--tokens", tokens, "--answer-id", tenth, "--json", "-").AssertDone().Json;
        Assert.Equal((order[9], order[0], 10), ((int)other["answer"]!["id"]!, (int)other["foil"]!["id"]!, (int)other["lens"]!.AsArray()[^1]!["answer"]!["rank"]!));
        Assert.Equal(order[1], (int)Icl.Run("lens", "-m", folder, "--tokens", tokens, "--foil-id", best, "--json", "-").AssertDone().Json["answer"]!["id"]!);
    }

    [Fact]
    public void Text_OfTheEmbeddedModel_IsCompletedByItsSecondLayer()
    {
        var root = Icl.Run("lens", "abcdefgh abcde", "--json", "-").AssertDone().Json;

        Assert.Equal(("f", "<s>"), ((string?)root["answer"]!["token"], (string?)root["prompt"]!["tokens"]![0]));
        Assert.Null(root["attribution"]!["mlps"]);
        double[][] heads = [.. root["attribution"]!["heads"]!.AsArray().Select(Numbers)];
        Assert.True(heads[1].Sum() > 0.9 * (double)root["attribution"]!["logit_difference"]!);
    }

    [Theory]
    [InlineData("Give either TEXT or --tokens")]
    [InlineData("Give either TEXT or --tokens", "text", "--tokens", "t.json")]
    [InlineData("at least 1", "text", "--top", "0")]
    [InlineData("either --answer or --answer-id", "text", "--answer", "a", "--answer-id", "3")]
    public void Options_WrongUsage_IsRefusedWithAHintToHelp(string why, params string[] options)
    {
        var run = Icl.Run(["lens", .. options]);

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(why, run.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("icl lens --help", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Input_ThatCannotBeRead_IsRefused()
    {
        using var scratch = new Scratch();
        string gpt2 = Fixtures.Path("families", "gpt2");

        Icl.Run("lens", "-m", gpt2, "a text").AssertRefused("prompt is a text", "no tokenizer");
        Icl.Run("lens", "-m", gpt2, "--tokens", scratch.Write("two.json", "[[1],[2]]")).AssertRefused("one prompt", "2 rows");
        Icl.Run("lens", "-m", gpt2, "--tokens", scratch.Write("far.json", "[[1,96]]")).AssertRefused("position 1", "96");
        Icl.Run("lens", "-m", gpt2, "--tokens", scratch.Write("one.json", "[[1]]"), "--answer-id", "4", "--foil-id", "4").AssertRefused("same token");
        Icl.Run("lens", new string('a', 5000)).AssertRefused("prompt cannot be run", "context");
        Icl.Run("lens", "abc", "--answer", "xy").AssertRefused("one token", "[x y]");
    }

    [Theory]
    [InlineData("abcdefgh abcde")]
    [InlineData("a\nb\tc a\nb")]
    public void Table_Piped_FitsEightyColumnsWithoutEscapes(string text)
    {
        var run = Icl.Run("lens", text, "--all").AssertDone();

        Assert.DoesNotContain('\u001b', run.Output);
        Assert.All(run.Lines, line => Assert.InRange(line.TrimEnd().Length, 1, 80));
    }

    [Fact]
    public void Files_OfAHostileText_ShowItAsText()
    {
        using var scratch = new Scratch();
        Icl.Run("lens", "<script>\n&\"'", "--html", scratch.At("l.html"), "--markdown", scratch.At("l.md"), "--json", scratch.At("l.json")).AssertDone();

        Assert.Equal(["l.html", "l.json", "l.md"], scratch.Names.Order());
        var page = XDocument.Load(scratch.At("l.html"));
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName == "script");
        Assert.Contains("Direct logit attribution", page.Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelled_LeavesNothing()
    {
        using var scratch = new Scratch();
        var run = Icl.RunWith([], new CancellationToken(canceled: true), "lens", "abc", "--json", scratch.At("l.json"));

        Assert.Equal((1, "", "icl: interrupted.\n"), (run.Code, run.Output, run.Error));
        Assert.Empty(scratch.Names);
    }
}
