using MlNetIcl.Models.Gguf;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Models.Tests.HuggingFace;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Tests.Gguf;

/// <summary>A fixture model of the Hugging Face kind moved into a GGUF file as llama.cpp's converter does it; tests change it before it is saved.</summary>
internal sealed class GgufCopy : IDisposable
{
    private static readonly (string Folder, string File)[] BlockNames =
    [
        ("input_layernorm.weight", "attn_norm.weight"), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"),
        ("post_attention_layernorm", "ffn_norm"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ];

    private readonly TemporaryFolder _folder = new();
    private readonly string _fixture;

    /// <param name="fixture">The folder below <c>families</c>.</param>
    /// <param name="architecture">llama, qwen2 or qwen3.</param>
    public GgufCopy(string fixture, string architecture)
    {
        _fixture = fixture;
        using var model = LanguageModel.Load(Fixtures.Path("families", fixture));
        var c = model.Config;
        Writer.Set("general.architecture", architecture)
            .Set(architecture + ".block_count", (uint)c.Layers).Set(architecture + ".context_length", (uint)c.Context).Set(architecture + ".embedding_length", (uint)c.DModel)
            .Set(architecture + ".feed_forward_length", (uint)c.DMlp).Set(architecture + ".attention.head_count", (uint)c.Heads).Set(architecture + ".attention.head_count_kv", (uint)c.KeyHeads)
            .Set(architecture + ".attention.key_length", (uint)c.DHead).Set(architecture + ".attention.value_length", (uint)c.DHead)
            .Set(architecture + ".attention.layer_norm_rms_epsilon", (float)c.NormEpsilon).Set(architecture + ".rope.freq_base", (float)c.Rotary!.Base);
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(Fixtures.Path("families", fixture, "model.safetensors"));
        foreach (string name in file.Tensors.Keys)
        {
            var value = file.Read(name);
            if (architecture == "llama" && name.Contains("q_proj", StringComparison.Ordinal)) value = GgufWriter.Interleave(value, c.Heads);
            if (architecture == "llama" && name.Contains("k_proj", StringComparison.Ordinal)) value = GgufWriter.Interleave(value, c.KeyHeads);
            Writer.Add(Rename(name), value);
        }
    }

    /// <summary>What will be saved.</summary>
    public GgufWriter Writer { get; } = new();

    public string Path => _folder.File("model.gguf");

    public GgufCopy Set(string key, object? value)
    {
        Writer.Set(key, value);
        return this;
    }

    public LanguageModel Load(LoadOptions? options = null)
    {
        Writer.Save(Path);
        return LanguageModel.Load(Path, options);
    }

    public GgufFile Open()
    {
        Writer.Save(Path);
        return GgufFile.Open(Path);
    }

    /// <summary>The logits for the fixture's tokens.</summary>
    public Tensor Logits()
    {
        using var model = Load();
        return FamilyCopy.Logits(model, _fixture);
    }

    public void Dispose() => _folder.Dispose();

    private static string Rename(string name)
    {
        name = name.Replace("model.", "", StringComparison.Ordinal);
        if (!name.StartsWith("layers.", StringComparison.Ordinal))
            return name.Replace("embed_tokens", "token_embd", StringComparison.Ordinal).Replace("lm_head", "output", StringComparison.Ordinal).Replace("norm.weight", "output_norm.weight", StringComparison.Ordinal);
        name = "blk" + name["layers".Length..];
        return BlockNames.Aggregate(name, (n, pair) => n.Replace(pair.Folder, pair.File, StringComparison.Ordinal));
    }
}
