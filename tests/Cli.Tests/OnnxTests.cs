using System.Text.Json;
using MlNetIcl.Models;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Cli.Tests;

/// <summary>The commands on ONNX files.</summary>
public sealed class OnnxTests : IDisposable
{
    private static readonly string Past = Fixtures.Path("onnx", "gpt2-past.onnx");

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Forward_OfAGraph_MatchesTheReference()
    {
        using var expected = SafetensorsFile.Open(Fixtures.Path("onnx", "expected-gpt2-past.safetensors"));
        using var scope = NewDisposeScope();
        long[] ids = [.. expected.Read("tokens").to_type(ScalarType.Int64).data<long>()];
        string rows = _scratch.Write("rows.json", JsonSerializer.Serialize(ids.Chunk(ids.Length / 2))), target = _scratch.At("out.safetensors");
        Icl.Run("forward", "--model", Past, "--tokens", rows, "--capture", "logits,blocks.*.attn.hook_pattern", "--out", target).AssertDone();
        using var actual = SafetensorsFile.Open(target);
        foreach (var (site, reference) in ((string, string)[])[("logits", "logits"), ("blocks.0.attn.hook_pattern", "attn.0"), ("blocks.1.attn.hook_pattern", "attn.1")])
            Assert.True((actual.Read(site) - expected.Read(reference)).abs().max().item<float>() < 1e-4f, site);
        Icl.Run("forward", "--model", Past, "--tokens", rows, "--capture", "blocks.1.hook_resid_pre", "--out", target).AssertRefused("blocks.1.hook_resid_pre", "graph");
    }

    [Fact]
    public void Model_OfAGraph_NamesItsAttention()
    {
        var json = Icl.Run("model", "--json", Past).AssertDone().Json;
        Assert.Equal("'/model/transformer/h.1/attn/Softmax' (Softmax)", (string)json["attention"]![1]!["node"]!);
        Assert.Equal(48, (int)json["config"]!["context"]!);
        Assert.Contains("Attention of layer 0", Icl.Run("model", Past).AssertDone().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Heads_Patch_Ablate_OfAGraph_GiveNumbers()
    {
        string rows = _scratch.Write("rows.json", "[[3,4,5,6,7,3,4,5,6,7],[13,14,15,16,17,13,14,15,16,17]]");
        var heads = Icl.Run("heads", "--model", Past, "--tokens", rows, "--json", "-").AssertDone().Json;
        Assert.Equal(8, heads["heads"]!.AsArray().Count);
        var ablated = Icl.Run("ablate", "--model", Past, "--tokens", rows, "--kind", "zero", "--json", "-").AssertDone().Json;
        Assert.Equal(8, ablated["effects"]!.AsArray().Count);
        Assert.Contains(ablated["effects"]!.AsArray(), effect => Math.Abs((double)effect!["value"]!) > 0.01);
        string pair = _scratch.Write("pair.json", """{"clean":[1,58,75],"corrupted":[1,58,11],"answer":51,"foil":5}""");
        var patched = Icl.Run("patch", "--model", Past, "--pair", pair, "--site", "pattern", "--json", "-").AssertDone().Json;
        Assert.Equal(8, patched["effects"]!.AsArray().Count);
        Icl.Run("patch", "--model", Past, "--pair", pair, "--site", "resid_pre", "--json", "-").AssertRefused("hook_resid_pre");
        Icl.Run("heads", "--model", Past, "--precision", "bfloat16").AssertRefused("ONNX");
    }

    [Fact]
    public void Expose_OfAGraph_WritesAFileAndSaysWhatItFound()
    {
        string target = _scratch.At("exposed.onnx");
        var json = Icl.Run("onnx", "expose", Past, target, "--json").AssertDone().Json;
        Assert.Equal("/model/transformer/h.0/attn/Softmax_output_0", (string)json["attention"]![0]!["output"]!);
        using var model = LanguageModel.Load(target); // it is a model still
        Assert.Equal(2, model.Config.Layers);
        Assert.Contains("Softmax", Icl.Run("onnx", "expose", Past, target).AssertDone().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Expose_WithoutAttentionOrFile_IsRefused()
    {
        Icl.Run("onnx", "expose", Fixtures.Path("onnx", "mlp.onnx"), _scratch.At("out.onnx")).AssertRefused("mlp.onnx", "no attention");
        Icl.Run("onnx", "expose", _scratch.At("none.onnx"), _scratch.At("out.onnx")).AssertRefused("none.onnx");
        Icl.Run("heads", "--model", _scratch.Write("bad.onnx", "no model")).AssertRefused("bad.onnx", "damaged");
        Assert.Equal(["bad.onnx"], _scratch.Names);
    }
}
