using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Interventions;

namespace MlNetIcl.Reports.Tests;

public class AblationReportTests
{
    private static readonly XNamespace Html = "http://www.w3.org/1999/xhtml", Svg = "http://www.w3.org/2000/svg";

    private static XDocument Page(AblationStudy study) => XDocument.Parse(AblationReport.Of(study).ToHtml());

    [Theory]
    [InlineData(3, 4)]
    [InlineData(30, 9)]
    public void Of_Study_ShowsEveryHeadWithItsInterval(int layers, int heads)
    {
        var study = SampleInterventions.Ablation(layers, heads);
        var page = Page(study);
        string[] titles = [.. page.Descendants(Svg + "title").Select(t => t.Value)];

        foreach (var effect in study.Effects.Where(e => double.IsFinite(e.Change)))
            Assert.Contains($"{effect.Heads[0]}: {AblationWords.Change(effect)} nats", titles);
        var rows = page.Descendants(Html + "table").Last().Element(Html + "tbody")!.Elements().ToArray();
        Assert.Equal(layers * heads, rows.Length);
        Assert.Contains("Without all", page.Descendants(Html + "p").First().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_OneRow_SaysThatThereIsNoInterval()
    {
        string text = Page(SampleInterventions.Ablation(rows: 1)).Root!.Value;

        Assert.Contains("n = 1 row, so there is no interval", text, StringComparison.Ordinal);
        Assert.DoesNotContain("95 %", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_HostileName_StaysText()
    {
        var page = Page(SampleInterventions.Ablation(model: SampleResults.HostileName));

        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName == "script");
    }

    [Fact]
    public void Effects_OfAResult_HaveTheBootstrapsIntervals()
    {
        double[] changes = [0.1, 0.4, 0.2, 0.9], missing = [1, double.NaN, 1, 1];
        var slot = new PatchSlot(SiteKind.Z, 1, 2);
        var effects = HeadEffect.Of(new AblationResult("loss", 2, [new([slot], 0.4, changes), new([slot, slot with { Head = 3 }], double.NaN, missing)]), seed: 5);

        Assert.Equal(new BootstrapInterval(4, 5).OfMean(changes), effects[0].Interval);
        Assert.Equal((4, 0.4), (effects[0].Rows, effects[0].Change));
        Assert.Null(effects[1].Interval);
        Assert.Equal([new HeadId(1, 2), new HeadId(1, 3)], effects[1].Heads);
        Assert.Null(HeadEffect.Of(new AblationResult("loss", 2, [new([slot], 0.4, [0.4])]), seed: 5)[0].Interval);
    }

    [Fact]
    public void Json_OfWhatWasNotMeasured_IsNull()
    {
        var root = JsonNode.Parse(AblationJson.ToText(SampleInterventions.Ablation(rows: 1, together: false)))!;

        Assert.Null(root["together"]);
        Assert.Null(root["effects"]![0]!["low"]);
        Assert.Null(root["effects"]![11]!["value"]);
        Assert.Equal(("rows", 1), ((string?)root["reference"]!["source"], (int)root["reference"]!["rows"]!));
    }
}
