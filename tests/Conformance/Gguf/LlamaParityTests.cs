using MlNetIcl.Models;
using MlNetIcl.Models.Safetensors;
using static TorchSharp.torch;

namespace MlNetIcl.Conformance.Gguf;

/// <summary>Llama models in GGUF files against transformers on the same dequantised weights.</summary>
public sealed class LlamaParityTests
{
    private const double Tolerance = 1e-4;

    [SkippableTheory]
    [InlineData("spm-F32")]
    [InlineData("spm-F16")]
    [InlineData("spm-BF16")]
    [InlineData("spm-Q8_0")]
    [InlineData("spm-Q4_0")]
    [InlineData("spm-Q4_K_M")]
    [InlineData("gpt2-Q8_0")]
    [InlineData("smollm-F16")]
    public void Run_OfAFile_EqualsTransformers(string name)
    {
        using var model = LanguageModel.Load(GgufFixtures.Llama($"{name}.gguf"));
        using var expected = SafetensorsFile.Open(GgufFixtures.Llama($"expected-{name}.safetensors"));
        using var scope = NewDisposeScope();
        int layers = model.Config.Layers;
        var plan = new ForwardPlan().Capture(Site.Logits, new Site(SiteKind.FinalNormalized));
        for (int layer = 0; layer < layers; layer++) plan.Capture(Site.ResidPre(layer), Site.Pattern(layer));
        using var result = model.Run(Rows(expected.Read("tokens")), plan);

        Close(expected.Read("logits"), result[Site.Logits], "logits");
        for (int layer = 0; layer < layers; layer++)
        {
            Close(expected.Read($"attn.{layer}"), result[Site.Pattern(layer)], $"attention of layer {layer}");
            Close(expected.Read($"hidden.{layer}"), result[Site.ResidPre(layer)], $"hidden state before layer {layer}");
        }
        Close(expected.Read($"hidden.{layers}"), result[new Site(SiteKind.FinalNormalized)] * model.Weights.FinalNormWeight!, "last hidden state");
    }

    private static TokenBatch Rows(Tensor tokens) => new([.. Enumerable.Range(0, (int)tokens.shape[0]).Select(row => tokens[row].data<long>().Select(id => (int)id).ToArray())]);

    private static void Close(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        float error = ((expected - actual).abs() / expected.abs().clamp(min: 1)).max().item<float>();
        Assert.True(error <= Tolerance, $"{what}: off by {error}");
    }
}
