using System.Text.Json.Nodes;
using MlNetIcl.Probes;
using MlNetIcl.Reports.CausalGraphs;

namespace MlNetIcl.Reports.Tests;

public class InContextGraphReportTests
{
    [Fact]
    public void Json_OfAResult_HasPointsWithIntervals_AndNullForWhatIsNot()
    {
        var json = JsonNode.Parse(InContextGraphJson.ToText(Result(0.75, 0.5)))!;
        var points = json["runs"]![0]!["points"]!;

        Assert.Equal("partly learned", (string?)json["verdict"]);
        Assert.Equal(0.625, (double)json["share_of_gap"]!["value"]!);
        Assert.Equal("[[0.75,0.25],[0.5,0.5]]", json["runs"]![0]!["kernel"]!.ToJsonString());
        Assert.Equal("""{"value":null,"low":null,"high":null}""", points[0]!["share_of_gap"]!.ToJsonString());
        Assert.Equal("""{"value":0.75,"low":0.65,"high":0.85}""", points[1]!["share_of_gap"]!.ToJsonString());
        Assert.Equal("""{"value":0.25,"low":0.125,"high":0.375}""", points[1]!["divergence"]!.ToJsonString());
        Assert.Equal((0.5, 1.25, 0.4375, 0.375, 0.6875, 0.625), (At("model"), At("untrained"), At("averaged"), At("oracle"), At("uniform"), At("stationary")));

        double At(string name) => (double)points[1]![name]!;
    }

    [Theory]
    [InlineData(0.95, "In-context graphs are learned: after one example the model has 0.950 [0.850, 1.050] of what that is worth")]
    [InlineData(0.6, "In-context graphs are partly learned")]
    [InlineData(0.2, "In-context graphs are not learned")]
    [InlineData(double.NaN, "There is nothing to learn: not even to Bayesian averaging is it worth anything to have one example.")]
    public void Summary_OfAShare_SaysTheVerdict(double share, string expected) =>
        Assert.StartsWith(expected, InContextGraphReport.Summary(Result(share)), StringComparison.Ordinal);

    [Fact]
    public void Page_OfTwoRuns_HasATableForEachAndTheirCurves()
    {
        string page = InContextGraphReport.Of(Result(0.75, 0.5)).ToHtml();

        Assert.Contains("Seed 7", page, StringComparison.Ordinal);
        Assert.Contains("Seed 8", page, StringComparison.Ordinal);
        Assert.Contains("0.750 [0.650, 0.850]", page, StringComparison.Ordinal);
        Assert.Equal(2, page.Split("<svg").Length - 1);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
    }

    private static InContextGraphResult Result(params double[] shares) => new()
    {
        Options = new() { Examples = 1, Length = 3, Vocabulary = 2, Seeds = shares.Length },
        Runs = [.. shares.Select((share, i) => new InContextGraphRun
        {
            Seed = 7 + i,
            Kernel = [[0.75, 0.25], [0.5, 0.5]],
            TrueParent = 0.875,
            Points =
            [
                new(0, 0.6875, 1.25, 0.6875, 0.375, 0.6875, 0.625, new(0.25, new(0.125, 0.375)), new(double.NaN, new(double.NaN, double.NaN))),
                new(1, 0.5, 1.25, 0.4375, 0.375, 0.6875, 0.625, new(0.25, new(0.125, 0.375)), new(share, new(share - 0.1, share + 0.1))),
            ],
        })],
    };
}
