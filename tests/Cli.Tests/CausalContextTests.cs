using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

public class CausalContextTests
{
    private static readonly string[] Short = ["causal-context", "--steps", "4", "--batch", "4", "--layers", "1", "--width", "16", "--prompts", "16", "--examples", "2", "--seeds", "2"];

    [Fact]
    public void Json_SameSeed_IsTheSameAndHasAPointForEachNumberOfExamples()
    {
        string[] args = [.. Short, "--seed", "4", "--json", "-"];
        var run = Icl.Run(args).AssertDone();

        Assert.Equal(run.Output, Icl.Run(args).Output);
        Assert.Equal([4000, 4001], run.Json["runs"]!.AsArray().Select(r => (int)r!["seed"]!));
        Assert.Equal([0, 1, 2], run.Json["runs"]![0]!["points"]!.AsArray().Select(p => (int)p!["examples"]!));
        Assert.Equal("not learned", (string?)run.Json["verdict"]);
    }

    [Fact]
    public void Table_Fits80ColumnsAndThePageIsWritten()
    {
        using var scratch = new Scratch();
        var run = Icl.Run([.. Short, "--html", scratch.At("c.html")]).AssertDone();

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("Loss by examples", File.ReadAllText(scratch.At("c.html")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--length", "9", "from 3 to 8")]
    [InlineData("--width", "20", "multiple of 8")]
    [InlineData("--alpha", "0", "from 0.01")]
    [InlineData("--examples", "0", "at least 1")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run("causal-context", option, value);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }
}
