using MlNetIcl.Probes;
using MlNetIcl.Reports.GradientDescent;

namespace MlNetIcl.Reports.Tests;

public class GradientDescentReportTests
{
    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Json_Result_HoldsEveryNumber(int layers, bool softmax)
    {
        var result = SampleMechanisms.GradientDescent(layers, softmax);
        var json = ReportChecks.AssertJson(GradientDescentJson.ToText(result));

        // The rest of the closed forms follows from these three.
        ReportChecks.AssertHolds(json, result, ".Optimum.Variance", ".Optimum.Curvature");
        Assert.Equal(0.5 * 11 * 0.75 * 0.75 / 3, (double)json["closed_form"]!["null_loss"]!, 1e-12);
        Assert.Equal(["gd", "gd", "gd", "gd", "gd_plus_plus", "least_squares"], json["references"]!.AsArray().Select(r => (string?)r!["algorithm"]));
        Assert.Equal(["task", "query", "covariate"], json["shifts"]!.AsArray().Select(s => (string?)s!["shift"]));
        var run = json["runs"]![1]!;
        var expected = result.Runs[1].Alignments[4].Cosine;
        Assert.Equal((expected.Value, expected.Interval.Low, expected.Interval.High), ((double)run["alignments"]![4]!["cosine"]!["value"]!, (double)run["alignments"]![4]!["cosine"]!["low"]!, (double)run["alignments"]![4]!["cosine"]!["high"]!));
        Assert.Equal(result.Shifts[2].Points[1].Trained.Value, (double)json["shifts"]![2]!["points"]![1]!["trained"]!["value"]!);
        Assert.Equal(softmax ? 2 : 0, json["softmax"]!.AsArray().Count);
    }

    [Fact]
    public void Json_WhatWasNotMeasured_IsNull()
    {
        var several = ReportChecks.AssertJson(GradientDescentJson.ToText(SampleMechanisms.GradientDescent(layers: 2, softmax: false)));

        Assert.Null(several["softmax_options"]);
        Assert.True(several["runs"]![0]!.AsObject().ContainsKey("optimum_distance"));
        Assert.Null(several["runs"]![0]!["optimum_distance"]);
        Assert.Null(several["shifts"]![0]!["points"]![0]!["expected"]);
        Assert.Null(several["shifts"]![0]!["points"]![0]!["softmax"]);
        var diverged = SampleMechanisms.GradientDescent();
        diverged = diverged with { Runs = [diverged.Runs[0] with { Loss = new(double.NaN, new(double.NaN, double.PositiveInfinity)) }] };
        var loss = ReportChecks.AssertJson(GradientDescentJson.ToText(diverged))["runs"]![0]!["loss"]!.AsObject();
        Assert.Equal(["value", "low", "high"], loss.Select(p => p.Key));
        Assert.All(loss, p => Assert.Null(p.Value));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Page_Result_ShowsEveryNumber(int layers, bool softmax)
    {
        var result = SampleMechanisms.GradientDescent(layers, softmax);
        var page = ReportChecks.AssertSelfContained(GradientDescentReport.Of(result));

        // Softmax curves are not drawn; settings that the protocol fixes stand in the JSON.
        ReportChecks.AssertShows(page, result, ".Optimum.Variance", ".Optimum.Curvature", ".Softmax[0].Curve", ".Softmax[1].Curve", ".ClipNorm", ".InitialVariance", ".SearchTasks", ".Softmax.LearningRate");
        string[][] table = ReportChecks.Rows(page, ReportChecks.Headed("algorithm", "eta", "gamma", "loss"));
        Assert.Equal(6 + 2 + (softmax ? 2 : 0), table.Length);
        Assert.Equal(["GD++, 2 steps", Numbers.Score(result.References[4].Eta), Numbers.Score(result.References[4].Gamma), GradientDescentWords.Of(result.References[4].Loss)], table[4]);
        Assert.Equal("–", table[5][1]); // least squares has no eta
    }

    [Fact]
    public void Page_LossesBeyondTheChart_AreCutAndTold()
    {
        var result = SampleMechanisms.GradientDescent(softmax: false);
        var shifts = result.Shifts.ToArray();
        shifts[2] = shifts[2] with { Points = [shifts[2].Points[0], shifts[2].Points[1] with { Trained = new(1234.5, new(1200, 1300)), Expected = 1250 }] };

        var page = ReportChecks.AssertSelfContained(GradientDescentReport.Of(result with { Shifts = shifts }));

        Assert.Contains("at factor 4 the trained layers have 1234.500", page.Root!.Value, StringComparison.Ordinal);
        string[] last = ReportChecks.Rows(page, table => ReportChecks.Headed("factor", "trained")(table) && table.Value.Contains("1234", StringComparison.Ordinal))[^1];
        Assert.Equal(("4", "1234.500 [1200.000, 1300.000]", "1250.000"), (last[0], last[1], last[^1])); // what is cut is the drawing
    }

    [Fact]
    public void Page_ModelThatDiverged_HasDashes()
    {
        var result = SampleMechanisms.GradientDescent(softmax: false);
        Estimate none = new(double.NaN, new(double.NaN, double.NaN));
        var diverged = result.Runs[0] with
        {
            Curve = [(617, double.NaN), (1234, double.NaN)],
            Loss = none,
            Alignments = [.. result.Runs[0].Alignments.Select(a => a with { PredictionDifference = none, Cosine = none, GradientDifference = none, ExcessLoss = none })],
            Interpolation = [.. result.Runs[0].Interpolation.Select(p => p with { Loss = none })],
            OptimumDistance = double.NaN,
            ConstructionDistance = double.NaN,
        };
        result = result with { Runs = [diverged], Shifts = [.. result.Shifts.Select(s => s with { Points = [.. s.Points.Select(p => p with { Trained = none })] })] };

        var page = ReportChecks.AssertSelfContained(GradientDescentReport.Of(result));

        Assert.Contains("loss –", page.Root!.Value, StringComparison.Ordinal);
        ReportChecks.AssertJson(GradientDescentJson.ToText(result));
    }

    [Fact]
    public void Summary_SeveralLayers_NamesTheNearestAlgorithms()
    {
        var result = SampleMechanisms.GradientDescent(layers: 2);
        string text = GradientDescentWords.Summary(result);

        Assert.Contains("Trained, 2 layers, shared weights", text, StringComparison.Ordinal);
        Assert.Contains("Against GD++, 2 steps", text, StringComparison.Ordinal);
        var nearest = result.Softmax[0].Alignments.OrderByDescending(a => a.Cosine.Value).First();
        Assert.Contains($"nearest to {GradientDescentWords.Of(nearest.Reference)}, cosine {Numbers.Score(nearest.Cosine.Value)}", text, StringComparison.Ordinal);
        Assert.DoesNotContain("closed form", text, StringComparison.Ordinal); // that of one step
    }
}
