using System.Buffers.Binary;
using MlNetIcl.Models.Gguf;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Tests.Gguf;

/// <summary>Models of the format's many forms, written from decoders that are at hand: each must compute what its decoder does.</summary>
public sealed class GgufVariantTests : IDisposable
{
    private static readonly DecoderConfig Config = new()
    {
        Layers = 2,
        DModel = 24,
        Heads = 4,
        KeyHeads = 2,
        DHead = 10, // no quarter of d_model
        DMlp = 32,
        Vocabulary = 29,
        Context = 40,
        Positions = PositionEncoding.Rotary,
        Rotary = new RotaryConfig(10),
        Norm = NormKind.RmsNorm,
        Activation = ActivationKind.Silu,
        GatedMlp = true,
    };

    private readonly TemporaryFolder _folder = new();

    private string File => _folder.File("m.gguf");

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, bool, bool> Architectures => new()
    {
        { "llama", false, false }, { "llama", true, false }, { "llama", false, true }, { "qwen2", true, true }, { "qwen2", true, false }, { "qwen3", false, true }, { "qwen3", false, false },
    };

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Load_EveryArchitecture_ComputesWhatItsDecoderDoes(string architecture, bool biases, bool tied)
    {
        using var decoder = Decoder(Config with { TiedUnembedding = tied, QueryKeyNorm = architecture == "qwen3" }, biases);
        Write(decoder, architecture).Save(File);

        AssertSame(decoder, 1e-5);
    }

    [Theory]
    [InlineData(2u, 32u)]
    [InlineData(3u, 8u)]
    [InlineData(3u, 64u)]
    [InlineData(2u, 4096u)]
    public void Load_EveryVersionAndAlignment_ComputesTheSame(uint version, uint alignment)
    {
        using var decoder = Decoder(Config);
        var writer = Write(decoder, "llama").Set("general.alignment", alignment);
        writer.Version = version;
        writer.Save(File);

        AssertSame(decoder, 1e-5);
        using var file = GgufFile.Open(File);
        Assert.Equal((int)version, file.Version);
        Assert.All(file.Tensors.Values, tensor => Assert.Equal(0, tensor.Start % alignment));
    }

    [Fact]
    public void Load_TensorsOfManyTypes_RoundsEachAsItsTypeDoes()
    {
        using var decoder = Decoder(Config with { DModel = 32 });
        var writer = Write(decoder, "llama");
        ScalarType[] types = [ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32];
        // Norms too, which converters keep in float32.
        foreach (var (name, i) in writer.Names.Order(StringComparer.Ordinal).Select((name, i) => (name, i))) writer.Retype(name, types[i % 3]);
        writer.Add("token_embd.weight", 8, Q8(decoder.Weights.Embedding), 29, 32).Save(File);
        using var file = GgufFile.Open(File);
        Assert.Equal(["BF16", "F16", "F32", "Q8_0"], file.Tensors.Values.Select(t => t.Type).Distinct().Order(StringComparer.Ordinal));
        using var model = LanguageModel.Load(File);
        foreach (var ((name, expected), (_, actual)) in decoder.Weights.Named().Zip(model.Weights.Named()))
        {
            double most = expected.abs().max().item<float>();
            Assert.InRange((expected - actual).abs().max().item<float>(), 0, most / (name == "embed.weight" ? 250 : 256)); // half a step of bfloat16, or of eight bits
        }
    }

    [Fact]
    public void Load_WhatIsOptionalLeftOut_TakesTheFormatsDefaults()
    {
        using var decoder = Decoder(Config with { KeyHeads = 4, DHead = 6, Rotary = new RotaryConfig(6) });
        var writer = Write(decoder, "llama");
        foreach (string key in new[] { "attention.head_count_kv", "attention.key_length", "attention.value_length", "rope.freq_base", "rope.dimension_count", "vocab_size" }) writer.Set("llama." + key, null);
        writer.Save(File);

        AssertSame(decoder, 1e-5);
    }

    [Fact]
    public void Load_SizesPerLayer_AreTakenWhereAllAreAlike()
    {
        using var decoder = Decoder(Config);
        Write(decoder, "llama").Set("llama.attention.head_count", new uint[] { 4, 4 }).Set("llama.attention.head_count_kv", new[] { 2, 2 }).Set("llama.feed_forward_length", new uint[] { 32, 32 }).Save(File);
        AssertSame(decoder, 1e-5);

        Write(decoder, "llama").Set("llama.attention.head_count_kv", new[] { 2, 1 }).Save(File);
        Assert.Contains("head_count_kv is 2, 1", Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(File)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(0.25f)]
    public void Load_AttentionScale_IsHonoured(float scale)
    {
        using var decoder = Decoder(Config with { AttentionScale = scale });
        Write(decoder, "llama").Set("llama.attention.scale", scale).Save(File);

        AssertSame(decoder, 1e-5);
    }

    [Theory]
    [InlineData("logit_scale", 1f)]
    [InlineData("residual_scale", 0f)]
    [InlineData("attention.scale", 0f)]
    [InlineData("rope.scale_linear", 0f)]
    [InlineData("rope.scaling.factor", 0f)]
    [InlineData("attention.clamp_kqv", 0f)]
    public void Load_OptionThatIsOff_ChangesNothing(string name, float value)
    {
        using var decoder = Decoder(Config);
        Write(decoder, "llama").Set("llama." + name, value).Save(File);

        AssertSame(decoder, 1e-5);
    }

    [Theory]
    [InlineData("attention.clamp_kqv")]
    [InlineData("attention.max_alibi_bias")]
    [InlineData("attn_logit_softcapping")]
    [InlineData("final_logit_softcapping")]
    public void Load_BoundOfOne_IsRefused(string name)
    {
        using var decoder = Decoder(Config);
        Write(decoder, "llama").Set("llama." + name, 1f).Save(File);

        Assert.Contains($"llama.{name} is 1", Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(File)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_FrequencyDivisorsOfALayer_AreRefused()
    {
        using var decoder = Decoder(Config);
        Write(decoder, "llama").Add("blk.0.rope_freqs.weight", ones(5)).Save(File);

        Assert.Contains("blk.0.rope_freqs.weight", Assert.Throws<ModelFormatException>(() => LanguageModel.Load(File)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(uint.MaxValue, null)]
    [InlineData(-1, null)]
    [InlineData(28u, 28)]
    [InlineData(29u, null)]
    public void Load_TokenIds_AreNoneWhereTheVocabularyLacksThem(object id, int? expected)
    {
        using var decoder = Decoder(Config);
        Write(decoder, "llama").Set("tokenizer.ggml.bos_token_id", id).Save(File);
        using var model = LanguageModel.Load(File);

        Assert.Equal(expected, model.Config.BosTokenId);
    }

    [Fact]
    public void Load_SentencePieceWithoutIds_HasItsUsualOnes()
    {
        using var decoder = Decoder(Config);
        Write(decoder, "llama").Set("tokenizer.ggml.model", "llama").Set("tokenizer.ggml.tokens", new[] { "<unk>", "<s>", "</s>", "a" })
            .Set("tokenizer.ggml.scores", new float[4]).Set("tokenizer.ggml.token_type", new[] { 2, 3, 3, 1 }).Save(File);
        using var model = LanguageModel.Load(File);

        Assert.Equal((1, 2, 1), (model.Config.BosTokenId, model.Config.EosTokenId, model.Tokenizer!.BosTokenId));
    }

    [Theory]
    [InlineData(2u)]
    [InlineData(3u)]
    public void Open_OfTheOtherByteOrder_SaysSo(uint version)
    {
        using var decoder = Decoder(Config);
        var writer = Write(decoder, "llama");
        writer.Version = BinaryPrimitives.ReverseEndianness(version);
        writer.Save(File);

        Assert.Contains("big-endian", Assert.Throws<UnsupportedModelException>(() => GgufFile.Open(File)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(16u, "IQ2_XXS", 66)]
    [InlineData(29u, "IQ1_M", 56)]
    [InlineData(34u, "TQ1_0", 54)]
    [InlineData(9u, "Q8_1", 288)]
    [InlineData(39u, "MXFP4", 136)]
    [InlineData(40u, "NVFP4", 144)]
    [InlineData(28u, "F64", 2048)]
    [InlineData(4u, "Q4_2", 144)]
    [InlineData(31u, "Q4_0_4_4", 144)]
    [InlineData(42u, "Q2_0", 144)]
    public void Load_TensorOfATypeThatIsNotRead_NamesTensorAndType(uint type, string name, int bytes)
    {
        using var decoder = Decoder(Config with { DModel = 256 });
        Write(decoder, "llama").Add("output_norm.weight", type, new byte[bytes], 256).Save(File);

        string message = Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(File)).Message;
        Assert.Contains("'output_norm.weight' has type " + name, message, StringComparison.Ordinal);
        Assert.Contains("Supported are F32", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Export_EmptyAndScalarTensors_KeepTheirShapes()
    {
        new GgufWriter().Set("general.architecture", "none").Add("empty", 0, [], 0, 4).Add("scalar", 0, BitConverter.GetBytes(2.5f)).Add("half", tensor(new[] { 1f, -2f, .5f }), ScalarType.Float16).Save(File);
        using (var file = GgufFile.Open(File)) file.ExportSafetensors(_folder.File("out.safetensors"));
        using var written = SafetensorsFile.Open(_folder.File("out.safetensors"));
        using Tensor scalar = written.Read("scalar"), half = written.Read("half");

        Assert.Equal([0L, 4], written.Tensors["empty"].Shape);
        Assert.Equal(2.5f, scalar.item<float>());
        Assert.Equal([1f, -2f, .5f], half.data<float>());
    }

    [Fact]
    public void Load_PartOfASplitModel_SaysHowToMerge()
    {
        // The later parts say nothing else of the model.
        new GgufWriter().Set("split.no", 1u).Set("split.count", 2u).Set("split.tensors.count", 9).Add("blk.1.attn_norm.weight", ones(4)).Save(File);

        Assert.Contains("one of 2 files", Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(File)).Message, StringComparison.Ordinal);
    }

    private static LanguageModel Decoder(DecoderConfig config, bool biases = false)
    {
        var model = RandomModels.Create(config, biases: biases);
        // The format's architectures have biases of queries, keys and values alone.
        model.Weights.UnembeddingBias = null;
        foreach (var block in model.Weights.Blocks) (block.OutputBias, block.MlpInBias, block.MlpOutBias) = (null, null, null);
        return model;
    }

    private void AssertSame(LanguageModel decoder, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var model = LanguageModel.Load(File);
        var rows = RandomModels.Tokens(decoder.Config, 3, 31, 17);
        Site[] sites = [Site.Pattern(0), Site.Pattern(1), Site.Logits];
        using ForwardResult expected = decoder.Run(rows, new ForwardPlan().Capture(sites)), actual = model.Run(rows, new ForwardPlan().Capture(sites));
        foreach (var site in sites)
        {
            var most = expected[site][0].abs().max().item<float>();
            Assert.InRange((expected[site][0] - actual[site][0]).abs().max().item<float>(), 0, tolerance * Math.Max(1, most));
        }
    }

    /// <summary>Eight bits around zero with a scale for 32 values, which is a row here.</summary>
    private static byte[] Q8(Tensor matrix)
    {
        float[] values = matrix.data<float>().ToArray();
        var bytes = new MemoryStream();
        foreach (float[] row in values.Chunk(32))
        {
            var scale = (Half)(row.Max(Math.Abs) / 127);
            bytes.Write(BitConverter.GetBytes(scale));
            foreach (float value in row) bytes.WriteByte((byte)(sbyte)Math.Clamp(MathF.Round(value / (float)scale), -127, 127));
        }
        return bytes.ToArray();
    }

    /// <summary>A decoder in the names and the order of rows that llama.cpp's converter gives.</summary>
    private static GgufWriter Write(LanguageModel model, string architecture)
    {
        using var scope = NewDisposeScope();
        var (c, w) = (model.Config, model.Weights);
        var writer = new GgufWriter();
        void Set(string key, object value) => writer.Set($"{architecture}.{key}", value);
        writer.Set("general.architecture", architecture);
        Set("block_count", (uint)c.Layers);
        Set("context_length", (uint)c.Context);
        Set("embedding_length", (uint)c.DModel);
        Set("feed_forward_length", (uint)c.DMlp);
        Set("attention.head_count", (byte)c.Heads); // any width of whole number will do
        Set("attention.head_count_kv", (ulong)c.KeyHeads);
        Set("attention.key_length", (uint)c.DHead);
        Set("attention.value_length", (uint)c.DHead);
        Set("attention.layer_norm_rms_epsilon", (float)c.NormEpsilon);
        Set("rope.freq_base", (float)c.Rotary!.Base);
        writer.Add("token_embd.weight", w.Embedding).Add("output_norm.weight", w.FinalNormWeight!);
        if (!c.TiedUnembedding) writer.Add("output.weight", w.Unembedding);
        int q = c.Heads * c.DHead, k = c.KeyHeads * c.DHead;
        Tensor Order(Tensor rows, int heads) => architecture == "llama" ? GgufWriter.Interleave(rows, heads) : rows;
        for (int layer = 0; layer < c.Layers; layer++)
        {
            var b = w.Blocks[layer];
            void Add(string name, Tensor? value)
            {
                if (value is not null) writer.Add($"blk.{layer}.{name}", value);
            }
            foreach (var (kind, fused) in new[] { ("weight", b.QueryKeyValue), ("bias", b.QueryKeyValueBias) })
            {
                if (fused is null) continue;
                Add("attn_q." + kind, Order(fused.narrow(0, 0, q), c.Heads));
                Add("attn_k." + kind, Order(fused.narrow(0, q, k), c.KeyHeads));
                Add("attn_v." + kind, fused.narrow(0, q + k, k));
            }
            Add("attn_norm.weight", b.AttentionNormWeight);
            Add("attn_q_norm.weight", b.QueryNormWeight);
            Add("attn_k_norm.weight", b.KeyNormWeight);
            Add("attn_output.weight", b.Output);
            Add("ffn_norm.weight", b.MlpNormWeight);
            Add("ffn_gate.weight", b.MlpIn!.narrow(0, 0, c.DMlp));
            Add("ffn_up.weight", b.MlpIn!.narrow(0, c.DMlp, c.DMlp));
            Add("ffn_down.weight", b.MlpOut);
        }
        return writer;
    }
}
