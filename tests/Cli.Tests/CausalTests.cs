using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

public class CausalTests
{
    private static readonly string[] Short = ["causal", "--length", "6", "--steps", "40", "--batch", "32"];

    [Fact]
    public void Json_SameSeed_IsTheSameAndHasTheGraph()
    {
        string[] args = [.. Short, "--graph", "tree", "--seeds", "2", "--seed", "4", "--json", "-"];
        var run = Icl.Run(args).AssertDone();

        Assert.Equal(run.Output, Icl.Run(args).Output);
        Assert.Equal("[[],[0],[0],[1],[1],[2]]", run.Json["runs"]![0]!["graph"]!.ToJsonString());
        Assert.Equal([4000, 4001], run.Json["runs"]!.AsArray().Select(r => (int)r!["seed"]!));
        Assert.Equal(6, run.Json["runs"]![0]!["heads"]![0]!.AsArray().Count);
    }

    [Fact]
    public void Json_OfOneSeed_HasNoIntervals()
    {
        var one = Icl.Run([.. Short, "--seeds", "1", "--json", "-"]).AssertDone().Json["edge_attention"]!;
        var two = Icl.Run([.. Short, "--seeds", "2", "--json", "-"]).AssertDone().Json["edge_attention"]!;

        Assert.True((double)one["value"]! > 0);
        Assert.Null(one["low"]);
        Assert.Null(one["high"]);
        Assert.True((double)two["low"]! <= (double)two["value"]! && (double)two["value"]! <= (double)two["high"]!);
    }

    [Fact]
    public void Table_Fits80ColumnsAndFilesAreWritten()
    {
        using var scratch = new Scratch();
        var run = Icl.Run([.. Short, "--edges", "-,0,0,1+2", "--html", scratch.At("c.html"), "--dot", scratch.At("c.dot")]).AssertDone();

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("1+2", run.Output, StringComparison.Ordinal);
        Assert.Contains("The graph that is read from it", File.ReadAllText(scratch.At("c.html")), StringComparison.Ordinal);
        Assert.StartsWith("digraph causal {", File.ReadAllText(scratch.At("c.dot")), StringComparison.Ordinal);
    }

    [Fact]
    public void Sweep_EachValue_IsAPoint()
    {
        string[] args = [.. Short, "--sweep", "faithfulness", "--values", "0", "1"];

        Assert.Equal([0.0, 1.0], Icl.Run([.. args, "--json", "-"]).AssertDone().Json["points"]!.AsArray().Select(p => (double)p!["value"]!));
        Assert.All(Icl.Run(args).AssertDone().Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
    }

    [Theory]
    [InlineData("--graph", "ring", "chain")]
    [InlineData("--length", "2", "at least 3")]
    [InlineData("--edges", "-,1", "earlier")]
    [InlineData("--vocabulary", "99", "from 2 to 32")]
    [InlineData("--values", "1", "--sweep")]
    [InlineData("--alpha", "0", "from 0.001")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run("causal", option, value);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }
}
