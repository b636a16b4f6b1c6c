using MlNetIcl.Probes;
using MlNetIcl.Reports.InContextRegression;

namespace MlNetIcl.Reports.Tests;

public class RegressionReportTests
{
    [Fact]
    public void Json_Result_HoldsEveryNumber()
    {
        var result = SampleMechanisms.Regression();
        var json = ReportChecks.AssertJson(RegressionJson.ToText(result));

        // A shift's factor stands in its name; numbers of tasks of what was not asked are left out.
        ReportChecks.AssertHolds(json, result, ".Factor");
        Assert.Equal(["none", "skewed", "orthogonal query", "x scale 0.5"], json["sets"]!.AsArray().Select(s => (string?)s!["set"]));
        Assert.Equal([0, 1, 2], json["sets"]![2]!["learners"]![0]!["by_shots"]!.AsArray().Select(e => (int)e!["shots"]!)); // of three dimensions
        Assert.Equal([2], json["sets"]![0]!["learners"]![5]!["by_shots"]!.AsArray().Select(e => (int)e!["shots"]!));
        var error = result.Comparison!.Sets[1][RegressionLearners.Ridge].ByShots[3];
        var written = json["sets"]![1]!["learners"]![2]!["by_shots"]![3]!["error"]!;
        Assert.Equal((error.Mean, error.Mean - (1.96 * error.StandardError), error.StandardError, 1777), ((double)written["value"]!, (double)written["low"]!, (double)written["standard_error"]!, (int)written["n"]!));
        Assert.Null(json["baselines"]![0]!["expected"]);
        Assert.True(json["baselines"]![0]!.AsObject().ContainsKey("expected"));
    }

    [Fact]
    public void Json_BaselinesAlone_HasNoModel()
    {
        var json = ReportChecks.AssertJson(RegressionJson.ToText(SampleMechanisms.Regression(comparison: false)));

        Assert.Null(json["model"]);
        Assert.Null(json["sets"]);
        Assert.Equal(16, json["baselines"]!.AsArray().Count);
    }

    [Fact]
    public void Page_Result_ShowsEveryNumber()
    {
        var result = SampleMechanisms.Regression();
        var page = ReportChecks.AssertSelfContained(RegressionReport.Of(result));

        // Errors out of distribution are shown behind the most demonstrations, of some sets all; an interval is 1.96 standard errors to each side.
        ReportChecks.AssertShows(page, result, ".Factor", ".StandardError", ".PaddedShare", ".LearningRate", ".Regressor.Seed", ".BatchTasks",
            ".Sets[2].Curves[0].ByShots[0]", ".Sets[2].Curves", ".Sets[3].Curves", ".Sets[1].Curves[0].ByShots[0]", ".Sets[1].Curves[1].ByShots[0]", ".Sets[1].Curves[2].ByShots[0]", ".Sets[1].Curves[3].ByShots[0]", ".Sets[1].Curves[4].ByShots[0]");
        string[][] shifts = ReportChecks.Rows(page, ReportChecks.Headed("tasks", "demonstrations", "in-context model"));
        Assert.Equal([("none", "4"), ("skewed", "4"), ("orthogonal query", "2"), ("x scale 0.5", "4")], shifts.Select(row => (row[0], row[1])));
        Assert.Equal(RegressionWords.Of(result.Comparison!.Sets[2][RegressionLearners.Averaging].ByShots[2]), shifts[2][5]);
        string[][] own = ReportChecks.Rows(page, table => ReportChecks.Headed("demonstrations", "in-context model")(table) && table.Descendants().First(e => (string?)e.Attribute("scope") == "row").Value == "0");
        Assert.Equal(("0", "–", "2"), (own[0][0], own[1][6], own[2][0]));
        Assert.Equal(RegressionWords.Of(result.Comparison.Sets[0]["ML.NET Sample"].ByShots[2]), own[2][6]);
    }

    [Fact]
    public void Page_HostileLearner_StaysText()
    {
        var result = SampleMechanisms.Regression(learner: SampleResults.HostileName);

        Assert.Contains("</title><script>alert('x')</script>", ReportChecks.AssertSelfContained(RegressionReport.Of(result)).Root!.Value, StringComparison.Ordinal);
        Assert.Equal(SampleResults.HostileName.Replace('\ud800', '\ufffd'), (string?)ReportChecks.AssertJson(RegressionJson.ToText(result))["sets"]![0]!["learners"]![5]!["learner"]);
    }

    [Fact]
    public void Page_BaselinesAlone_SpeaksOfNoModel()
    {
        var page = ReportChecks.AssertSelfContained(RegressionReport.Of(SampleMechanisms.Regression(comparison: false)));

        Assert.DoesNotContain("Error of the model", page.Root!.Value, StringComparison.Ordinal);
        Assert.Contains("Baselines, 21 dimensions", page.Root.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_Sinusoids_SpeakOfNoDimensions()
    {
        var page = ReportChecks.AssertSelfContained(RegressionReport.Of(SampleMechanisms.Regression(family: RegressionFamily.Sinusoid)));

        Assert.Contains("mean square, 4.25", page.Root!.Value, StringComparison.Ordinal);
        Assert.DoesNotContain("Out of distribution", page.Root.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.0, "0.000")]
    [InlineData(3e-29, "3e-29")]
    [InlineData(0.0005, "0.001")]
    [InlineData(12.34, "12.340")]
    [InlineData(123456.7, "123,457")]
    [InlineData(double.NaN, "–")]
    [InlineData(double.PositiveInfinity, "–")]
    [InlineData(1e300, "1.000e300")]
    public void Value_AnyError_Reads(double error, string expected) => Assert.Equal(expected, RegressionWords.Value(error));
}
