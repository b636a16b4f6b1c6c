using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

public class LinearTests
{
    private static readonly string[] Small = ["linear", "--tasks", "20", "--eigenvalues", "1", "3", "--seeds", "1"];

    [Fact]
    public void Json_SameSeed_IsTheSameAndHasDropsByComponent()
    {
        string[] args = [.. Small, "--seed", "7", "--json", "-"];
        var run = Icl.Run(args).AssertDone();
        var dynamics = run.Json["dynamics"]!;

        Assert.Equal(run.Output, Icl.Run(args).Output);
        Assert.Equal([0.25, 0.75], dynamics["eigenvalues"]!.AsArray().Select(e => (double)e!));
        Assert.Equal(["merged", "separate"], dynamics["kinds"]!.AsArray().Select(k => (string)k!["kind"]!));
        var drops = dynamics["kinds"]![1]!["runs"]![0]!["drops"]!.AsArray();
        Assert.Equal([1, 2], drops.Select(d => (int)d!["components"]![0]!)); // by size, not as given
        Assert.True((double)run.Json["kernels"]!["comparisons"]![0]!["relative_difference"]! < 1e-5);
    }

    [Fact]
    public void Table_Fits80Columns()
    {
        using var scratch = new Scratch();
        var run = Icl.Run([.. Small, "--steps", "200", "--html", scratch.At("l.html")]).AssertDone();

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("1 of 1 training ended before", run.Output, StringComparison.Ordinal);
        Assert.Contains("Attention against kernel ridge regression", File.ReadAllText(scratch.At("l.html")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--eigenvalues", "x", "got 'x'")]
    [InlineData("--eigenvalues", "-1", "finite numbers above 0")]
    [InlineData("--dimension", "33", "1 to 32")]
    [InlineData("--dimension", "2000000000", "1 to 32")]
    [InlineData("--sequences", "63", "from 64")]
    [InlineData("--separate-rate", "0", "--separate-rate")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run("linear", option, value);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void DimensionBesideEigenvalues_IsRefused() => Assert.Contains("give one of them", Icl.Run("linear", "--dimension", "2", "--eigenvalues", "1", "2").Error, StringComparison.Ordinal);
}
