using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

public class PriorTests
{
    [Fact]
    public void Json_SameSeed_IsTheSameAndHasEveryLearner()
    {
        string[] args = ["prior", "--rank", "3", "--steps", "5", "--tasks", "50", "--seed", "4", "--json", "-"];
        var run = Icl.Run(args).AssertDone();
        var rank = run.Json["ranks"]![0]!;

        Assert.Equal(run.Output, Icl.Run(args).Output);
        Assert.Equal(["ridge", "two_stage_ridge", "transformer", "oracle"], rank["learners"]!.AsArray().Select(l => (string)l!["learner"]!));
        Assert.Equal(3, (double)rank["prior_mean_risk"]!);
        Assert.True((double)rank["learners"]![3]!["risk"]!["value"]! < (double)rank["learners"]![0]!["risk"]!["value"]!);
    }

    [Fact]
    public void Table_Fits80Columns()
    {
        using var scratch = new Scratch();
        var run = Icl.Run("prior", "--rank", "10", "--steps", "5", "--tasks", "50", "--html", scratch.At("p.html")).AssertDone();

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("two-stage ridge", run.Output, StringComparison.Ordinal);
        Assert.Contains("Risk by the rank of the prior", File.ReadAllText(scratch.At("p.html")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--rank", "11", "10, the number of examples")]
    [InlineData("--steps", "0", "at least 1")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run("prior", option, value);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }
}
