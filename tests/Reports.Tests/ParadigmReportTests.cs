using MlNetIcl.Probes;
using MlNetIcl.Reports.Paradigms;

namespace MlNetIcl.Reports.Tests;

public class ParadigmReportTests
{
    private static readonly RegressionFamily[] Both = [RegressionFamily.Linear, RegressionFamily.Sinusoid];

    [Fact]
    public void Json_Result_HoldsEveryNumber()
    {
        var result = SampleMechanisms.Paradigms(Both);
        var json = ReportChecks.AssertJson(ParadigmJson.ToText(result));

        ReportChecks.AssertHolds(json, result, ".Factor");
        Assert.Equal([("linear", 4, 4), ("sinusoid", 1, 3)], json["families"]!.AsArray().Select(f => ((string?)f!["family"], (int)f["dimension"]!, f["learners"]!.AsArray().Count)));
        Assert.Equal(["classical", "classical", "meta_learning", "in_context"], json["families"]![0]!["learners"]!.AsArray().Select(l => (string?)l!["paradigm"]));
        var error = result.Families[1].Learners[1].ByShots[1];
        var written = json["families"]![1]!["learners"]![1]!["by_shots"]![1]!;
        Assert.Equal((9, error.Mean, error.Mean + (1.96 * error.StandardError)), ((int)written["shots"]!, (double)written["error"]!["value"]!, (double)written["error"]!["high"]!));
        Assert.Equal("y scale 2", (string?)json["families"]![1]!["learners"]![0]!["out_of_distribution"]![0]!["set"]);
        Assert.Equal(5, json["article"]!.AsArray().Count);
    }

    [Fact]
    public void Json_Times_StandThereOnlyWhereAskedFor()
    {
        var result = SampleMechanisms.Paradigms(Both);
        using var stream = new MemoryStream();
        ParadigmJson.Write(result, stream, timings: true);

        Assert.Equal(0.0135, (double)System.Text.Json.Nodes.JsonNode.Parse(stream.ToArray())!["families"]![0]!["learners"]![0]!["adaptation_seconds"]!, 1e-12);
        Assert.DoesNotContain("seconds", ParadigmJson.ToText(result), StringComparison.Ordinal);
    }

    [Fact]
    public void Page_Result_ShowsEveryNumber()
    {
        var result = SampleMechanisms.Paradigms(Both);
        var page = ReportChecks.AssertSelfContained(ParadigmReport.Of(result));

        ReportChecks.AssertShows(page, result, ".Factor", ".StandardError", ".PretrainingExamples", ".Families[1].Dimension",
            ".Learners[2].Parameters", ".Families[0].Learners[3].Parameters"); // no parameter of the in-context model changes
        string[][] table = ReportChecks.Rows(page, ReportChecks.Headed("paradigm", "learner"));
        Assert.Equal(["classical", "ridge", "1,701 parameters, solved for", "0"], table[0][..4]);
        Assert.Equal(["meta-learning", "MAML", "6 steps of 1,703 parameters", "75,003"], table[2][..4]);
        Assert.Equal("none", table[3][2]);
        Assert.Equal(result.Families[0].Learners.Select(l => string.Join('|', l.ByShots.Select(InContextRegression.RegressionWords.Of))), table.Select(row => string.Join('|', row[4..])));
    }

    [Fact]
    public void Page_OneFamily_SpeaksOfThatAlone()
    {
        string linear = ParadigmReport.Of(SampleMechanisms.Paradigms(RegressionFamily.Linear)).ToHtml(), sinusoid = ParadigmReport.Of(SampleMechanisms.Paradigms(RegressionFamily.Sinusoid)).ToHtml();

        Assert.DoesNotContain("Sinusoids", linear, StringComparison.Ordinal);
        Assert.DoesNotContain("Linear tasks", sinusoid, StringComparison.Ordinal);
        Assert.DoesNotContain("ridge", sinusoid, StringComparison.Ordinal);
    }

    [Fact]
    public void Summary_Learners_StandFromTheSmallestError()
    {
        var result = SampleMechanisms.Paradigms(RegressionFamily.Linear);
        var family = result.Families[0];
        var reversed = result with { Families = [family with { Learners = [.. family.Learners.Reverse()] }] };

        Assert.Contains("ridge 0.103, network from scratch", ParadigmWords.Summary(reversed), StringComparison.Ordinal);
    }
}
