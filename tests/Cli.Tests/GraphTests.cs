using System.Globalization;
using System.Text.Json;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

public sealed class GraphTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Json_RowsOfAChain_IsTheSameEachTimeAndHasItsEdges()
    {
        string[] args = ["graph", "--tokens", Write(Chains(400)), "--steps", "200", "--starts", "3", "--json", "-"];
        var run = Icl.Run(args).AssertDone();

        Assert.Equal(run.Output, Icl.Run(args).Output);
        string[] edges = [.. run.Json["edges"]!.AsArray().Select(e => $"{e!["parent"]}->{e["child"]}")];
        Assert.InRange(edges.Intersect(["0->1", "1->2", "2->3", "3->4"]).Count(), 3, 4);
        Assert.Equal(4, run.Json["evidence"]!.AsArray().Count);
        Assert.True((double)run.Json["loss"]! < (double)run.Json["loss_without_parents"]!);
        Assert.Equal(400, (int)run.Json["rows"]!);
    }

    [Fact]
    public void Table_Fits80ColumnsAndFilesAreWritten()
    {
        var run = Icl.Run("graph", "--tokens", Write(Chains(60)), "--steps", "40", "--starts", "2", "--html", _scratch.At("g.html"), "--dot", _scratch.At("g.dot")).AssertDone();

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("Position by position", File.ReadAllText(_scratch.At("g.html")), StringComparison.Ordinal);
        Assert.StartsWith("digraph causal {", File.ReadAllText(_scratch.At("g.dot")), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Model_GivesItsAttentionAndTrainsNothing()
    {
        var run = Icl.Run("graph", "--tokens", Write(Chains(20)), "--model", Fixtures.Shared("models", "story"), "--heads", "L0.H1,L1.H2", "--threshold", "0.2", "--json", "-").AssertDone();

        Assert.Empty(run.Json["evidence"]!.AsArray());
        Assert.Equal(JsonValueKind.Null, run.Json["loss"]?.GetValueKind() ?? JsonValueKind.Null);
        Assert.Equal(5, run.Json["map"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("[[0,1,2],[0,1]]", "row 1 has 2 tokens and row 0 has 3")]
    [InlineData("[[0,1],[1,0]]", "at least 10 rows")]
    [InlineData("{}", "an object")]
    public void WrongRows_AreRefused(string json, string why)
    {
        string file = _scratch.At("rows.json");
        File.WriteAllText(file, json);
        var run = Icl.Run("graph", "--tokens", file);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--heads", "L0.H1", "--model")]
    [InlineData("--threshold", "0", "from 0.001")]
    [InlineData("--starts", "0", "at least 1")]
    [InlineData("--dot", "-", "--dot needs a file")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run("graph", "--tokens", Write(Chains(12)), option, value);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    private string Write(int[][] rows)
    {
        string file = _scratch.At(string.Create(CultureInfo.InvariantCulture, $"rows{rows.Length}.json"));
        File.WriteAllText(file, JsonSerializer.Serialize(rows));
        return file;
    }

    /// <summary>Rows of five tokens, each of which mostly follows the one before it in a cycle of three.</summary>
    private static int[][] Chains(int count)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            int[] row = new int[5];
            row[0] = random.Next(3);
            for (int i = 1; i < row.Length; i++) row[i] = random.NextDouble() < 0.8 ? (row[i - 1] + 1) % 3 : random.Next(3);
            return row;
        })];
    }
}
