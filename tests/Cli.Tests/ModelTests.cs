using System.Security.Cryptography;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

public class ModelTests
{
    private static readonly string Llama = Fixtures.Path("families", "llama");

    [Fact]
    public void Json_OfAFolder_TellsShapeHashesAndAbilities()
    {
        var root = Icl.Run("model", Llama, "--json").AssertDone().Json;

        Assert.Equal("llama", (string)root["family"]!);
        Assert.Equal("rotary", (string)root["config"]!["positions"]!);
        Assert.Equal(root["tensors"]!.AsArray().Sum(t => t!["shape"]!.AsArray().Aggregate(1L, (p, n) => p * (long)n!)), (long)root["parameters"]!);
        var weights = root["files"]!.AsArray().Single(f => (string)f!["name"]! == "model.safetensors")!;
        Assert.Equal(Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(Llama, "model.safetensors")))), (string)weights["sha256"]!, ignoreCase: true);
        Assert.Contains(root["abilities"]!.AsArray(), a => (string)a!["what"]! == "work on text" && !(bool)a["can"]!);
    }

    [Fact]
    public void Model_AsAnOption_IsTakenAsElsewhere()
    {
        Assert.Equal(Icl.Run("model", Llama).AssertDone().Output, Icl.Run("model", "--model", Llama).AssertDone().Output);
        var twice = Icl.Run("model", Llama, "-m", Llama);
        Assert.Equal((2, true), (twice.Code, twice.Error.Contains("Name the model once", StringComparison.Ordinal)));
    }

    [Fact]
    public void Text_OfAFolder_NamesFamilyParametersAndSitesItLacks()
    {
        string text = Icl.Run("model", Llama).AssertDone().Output;

        Assert.Contains("llama", text, StringComparison.Ordinal);
        Assert.Contains("sharing", text, StringComparison.Ordinal);
        Assert.Contains("hook_pos_embed: the model has no table of positions", text, StringComparison.Ordinal);
    }
}
