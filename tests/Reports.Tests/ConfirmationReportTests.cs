using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Reports.Heads;

namespace MlNetIcl.Reports.Tests;

public class ConfirmationReportTests
{
    [Fact]
    public void ToText_Confirmed_HasTheDocumentedShape()
    {
        var result = SampleConfirmation.Detection();
        var root = JsonNode.Parse(HeadJson.ToText(result))!;
        var heads = root["heads"]!.AsArray();
        Assert.All(heads, head => Assert.True(head!.AsObject().ContainsKey("confirmation")));
        Assert.Equal(["L0.H1", "L1.H0", "L2.H1", "L2.H3"], heads.Where(h => h!["confirmation"] is not null).Select(h => $"L{h!["layer"]}.H{h["head"]}"));

        var confirmed = heads[1]!["confirmation"]!;
        Assert.Equal([1.2, 1.18, 1.23, 1.1, 1.075, 1.135, 0.3, 2.0, 1.9, 2.1, 0.9],
            new[] { "effect", "effect_low", "effect_high", "specificity", "low", "high", "largest_control_effect", "give_back", "give_back_low", "give_back_high", "copy_accuracy" }.Select(key => (double)confirmed[key]!), Near);
        Assert.Equal(("confirmed", 3, null), ((string?)confirmed["verdict"], (int)confirmed["control_heads"]!, confirmed["remark"]));
        Assert.Equal(("no control heads", 2, null), ((string?)heads[4]!["confirmation"]!["remark"], (int)heads[4]!["confirmation"]!["control_heads"]!, heads[4]!["confirmation"]!["largest_control_effect"]));
        Assert.Null(heads[9]!["confirmation"]!["give_back"]);

        var joint = root["joint"]!;
        Assert.Equal(["L0.H1", "L1.H0", "L2.H3"], joint["heads"]!.AsArray().Select(h => (string)h!));
        Assert.Equal([3.9, 3.7, 4.1, 3.5, 3.3, 3.7, 4.7, 0.02],
            new[] { "effect", "effect_low", "effect_high", "specificity", "low", "high", "loss", "copy_accuracy" }.Select(key => (double)joint[key]!), Near);
        Assert.Equal((20, true), (joint["control_effects"]!.AsArray().Count, (bool)joint["exceeds"]!));
        Assert.Equal((0.8, 0.94, 32, 0.05), ((double)root["confirmation"]!["loss"]!, (double)root["confirmation"]!["copy_accuracy"]!, (int)root["confirmation"]!["reference_sequences"]!, (double)root["confirmation"]!["threshold"]!));
        Assert.Equal("""{"layer":1,"head":2,"effect":-0.1}""", root["confirmation"]!["control_heads"]![1]!.ToJsonString());

        static bool Near(double a, double b) => Math.Abs(a - b) < 1e-12;
    }

    [Fact]
    public void ToText_NotAskedFor_IsNull()
    {
        var root = JsonNode.Parse(HeadJson.ToText(SampleResults.Detection()))!.AsObject();
        Assert.All(root["heads"]!.AsArray(), head => Assert.Null(head!["confirmation"]));
        Assert.True(root.ContainsKey("joint") && root["joint"] is null && root.ContainsKey("confirmation") && root["confirmation"] is null);
    }

    [Fact]
    public void Summary_EveryVerdict_NamesItsHeadsAndTheJointLoss()
    {
        string text = ConfirmationWords.Summary(SampleConfirmation.Result());
        Assert.Equal("By ablation, confirmed: L0.H1; confirmed jointly: L1.H0; opposes copying: L2.H1; not confirmed: L2.H3. "
            + "Without the 3 heads L0.H1, L1.H0, L2.H3 together the loss of the second repeat goes from 0.800 to 4.700 nats and copy accuracy from 0.940 to 0.020.", text);
    }

    [Fact]
    public void Report_Confirmed_HasASectionWithEveryNumber()
    {
        var page = XDocument.Parse(HeadReport.Of(SampleConfirmation.Detection()).ToHtml().Replace("<!DOCTYPE html>", "", StringComparison.OrdinalIgnoreCase));
        var section = page.Descendants().Single(e => e.Name.LocalName == "section" && e.Elements().First().Value == "Causal confirmation");
        foreach (string expected in new[] { "1.100 [1.075, 1.135]", "0.700 [0.600, 0.800]", "opposes copying", "confirmed jointly", "3.900 [3.700, 4.100] nats", "20, the largest effects 0.950 and 0.900 nats", "at least 0.05 nats" })
            Assert.Contains(expected, section.Value, StringComparison.Ordinal);
        Assert.Equal(3, section.Descendants().Count(e => e.Name.LocalName == "svg"));
    }

    [Fact]
    public void Report_NothingDetected_SaysThatThereIsNothingToConfirm()
    {
        var nothing = SampleConfirmation.Result() with { Heads = [], Controls = [], Joint = null };
        string text = HeadReport.Of(SampleResults.Detection() with { Confirmation = nothing }).ToMarkdown();
        Assert.Contains("nothing to confirm", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Effect of each head alone", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Report_AllOppose_HasNoJointFigure()
    {
        var alone = SampleConfirmation.Result() with { Joint = null };
        string text = HeadReport.Of(SampleResults.Detection() with { Confirmation = alone }).ToMarkdown();
        Assert.Contains("Specificity of each head alone", text, StringComparison.Ordinal);
        Assert.DoesNotContain("together, and what each one mends", text, StringComparison.Ordinal);
    }
}
