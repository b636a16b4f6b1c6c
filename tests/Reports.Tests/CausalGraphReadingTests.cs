using System.Text.Json.Nodes;
using MlNetIcl.Probes;
using MlNetIcl.Reports.CausalGraphs;

namespace MlNetIcl.Reports.Tests;

public class CausalGraphReadingTests
{
    private static readonly CausalGraphReading Reading = new()
    {
        Source = "trained on the rows",
        Rows = 50,
        HeldOut = 10,
        Map = new([[1], [0.9, 0.1], [0.2, 0.7, 0.1]]),
        Graph = new([[], [0], []]),
        Threshold = 0.5,
        Loss = 0.75,
        LossWithoutParents = 1.25,
        Evidence = [new(1, new(0.5, new(0.25, 0.75)), 0.001, 0.002), new(2, new(-0.125, new(-0.5, 0.375)), 0.6, 0.6)],
    };

    [Fact]
    public void Json_OfAReading_HasEdgesMapAndEvidence()
    {
        var json = JsonNode.Parse(CausalGraphReadingJson.ToText(Reading))!;

        Assert.Equal("""[{"parent":0,"child":1,"attention":0.9}]""", json["edges"]!.ToJsonString());
        Assert.Equal("[[],[0],[]]", json["graph"]!.ToJsonString());
        Assert.Equal("[[1],[0.9,0.1],[0.2,0.7,0.1]]", json["map"]!.ToJsonString());
        Assert.Equal((50, 10, 0.75, 1.25), ((int)json["rows"]!, (int)json["held_out"]!, (double)json["loss"]!, (double)json["loss_without_parents"]!));
        Assert.Equal((2, -0.125, 0.6), ((int)json["evidence"]![1]!["child"]!, (double)json["evidence"]![1]!["gain"]!["value"]!, (double)json["evidence"]![1]!["q"]!));
    }

    [Fact]
    public void Page_OfAReading_HasTheGraphAndTheEvidence()
    {
        string page = CausalGraphReadingReport.Of(Reading).ToHtml();

        Assert.Contains("1 edge among 3 positions: X0-&gt;X1.", page, StringComparison.Ordinal);
        Assert.Contains("0.500", page, StringComparison.Ordinal);
        Assert.Contains("sign-flip", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_OfAModelsAttention_EscapesItsNameAndClaimsNoTest()
    {
        string page = CausalGraphReadingReport.Of(Reading with { Source = "<b>x", Evidence = [], HeldOut = 0, Loss = null, LossWithoutParents = null }).ToHtml();

        Assert.Contains("&lt;b&gt;x", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>x", page, StringComparison.Ordinal);
        Assert.DoesNotContain("sign-flip", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Dot_OfAReading_HasItsEdgeAlone()
    {
        string dot = CausalGraphDot.ToText(Reading.Map, Reading.Graph);

        Assert.Contains("X0 -> X1 [label=\"0.900\"", dot, StringComparison.Ordinal);
        Assert.DoesNotContain("-> X2", dot, StringComparison.Ordinal);
    }
}
