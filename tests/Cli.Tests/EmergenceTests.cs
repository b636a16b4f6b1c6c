using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

public class EmergenceTests
{
    private static readonly string[] Small = ["emergence", "--seeds", "2", "--steps", "100", "--every", "50", "--width", "16", "--heads", "2", "--seed", "3"];

    [Fact]
    public void TrainThenFrom_SameCurve_AndSameBytesTwice()
    {
        using var scratch = new Scratch();
        var first = Icl.Run([.. Small, "--json", "-", "--checkpoints", scratch.At("runs")]).AssertDone();
        var resumed = Icl.Run([.. Small, "--json", "-", "--checkpoints", scratch.At("runs")]).AssertDone();
        var read = Icl.Run("emergence", "--from", scratch.At("runs/L2-d16-h2-seed3001"), "--seed", "3", "--json", "-").AssertDone();

        Assert.Equal(first.Output, resumed.Output);
        var groups = first.Json["groups"]!.AsArray();
        Assert.Equal([(2, 2), (1, 2)], groups.Select(g => ((int)g!["layers"]!, (int)g["n"]!)));
        Assert.Equal([0, 50, 100], groups[0]!["runs"]![0]!["points"]!.AsArray().Select(p => (int)p!["step"]!));
        Assert.Equal(groups[0]!["runs"]![0]!["points"]!.ToJsonString(), read.Json["groups"]![0]!["runs"]![0]!["points"]!.ToJsonString());
    }

    [Fact]
    public void Table_FitsTheTerminal_AndReportIsWritten()
    {
        using var scratch = new Scratch();
        var run = Icl.Run([.. Small, "--html", scratch.At("e.html")]).AssertDone();

        Assert.Contains("0 of 2", run.Output, StringComparison.Ordinal);
        Assert.Contains("fraction of training", run.Output, StringComparison.Ordinal);
        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("Control: one layer", File.ReadAllText(scratch.At("e.html")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--heads", "3", "multiple of the heads")]
    [InlineData("--width", "66", "multiple of the heads")]
    [InlineData("--from", "missing-folder", "missing-folder")]
    public void WrongSettings_AreRefused(string option, string value, string why) => Icl.Run("emergence", option, value).AssertRefused(why);

    [Fact]
    public void From_WithSettingsOfATraining_IsRefused()
    {
        var run = Icl.Run("emergence", "--from", ".", "--steps", "500");

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains("--steps", run.Error, StringComparison.Ordinal);
    }
}
