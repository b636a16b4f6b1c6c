using System.Text.Json.Nodes;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

/// <summary>Every command takes a GGUF file as it takes a folder.</summary>
public class GgufTests
{
    private static readonly string Model = Fixtures.Path("gguf", "llama", "smollm-F16.gguf");

    [Fact]
    public void Model_OfAFile_ShowsItAndItsFile()
    {
        var shown = JsonNode.Parse(Icl.Run("model", Model, "--json").AssertDone().Output)!;

        Assert.Equal(("smollm-F16", "llama", true, true), ((string)shown["name"]!, (string)shown["family"]!, (bool)shown["tokenizer"]!["present"]!, (bool)shown["tokenizer"]!["chat_template"]!));
        Assert.Equal("smollm-F16.gguf", (string)shown["files"]![0]!["name"]!);
    }

    [Fact]
    public void Forward_OfAFile_WritesTheReferencesLogits()
    {
        using var scratch = new Scratch();
        using var expected = SafetensorsFile.Open(Fixtures.Path("gguf", "llama", "expected-smollm-F16.safetensors"));
        using var scope = TorchSharp.torch.NewDisposeScope();
        var tokens = expected.Read("tokens");
        File.WriteAllText(scratch.At("rows.json"), "[" + string.Join(',', Enumerable.Range(0, 2).Select(row => "[" + string.Join(',', tokens[row].data<long>()) + "]")) + "]");

        Icl.Run("forward", "--model", Model, "--tokens", scratch.At("rows.json"), "--capture", "logits", "--out", scratch.At("out.safetensors")).AssertDone();

        using var written = SafetensorsFile.Open(scratch.At("out.safetensors"));
        Assert.InRange((written.Read("logits") - expected.Read("logits")).abs().max().item<float>(), 0, 1e-3);
    }

    [Fact]
    public void Heads_OfAFile_AreScored()
    {
        var heads = JsonNode.Parse(Icl.Run("heads", "--model", Model, "--sequences", "16", "--period", "8", "--json", "-").AssertDone().Output)!;

        Assert.Equal(8, heads["heads"]!.AsArray().Count);
    }

    [Fact]
    public void Tokenize_OfAFile_GivesTheReferencesIds()
    {
        var cases = JsonNode.Parse(File.ReadAllText(Fixtures.Path("gguf", "llama", "tokenizer-cases.json")))!["smollm"]!.AsArray();
        string[] lines = [.. cases.Select(c => new JsonObject { ["text"] = (string)c!["text"]! }.ToJsonString())];
        using var scratch = new Scratch();
        File.WriteAllLines(scratch.At("texts.jsonl"), lines);

        var run = Icl.Run("tokenize", "--model", Model, "--jsonl", scratch.At("texts.jsonl")).AssertDone();

        Assert.Equal(cases.Select(c => c!["ids"]!.ToJsonString()), run.Lines.Where(l => l.Length > 0).Select(line => JsonNode.Parse(line)!["ids_plain"]!.ToJsonString()));
    }

    [Theory]
    [InlineData("Q4_K")]
    [InlineData("F16")]
    public void ModelExport_OfAFileWithoutAModel_WritesItsTensors(string type)
    {
        using var scratch = new Scratch();
        string source = Fixtures.Path("gguf", "types", type + ".gguf"), target = scratch.At("out.safetensors");

        Icl.Run("model", source).AssertRefused("general.architecture", "none");
        var run = Icl.Run("model", source, "--export", target).AssertDone();

        Assert.Contains("tensors", run.Error, StringComparison.Ordinal);
        AssertExported(target);
    }

    // Narrower vectors and none at all must give the same bits; which are used is decided when a process starts.
    [Theory]
    [InlineData("DOTNET_EnableAVX512", "DOTNET_EnableAVX512F")] // .NET 10's name and the older one
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public void ModelExport_WithNarrowerVectors_WritesTheSameBits(params string[] features)
    {
        using var scratch = new Scratch();
        foreach (string source in Directory.GetFiles(Fixtures.Path("gguf", "types"), "*_K.gguf").Append(Fixtures.Path("gguf", "types", "F16.gguf")).Append(Fixtures.Path("gguf", "types", "Q5_1.gguf")))
        {
            string target = scratch.At(Path.GetFileName(source) + ".safetensors");
            using var process = Icl.StartWith(features.Select(feature => (feature, "0")), "model", source, "--export", target);
            Assert.Equal(0, Icl.Finish(process).Code);
            AssertExported(target);
        }
    }

    [Fact]
    public void ModelExport_TargetOrSourceThatIsWrong_IsRefused()
    {
        using var scratch = new Scratch();
        string copy = scratch.At("copy.gguf"), target = scratch.At("out.safetensors");
        File.Copy(Fixtures.Path("gguf", "types", "Q8_0.gguf"), copy);

        Icl.Run("model", copy, "--export", copy).AssertRefused("cannot write over");
        Icl.Run("model", copy, "--export", scratch.At("no/such/out")).AssertRefused("does not exist");
        Icl.Run("model", copy, "--export", "-").AssertRefused("needs a file");
        Icl.Run("model", "--export", target).AssertRefused("none is named");
        Icl.Run("model", Fixtures.Path("families", "gpt2"), "--export", target).AssertRefused("is a folder");
        Icl.Run("model", Fixtures.Path("gguf", "bad", "truncated-data.gguf"), "--export", target).AssertRefused("truncated");
        Assert.Equal(["copy.gguf"], scratch.Names);
    }

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void AnyCommand_OnABadFile_EndsWithOneLine(string name)
    {
        string file = Fixtures.Path("gguf", "bad", name);
        using var scratch = new Scratch();

        Icl.Run("model", file).AssertRefused(name == "dotdot-name.gguf" ? "escape" : name);
        Icl.Run("heads", "--model", file, "--json", scratch.At("out.json")).AssertRefused();
        Assert.Empty(scratch.Names);
    }

    public static TheoryData<string> BadFiles => [.. Directory.GetFiles(Fixtures.Path("gguf", "bad"), "*.gguf").Select(file => Path.GetFileName(file)!).Where(name => name != "ok.gguf")];

    private static void AssertExported(string target)
    {
        using SafetensorsFile written = SafetensorsFile.Open(target), expected = SafetensorsFile.Open(Fixtures.Path("gguf", "types", "expected.safetensors"));
        using var scope = TorchSharp.torch.NewDisposeScope();
        Assert.NotEmpty(written.Tensors);
        Assert.All(written.Tensors.Keys, name => Assert.True(written.Read(name).bytes.SequenceEqual(expected.Read(name).bytes), name));
    }
}
