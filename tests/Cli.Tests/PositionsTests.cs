using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

public class PositionsTests
{
    private static readonly string[] Small = ["--encodings", "learned", "alibi", "--seeds", "2", "--steps", "5", "--rows", "2"];

    [Fact]
    public void Json_SameSeed_IsTheSameAndHasNullBeyondALearnedTable()
    {
        string[] args = ["positions", .. Small, "--seed", "7", "--json", "-"];
        var run = Icl.Run(args).AssertDone();
        var encodings = run.Json["encodings"]!.AsArray();

        Assert.Equal(run.Output, Icl.Run(args).Output);
        Assert.Equal(["learned", "alibi"], encodings.Select(e => (string)e!["encoding"]!));
        Assert.Null(encodings[0]!["at_longest"]);
        Assert.Null(encodings[0]!["by_length"]![6]!["accuracy"]);
        Assert.NotNull(encodings[1]!["by_length"]![6]!["accuracy"]!["low"]);
        Assert.Equal(16, encodings[1]!["at_trained"]!["accuracy_by_position"]!.AsArray().Count);
    }

    [Fact]
    public void Table_Fits80ColumnsAndSaysWhyADashStandsThere()
    {
        using var scratch = new Scratch();
        var run = Icl.Run(["positions", .. Small, "--html", scratch.At("p.html")]).AssertDone();

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("a dash is not 0", run.Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Contains("Accuracy by number of demonstrations", File.ReadAllText(scratch.At("p.html")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--encodings", "fourier", "fourier")]
    [InlineData("--seeds", "0", "at least 1")]
    [InlineData("--seeds", "101", "from 1 to 100")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run("positions", option, value);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }
}
