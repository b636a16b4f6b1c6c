using MlNetIcl.Models.Tests.HuggingFace;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Tests.Gguf;

/// <summary>Models whose weights are at hand as Hugging Face folders, too: whatever way they came in, they compute the same.</summary>
public class ArchitectureTests
{
    [Theory]
    [InlineData("llama", "llama")]
    [InlineData("qwen2", "qwen2")] // biases, tied
    [InlineData("qwen3", "qwen3")] // head norms, heads wider than d_model / heads
    public void Load_SameWeightsAsAFolder_GivesItsLogits(string fixture, string architecture)
    {
        using var copy = new GgufCopy(fixture, architecture);
        using LanguageModel folder = LanguageModel.Load(Fixtures.Path("families", fixture)), file = copy.Load();
        using Tensor expected = FamilyCopy.Logits(folder, fixture), logits = FamilyCopy.Logits(file, fixture);

        Assert.InRange(FamilyCopy.Difference(logits, expected), 0, 1e-6);
        Assert.Equal(folder.ParameterCount, file.ParameterCount);
        Assert.Equal(folder.Config.TiedUnembedding, ReferenceEquals(file.Weights.Embedding, file.Weights.Unembedding));
        Assert.Equal((architecture, "model", copy.Path), (file.Config.Family, file.Name, file.SourcePath));
        Assert.Equal(["model.gguf"], file.Files!.Names);
    }

    [Fact]
    public void Load_FileByAnotherName_IsKnownByItsContent()
    {
        using var copy = new GgufCopy("llama", "llama");
        copy.Writer.Save(copy.Path);
        string other = Path.ChangeExtension(copy.Path, ".bin");
        File.Move(copy.Path, other);
        using var model = LanguageModel.Load(other);

        Assert.Equal("model.bin", model.Name);
    }

    [Fact]
    public void Load_RopeFrequencyTensor_StandsForLlama3Scaling()
    {
        using var copy = new GgufCopy("llama_rope3", "llama");
        using LanguageModel folder = LanguageModel.Load(Fixtures.Path("families", "llama_rope3"));
        using var expected = FamilyCopy.Logits(folder, "llama_rope3");
        using var without = copy.Logits();
        var s = folder.Config.Rotary!.Scaling!;
        // As llama.cpp's converter writes it: what each frequency is divided by.
        float[] divisors = [.. Enumerable.Range(0, folder.Config.DHead / 2).Select(i =>
        {
            double wavelength = 2 * Math.PI * Math.Pow(folder.Config.Rotary.Base, 2.0 * i / folder.Config.DHead), smooth = ((s.OriginalContext / wavelength) - s.LowFrequencyFactor) / (s.HighFrequencyFactor - s.LowFrequencyFactor);
            return (float)(1 / (((1 - Math.Clamp(smooth, 0, 1)) / s.Factor) + Math.Clamp(smooth, 0, 1)));
        })];
        copy.Writer.Add("rope_freqs.weight", tensor(divisors));
        using var logits = copy.Logits();

        Assert.InRange(FamilyCopy.Difference(logits, expected), 0, 1e-4);
        Assert.InRange(FamilyCopy.Difference(without, expected), 1e-2, double.PositiveInfinity);
    }

    [Fact]
    public void Load_LinearScaling_StretchesPositions()
    {
        using var copy = new GgufCopy("llama", "llama").Set("llama.rope.scaling.type", "linear").Set("llama.rope.scaling.factor", 4f);
        using var model = copy.Load();
        using Tensor plain = tensor(new float[model.Config.DHead / 2]), stretched = copy.Logits();
        copy.Set("llama.rope.scaling.type", null).Set("llama.rope.scaling.factor", null);
        plain.fill_(4f);
        copy.Writer.Add("rope_freqs.weight", plain);
        using var expected = copy.Logits();

        Assert.InRange(FamilyCopy.Difference(stretched, expected), 0, 0);
        Assert.All(model.Config.Rotary!.FrequencyDivisors!, d => Assert.Equal(4, d));
    }

    [Fact]
    public void Load_AsBFloat16_KeepsTheWeightsSo()
    {
        using var copy = new GgufCopy("llama", "llama");
        using LanguageModel half = copy.Load(new LoadOptions { Precision = ScalarType.BFloat16 }), whole = copy.Load();

        foreach (var (value, expected) in half.Weights.Named().Zip(whole.Weights.Named()))
        {
            using var rounded = expected.Value.to(ScalarType.BFloat16);
            Assert.Equal(ScalarType.BFloat16, value.Value.dtype);
            Assert.True(rounded.equal(value.Value).all().item<bool>(), value.Name);
        }
    }

    [Theory]
    [InlineData("general.architecture", "gemma", "gemma")]
    [InlineData("general.type", "adapter", "adapter")]
    [InlineData("split.count", 3u, "one of 3 files")]
    [InlineData("llama.rope.scaling.type", "yarn", "rope.scaling.type is yarn")]
    [InlineData("llama.expert_count", 8u, "expert_count is 8")]
    [InlineData("llama.attention.causal", false, "attention.causal is false")]
    [InlineData("llama.attention.sliding_window", 8u, "sliding_window is 8")]
    [InlineData("llama.attention.value_length", 64u, "value_length is 64")]
    [InlineData("llama.rope.dimension_count", 4u, "dimension_count is 4")]
    [InlineData("llama.logit_scale", 0.5f, "logit_scale is 0.5")]
    public void Load_WhatIsNotSupported_IsRefusedByName(string key, object value, string words)
    {
        using var copy = new GgufCopy("llama", "llama").Set(key, value);

        Assert.Contains(words, Assert.Throws<UnsupportedModelException>(() => copy.Load()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("general.architecture", null, "no general.architecture")]
    [InlineData("llama.block_count", null, "no llama.block_count")]
    [InlineData("llama.block_count", 0u, "block_count is 0")]
    [InlineData("llama.block_count", 3000u, "block_count is 3000")]
    [InlineData("llama.block_count", 9u, "blk.2.attn_norm.weight")]
    [InlineData("llama.block_count", "2", "expected a whole number")]
    [InlineData("llama.embedding_length", 66u, "has shape")]
    [InlineData("llama.attention.head_count", 3u, "cannot share")]
    [InlineData("llama.attention.layer_norm_rms_epsilon", null, "layer_norm_rms_epsilon")]
    [InlineData("llama.attention.layer_norm_rms_epsilon", float.NaN, "finite")]
    [InlineData("llama.rope.freq_base", -1f, "positive")]
    [InlineData("llama.vocab_size", 7u, "vocab_size is 7")]
    [InlineData("general.alignment", 12u, "multiple of 8")]
    public void Load_MetadataThatAreWrong_SaysWhich(string key, object? value, string words)
    {
        using var copy = new GgufCopy("llama", "llama").Set(key, value);

        Assert.Contains(words, Assert.Throws<ModelFormatException>(() => copy.Load()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_TensorMissingOrTooMany_SaysWhich()
    {
        using GgufCopy missing = new("llama", "llama"), extra = new("llama", "llama");
        missing.Writer.Remove("blk.1.ffn_up.weight");
        extra.Writer.Add("blk.0.attn_sinks.weight", zeros(4));

        Assert.Contains("blk.1.ffn_up.weight", Assert.Throws<ModelFormatException>(() => missing.Load()).Message, StringComparison.Ordinal);
        Assert.Contains("blk.0.attn_sinks.weight", Assert.Throws<ModelFormatException>(() => extra.Load()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { 0f, 1, 1, 1 }, "not positive")]
    [InlineData(new[] { 1f, 1 }, "shape")]
    public void Load_WrongRopeFrequencies_IsRefused(float[] divisors, string words)
    {
        using var copy = new GgufCopy("llama", "llama");
        int half = LanguageModelHead(copy) / 2;
        float[] values = divisors.Length == 2 ? divisors : [.. divisors, .. Enumerable.Repeat(1f, half - divisors.Length)];
        copy.Writer.Add("rope_freqs.weight", tensor(values));

        Assert.Contains(words, Assert.Throws<ModelFormatException>(() => copy.Load()).Message, StringComparison.Ordinal);

        static int LanguageModelHead(GgufCopy copy)
        {
            using var model = copy.Load();
            return model.Config.DHead;
        }
    }
}
