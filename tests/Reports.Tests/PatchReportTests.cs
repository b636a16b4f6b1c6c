using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Models;
using MlNetIcl.Reports.Interventions;

namespace MlNetIcl.Reports.Tests;

public class PatchReportTests
{
    private static readonly XNamespace Html = "http://www.w3.org/1999/xhtml", Svg = "http://www.w3.org/2000/svg";

    private static XDocument Page(PatchStudy study) => XDocument.Parse(PatchReport.Of(study).ToHtml());

    private static string[] Titles(XDocument page) => [.. page.Descendants(Svg + "title").Select(t => t.Value)];

    [Theory]
    [InlineData(SiteKind.Z, 4, null, 1)]
    [InlineData(SiteKind.ResidPre, null, null, 1)]
    [InlineData(SiteKind.ResidPre, null, 12, 1)]
    [InlineData(SiteKind.Key, 4, 12, 5)]
    public void Of_EveryShape_DrawsItsEffects(SiteKind site, int? heads, int? positions, int figures)
    {
        var study = SampleInterventions.Patch(site, heads: heads, positions: positions);
        var page = Page(study);

        Assert.Equal(figures, page.Descendants(Html + "figure").Count());
        if (site == SiteKind.Key) Assert.Contains("key head", page.Root!.Value, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName == "script");
        // Whatever is drawn, the strongest effect is in it.
        var strongest = study.Result.Effects.MaxBy(e => Math.Abs(e.Normalised!.Value))!;
        if (site != SiteKind.ResidPre || positions is not null) Assert.Contains(PatchWords.Line(study, strongest), Titles(page));
        Assert.Contains($"from -1.000 to {Numbers.Score(strongest.Value)}: {Numbers.Score(strongest.Normalised!.Value)} of the way to the clean run's 3.000", page.Descendants(Html + "p").First().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ManyPositions_DrawsFromTheFirstDifferenceAndTheStrongestAlone()
    {
        var few = Page(SampleInterventions.Patch(SiteKind.ResidPre, heads: null, positions: 12));
        var many = Page(SampleInterventions.Patch(SiteKind.ResidPre, heads: null, positions: 600, length: 600));

        Assert.Equal(3 * 8, Titles(few).Distinct().Count(t => t.Contains("share", StringComparison.Ordinal)));
        Assert.Equal(3 * 96, Titles(many).Distinct().Count(t => t.Contains("share", StringComparison.Ordinal)));
        Assert.Contains("Of 600 positions the 96 with the strongest effects are drawn", many.Root!.Value, StringComparison.Ordinal);
        Assert.Contains("The 300 strongest of 1800 effects", many.Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_SameMetric_GivesBareChanges()
    {
        var page = Page(SampleInterventions.Patch(sameMetric: true));

        Assert.Contains("nothing that a patch could restore", page.Root!.Value, StringComparison.Ordinal);
        Assert.DoesNotContain(Titles(page), t => t.Contains("share", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_Estimates_SaysSoAndShowsTheCheck()
    {
        string text = Page(SampleInterventions.Patch(attribution: true)).Root!.Value;

        Assert.Contains("By estimate", text, StringComparison.Ordinal);
        Assert.Contains("not patched runs", text, StringComparison.Ordinal);
        Assert.Contains("1 of 5 sampled estimates disagree; rank correlation –, linear 0.900", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_OfAnyText_IsAsciiAndReadsBack()
    {
        var study = SampleInterventions.Patch(positions: 12, attribution: true, model: "モデル\ud800</script>");
        string text = PatchJson.ToText(study);
        var root = JsonNode.Parse(text)!;

        Assert.All(text, c => Assert.InRange(c, '\0', '\u007f'));
        Assert.Equal("モデル\ufffd</script>", (string?)root["model"]);
        Assert.Equal(3 * 4 * 12, root["effects"]!.AsArray().Count);
        Assert.Null(root["attribution"]!["rank_correlation"]);
        Assert.Equal(study.Pairs[0].Clean.Select(t => t.Id), root["prompts"]!["clean"]!["ids"]!.AsArray().Select(i => (int)i!));
    }
}
