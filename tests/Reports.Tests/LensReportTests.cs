using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Reports.Interventions;

namespace MlNetIcl.Reports.Tests;

public class LensReportTests
{
    private static readonly XNamespace Html = "http://www.w3.org/1999/xhtml", Svg = "http://www.w3.org/2000/svg";

    private static XDocument Page(LensStudy study) => XDocument.Parse(LensReport.Of(study).ToHtml());

    [Theory]
    [InlineData(3, 4, true)]
    [InlineData(30, 9, true)]
    [InlineData(2, 4, false)]
    public void Of_Study_ShowsEveryLineAndPart(int layers, int heads, bool mlps)
    {
        var study = SampleInterventions.Lens(layers, heads, mlps);
        var page = Page(study);
        string[] titles = [.. page.Descendants(Svg + "title").Select(t => t.Value)];

        foreach (var (name, value) in study.Parts.Where(p => p.Name is not ("embedding" or "biases")))
            Assert.Contains($"{name}: {PatchWords.Signed(value)} logits", titles);
        var lens = page.Descendants(Html + "table").Single(t => t.Element(Html + "caption")?.Value.StartsWith("What the model would predict", StringComparison.Ordinal) == true);
        Assert.Equal(layers + 1, lens.Element(Html + "tbody")!.Elements().Count());
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName == "script");
        Assert.Contains("n = 1 prompt", page.Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Summary_TellsFromWhichBlockOnThePredictionStands() =>
        // The best token is another one before the last two lines.
        Assert.Contains("from 2 of 3 blocks on", LensWords.Summary(SampleInterventions.Lens()), StringComparison.Ordinal);

    [Fact]
    public void Json_WithoutMlps_HasNullForThem()
    {
        var root = JsonNode.Parse(LensJson.ToText(SampleInterventions.Lens(mlps: false)))!;

        Assert.Null(root["attribution"]!["mlps"]);
        Assert.Null(root["attribution"]!["heads"]![0]![0]);
        Assert.Equal(4, root["lens"]!.AsArray().Count);
    }
}
