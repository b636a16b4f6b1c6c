using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

public class RegressionTests
{
    private static readonly string[] Small = ["--dimension", "2", "--demonstrations", "4", "--layers", "1", "--width", "8", "--steps", "4", "--tasks", "40", "--trainer-tasks", "2", "--baseline-tasks", "200", "--baseline-dimension", "3", "--shots", "2", "6"];

    [Fact]
    public void Json_SameSeed_IsTheSameAndHasEveryLearner()
    {
        string[] args = ["regression", .. Small, "--seed", "4", "--json", "-"];
        var run = Icl.Run(args).AssertDone();
        var sets = run.Json["sets"]!.AsArray();

        Assert.Equal(run.Output, Icl.Run(args).Output);
        Assert.Equal(["in-context model", "least squares", "ridge", "averaging", "3 nearest", "ML.NET Sdca", "ML.NET OnlineGD", "ML.NET FastTree"], sets[0]!["learners"]!.AsArray().Select(l => (string)l!["learner"]!));
        Assert.Equal(15, sets.Count);
        Assert.Equal(2 * 4 * 2, run.Json["baselines"]!.AsArray().Count);
        Assert.Equal(2.0 / 3, 1 - (double)run.Json["baselines"]![0]!["expected"]!, 9); // least squares, 2 of 3 directions known
        Assert.Equal(2, (int)run.Json["model"]!["dimension"]!);
    }

    [Fact]
    public void SavedRegressorAndCheckpoint_GiveTheSameComparison()
    {
        using var scratch = new Scratch();
        string model = scratch.At("r.safetensors");
        string[] all = ["--trainer-tasks", "0", "--tasks", "40", "--baseline-tasks", "200", "--baseline-dimension", "3", "--shots", "2", "--json", "-"];
        var trained = Icl.Run(["regression", "--dimension", "2", "--demonstrations", "4", "--layers", "1", "--width", "8", "--steps", "4", "--save", model, "--checkpoint", scratch.At("c"), .. all]).AssertDone();
        var loaded = Icl.Run(["regression", "--regressor", model, .. all]).AssertDone();

        Assert.Equal(trained.Json["sets"]!.ToJsonString(), loaded.Json["sets"]!.ToJsonString());
    }

    [Fact]
    public void Table_Fits80Columns()
    {
        using var scratch = new Scratch();
        var run = Icl.Run(["regression", .. Small, "--html", scratch.At("r.html")]).AssertDone();

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("Out of distribution", File.ReadAllText(scratch.At("r.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void BaselinesOnly_OtherDimensions_TrainsNothing()
    {
        var run = Icl.Run("regression", "--baselines-only", "--baseline-dimension", "4", "--shots", "4", "8", "--baseline-tasks", "300", "--json", "-").AssertDone();

        Assert.Null(run.Json["model"]);
        Assert.True((double)run.Json["baselines"]![0]!["error"]!["value"]! < 1e-6); // least squares, as many as dimensions
    }

    [Theory]
    [InlineData("--width", "10", "multiple of 4")]
    [InlineData("--steps", "0", "at least 1")]
    [InlineData("--shots", "5 5", "ascending")]
    [InlineData("--regressor", "nowhere.safetensors", "nowhere.safetensors")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run(["regression", option, .. value.Split(' ')]);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void BaselinesOnly_WithAModelsOption_IsRefused() => Assert.Contains("--steps has no meaning", Icl.Run("regression", "--baselines-only", "--steps", "5").Error, StringComparison.Ordinal);
}
