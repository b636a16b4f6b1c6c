using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

public class ParadigmsTests
{
    private static readonly string[] Small = ["--steps", "3", "--meta-steps", "3", "--tasks", "30", "--shots", "2", "4"];

    [Fact]
    public void Json_SameSeed_IsTheSameWithoutTimes()
    {
        string[] args = ["paradigms", .. Small, "--family", "linear", "--dimension", "2", "--seed", "3", "--json", "-"];
        var run = Icl.Run(args).AssertDone();
        var learners = run.Json["families"]![0]!["learners"]!.AsArray();

        Assert.Equal(run.Output, Icl.Run(args).Output);
        Assert.Equal(["classical", "classical", "meta_learning", "in_context"], learners.Select(l => (string)l!["paradigm"]!));
        Assert.Equal(0, (int)learners[3]!["updates"]!);
        Assert.DoesNotContain("adaptation_seconds", run.Output, StringComparison.Ordinal);
        Assert.Contains("adaptation_seconds", Icl.Run([.. args, "--timings"]).Output, StringComparison.Ordinal);
        Assert.Contains("ms to adapt", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Table_Fits80ColumnsAndHasTheArticlesTable()
    {
        using var scratch = new Scratch();
        var run = Icl.Run(["paradigms", .. Small, "--html", scratch.At("p.html")]).AssertDone();

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("support set", run.Output, StringComparison.Ordinal);
        Assert.Contains("Sinusoids", File.ReadAllText(scratch.At("p.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void DimensionOfSinusoids_IsRefused() => Assert.Contains("sinusoids have one", Icl.Run("paradigms", "--family", "sinusoid", "--dimension", "2").Error, StringComparison.Ordinal);

    [Theory]
    [InlineData("--family", "quadratic", "quadratic")]
    [InlineData("--shots", "0", "from 1 to 256")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run("paradigms", option, value);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }
}
