using System.Text.Json.Nodes;
using System.Xml.Linq;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Copying;

namespace MlNetIcl.Reports.Tests;

public class CopyAblationReportTests
{
    private static readonly XNamespace Html = "http://www.w3.org/1999/xhtml";

    [Theory]
    [InlineData(-0.95, -0.90, "falls further than claimed")]
    [InlineData(-0.87, -0.83, "as claimed, within the interval")]
    [InlineData(-0.80, -0.10, "falls less than claimed")]
    public void Verdict_OfAClaim_ComparesItWithTheInterval(double low, double high, string verdict) =>
        Assert.Equal(verdict, CopyAblationWords.Verdict(Row(CopyIntervention.AblatePreviousToken, new Interval(low, high), -0.85)));

    [Fact]
    public void Verdict_OfFullRestoration_SaysThatItHoldsByConstruction() =>
        Assert.Equal("true by construction: nothing is ablated", CopyAblationWords.Verdict(Row(CopyIntervention.RestoreBoth, new Interval(0, 0), 0)));

    [Fact]
    public void Of_EveryIntervention_HasItsOwnWords()
    {
        string[] words = [.. Enum.GetValues<CopyIntervention>().Select(i => CopyAblationWords.Of(Row(i, new Interval(-1, 0), null)))];

        Assert.Equal(words.Length, words.Distinct().Count());
        Assert.All(words, w => Assert.InRange(w.Length, 3, 27)); // fits a terminal
    }

    [Fact]
    public void Of_Result_ShowsEveryRowBesideTheClaims()
    {
        var result = Sample();
        var page = XDocument.Parse(CopyAblationReport.Of(result).ToHtml());

        string[] cells = [.. page.Descendants(Html + "tr").Select(r => string.Join(" | ", r.Elements().Select(c => c.Value)))];
        Assert.Contains("previous-token heads off | 0.100 [0.050, 0.150] | -90.0 % [-95.0, -86.0] | -85.0 % | falls further than claimed | 3.000 [2.900, 3.100]", cells);
        Assert.Contains(cells, c => c.StartsWith("L1.H2 and other kind back | 0.100", StringComparison.Ordinal));
        Assert.Contains("Without its 1 previous-token head that changes by -90.0 % [-95.0, -86.0] (article: -85.0 %).", page.Root!.Value, StringComparison.Ordinal);
        Assert.Contains("There is no control", page.Root.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ModelWithoutInductionHeads_GivesNoPercentages()
    {
        var result = Sample() with { InductionHeads = [], Rows = [], Base = Measure(0.01) };
        string text = XDocument.Parse(CopyAblationReport.Of(result).ToHtml()).Root!.Value;

        Assert.Contains("None of the 8 heads is an induction head, so there is no copying circuit to ablate.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("falls", text, StringComparison.Ordinal);
        Assert.False(result.Copies);
    }

    [Fact]
    public void Of_HostileName_StaysText() =>
        Assert.DoesNotContain(XDocument.Parse(CopyAblationReport.Of(Sample() with { Model = SampleResults.HostileName }).ToHtml()).Descendants(), e => e.Name.LocalName == "script");

    [Fact]
    public void Json_OfResult_HasEveryNumber()
    {
        var json = JsonNode.Parse(CopyAblationJson.ToText(Sample()))!;

        Assert.True((bool)json["copies"]!);
        Assert.Equal(0.98, (double)json["base"]!["copy_accuracy"]!);
        Assert.Equal(["L1.H2"], json["induction_heads"]!.AsArray().Select(h => (string)h!));
        var row = json["rows"]![0]!;
        Assert.Equal(("ablate_previous_token", 0.1, -0.9, -0.95, -0.86, -0.85, "falls further than claimed"),
            ((string)row["intervention"]!, (double)row["copy_accuracy"]!, (double)row["relative_change"]!, (double)row["relative_change_low"]!, (double)row["relative_change_high"]!, (double)row["claim"]!, (string)row["verdict"]!));
        Assert.Null(json["rows"]![1]!["claim"]);
        Assert.Equal("L1.H2", (string)json["rows"]![1]!["head"]!);
    }

    private static CopyAblationResult Sample() => new()
    {
        Model = "sample",
        Layers = 2,
        HeadsPerLayer = 4,
        Seed = 5,
        Protocol = new SequenceProtocol { Source = HeadScoreSource.Generated, Sequences = 32, Period = 20, Repeats = 2, Seed = 6, BosSource = "none" },
        Kind = AblationKind.MeanPerPosition,
        PreviousTokenHeads = [new HeadId(0, 1)],
        InductionHeads = [new HeadId(1, 2)],
        Chance = 0.01,
        Base = Measure(0.98),
        Rows = [Row(CopyIntervention.AblatePreviousToken, new Interval(-0.95, -0.86), -0.85), Row(CopyIntervention.RestoreHeadBesideOtherSet, new Interval(-0.95, -0.86), null), Row(CopyIntervention.AblateInduction, new Interval(-0.95, -0.86), -0.92)],
    };

    private static CopyAblationRow Row(CopyIntervention intervention, Interval change, double? claim) => new()
    {
        Intervention = intervention,
        Head = intervention is CopyIntervention.RestoreHead or CopyIntervention.RestoreHeadBesideOtherSet ? new HeadId(1, 2) : null,
        Ablated = [new HeadId(0, 1)],
        Measure = Measure(0.1),
        RelativeChange = -0.9,
        RelativeChangeInterval = change,
        Claim = claim,
    };

    private static CopyMeasure Measure(double accuracy) => new()
    {
        Accuracy = accuracy,
        AccuracyInterval = new Interval(accuracy - 0.05, accuracy + 0.05),
        Loss = 3,
        LossInterval = new Interval(2.9, 3.1),
    };
}
