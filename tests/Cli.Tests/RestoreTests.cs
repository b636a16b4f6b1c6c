using MlNetIcl.Cli.Hosting;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

public class RestoreTests
{
    [Fact]
    public void Json_EmbeddedModel_LosesCopyingWithEitherKindOfHead()
    {
        var root = Icl.Run("restore", "--period", "12", "--sequences", "16", "--seed", "3", "--json", "-").AssertDone().Json;
        var rows = root["rows"]!.AsArray();

        Assert.Equal(("embedded", 3, 12, 16), ((string)root["model"]!, (int)root["seed"]!, (int)root["protocol"]!["period"]!, (int)root["protocol"]!["sequences"]!));
        foreach (string intervention in new[] { "ablate_previous_token", "ablate_induction" })
            Assert.True((double)rows.Single(r => (string)r!["intervention"]! == intervention)!["relative_change_high"]! < -0.8);
        Assert.Equal(0, (double)rows.Single(r => (string)r!["intervention"]! == "restore_both")!["relative_change"]!);
    }

    [Fact]
    public void Table_EmbeddedModel_StandsBesideTheClaims()
    {
        var run = Icl.Run("restore", "--period", "12", "--sequences", "16", "--kind", "zero").AssertDone();

        Assert.Contains("previous-token heads off", run.Output, StringComparison.Ordinal);
        Assert.Contains("-85.0 %", run.Output, StringComparison.Ordinal);
        Assert.Contains("true by construction", run.Output, StringComparison.Ordinal);
        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
    }

    [SkippableFact]
    public void ModelWithoutInductionHeads_GetsNoPercentages()
    {
        using var scratch = new Scratch();
        var run = Icl.Run("restore", "--model", Fixtures.Shared("models", "story"), "--sequences", "16", "--html", scratch.At("r.html")).AssertDone();

        Assert.Contains("no copying circuit to ablate", run.Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.DoesNotContain("-85.0", run.Output, StringComparison.Ordinal);
        Assert.Equal(["r.html"], scratch.Names);
    }

    [Theory]
    [InlineData("--period", "1", "at least 2")]
    [InlineData("--sequences", "1", "at least 2")]
    [InlineData("--kind", "resample", "resample")]
    [InlineData("--period", "5000", "does not fit")]
    [InlineData("--draws", "1001", "from 0 to 1,000")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run("restore", option, value);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Empty(run.Output);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }
}
