using MlNetIcl.Reports.LinearAttention;

namespace MlNetIcl.Reports.Tests;

public class LinearAttentionReportTests
{
    [Fact]
    public void Json_Result_HoldsEveryNumber()
    {
        var result = SampleMechanisms.LinearAttention();
        var json = ReportChecks.AssertJson(LinearAttentionJson.ToText(result));

        ReportChecks.AssertHolds(json, result, ".Components"); // those are numbered by eigenvalue, from 1
        var separate = json["dynamics"]!["kinds"]![1]!;
        Assert.Equal("separate", (string?)separate["kind"]);
        Assert.Equal([[1], [2]], separate["runs"]![0]!["drops"]!.AsArray().Select(d => d!["components"]!.AsArray().Select(c => (int)c!)));
        // The second eigenvalue is the largest, so that its component comes first.
        var points = result.Dynamics.Kinds[1].Runs[1].Points;
        Assert.Equal(points.Select(p => p.Learned[1]), separate["runs"]![1]!["learned_by_component"]![0]!.AsArray().Select(v => (double)v!));
        Assert.Equal(points.Select(p => p.Alignment[0]), separate["runs"]![1]!["alignment_by_component"]![1]!.AsArray().Select(v => (double)v!));
        Assert.Empty(json["dynamics"]!["kinds"]![0]!["runs"]![0]!["alignment_by_component"]!.AsArray());
        Assert.Null(json["dynamics"]!["kinds"]![0]!["runs"]![0]!["drops"]![0]!["head"]);
        Assert.Equal([null, null, null, null, 0.02, 20, 0.02, 20], json["kernels"]!["comparisons"]!.AsArray().Select(c => (double?)c!["ridge_over_n"]));
        Assert.Equal([null, null, "sample"], json["kernels"]!["comparisons"]!.AsArray().Take(3).Select(c => (string?)c!["model"]));
    }

    [Fact]
    public void Json_HostileName_IsAsciiAndReadsBack()
    {
        var json = ReportChecks.AssertJson(LinearAttentionJson.ToText(SampleMechanisms.LinearAttention(SampleResults.HostileName)));

        Assert.Equal(SampleResults.HostileName.Replace('\ud800', '\ufffd'), (string?)json["kernels"]!["comparisons"]![2]!["model"]);
    }

    [Fact]
    public void Page_Result_ShowsEveryNumber()
    {
        var result = SampleMechanisms.LinearAttention();
        var page = ReportChecks.AssertSelfContained(LinearAttentionReport.Of(result));

        // Losses of the sequences, points of other runs than the first and the step of a plateau stand in the JSON; steps of 0 have no place on a logarithmic axis.
        ReportChecks.AssertShows(page, result, ".Components", ".TrainingLoss", ".LeastTrainingLoss", ".Runs[1].Points[0].Learned", ".Runs[1].Points[1].Learned", ".Runs[1].Points[2].Learned", ".Runs[1].Points[3].Learned",
            ".Runs[1].Points[0].Alignment", ".Runs[1].Points[1].Alignment", ".Runs[1].Points[2].Alignment", ".Runs[1].Points[3].Alignment", ".Plateaus[0]", ".Step", ".StepSize", ".TrainingSteps", ".Steps", ".MostSteps",
            ".Equality.Options.Seed", ".Equalities", ".Comparisons[0].Gap", ".Comparisons[1].Gap", ".Comparisons[2].Gap", ".MaxDifference", ".Scale", ".RelativeDifference", ".Kinds[0].ExpectedDrops", ".Kinds[1].ExpectedDrops");
        string[][] equal = ReportChecks.Rows(page, ReportChecks.Headed("attention", "kernel regression", "largest difference"));
        var first = result.Equality.Comparisons[0];
        Assert.Equal(["linear, constructed", "sum y k, linear", LinearAttentionWords.Difference(first.MaxDifference), Numbers.Brief(Math.Round(first.Scale, 3)), LinearAttentionWords.Difference(first.MaxDifference / first.Scale), "1", "2,345"], equal[0]);
        Assert.Equal("softmax, sample", equal[2][0]);
        string[][] drops = ReportChecks.Rows(page, ReportChecks.Headed("seed", "drop", "step", "component"));
        Assert.Equal(2, drops.Length); // one of each merged training
        var after = result.Dynamics.Kinds[0].Runs[0].Plateaus[1];
        Assert.Equal(["43", "1", "954", "1, 2", "–", "–", Numbers.Score(after.Loss), Numbers.Score(after.Level)], drops[0]);
    }

    [Fact]
    public void Page_HostileName_StaysText() =>
        Assert.Contains("</title><script>alert('x')</script>", ReportChecks.AssertSelfContained(LinearAttentionReport.Of(SampleMechanisms.LinearAttention(SampleResults.HostileName))).Root!.Value, StringComparison.Ordinal);

    [Fact]
    public void Page_NoDropAtAll_SaysSo()
    {
        var result = SampleMechanisms.LinearAttention(converged: false);
        var kinds = result.Dynamics.Kinds.Select(k => k with { Runs = [.. k.Runs.Select(r => r with { Drops = [], Plateaus = [r.Plateaus[0]] })] });

        string text = ReportChecks.AssertSelfContained(LinearAttentionReport.Of(result with { Dynamics = result.Dynamics with { Kinds = [.. kinds] } })).Root!.Value;

        Assert.Contains("0 drops in 2 of 2 trainings", text, StringComparison.Ordinal);
        Assert.Contains("2 of 2 trainings ended before", text, StringComparison.Ordinal);
        Assert.Contains("No training had a drop", text, StringComparison.Ordinal);
    }
}
