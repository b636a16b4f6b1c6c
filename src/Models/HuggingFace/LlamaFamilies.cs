using MlNetIcl.Models.Loading;
using static MlNetIcl.Models.HuggingFace.Families;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>Llama and those built like it: RMSNorm, rotation, gated MLP, grouped queries. They differ in biases, head norms, windows and default values.</summary>
internal static class LlamaFamilies
{
    public static Architecture ReadLlama(ConfigFile file)
    {
        bool attentionBias = file.Flag("attention_bias", false);
        var names = Names with { QueryKeyValueBias = attentionBias, OutputBias = attentionBias, MlpBias = file.Flag("mlp_bias", false) };
        return Read(file, names, new(Vocabulary: 32000, DMlp: 11008, Context: 2048));
    }

    public static Architecture ReadMistral(ConfigFile file)
    {
        int? window = file.Mentions("sliding_window") ? file.OptionalInteger("sliding_window", 1, LongestContext) : 4096;
        string everywhere = window is null ? "full_attention" : "sliding_attention"; // transformers takes no notice of layer_types here
        if (file.List("layer_types")?.Any(type => type.ToString() != everywhere) == true) throw file.Unsupported("layer_types", $"{everywhere} in every layer");
        return Read(file, Names, new(Vocabulary: 32000, DMlp: 14336, Context: 4096 * 32, KeyHeads: 8), window, firstWindowed: 0);
    }

    public static Architecture ReadQwen2(ConfigFile file) =>
        Read(file, Names with { QueryKeyValueBias = true }, Qwen, QwenWindow(file), file.OptionalInteger("max_window_layers", 0, int.MaxValue) ?? 28);

    public static Architecture ReadQwen3(ConfigFile file)
    {
        bool attentionBias = file.Flag("attention_bias", false);
        var names = Names with { QueryNorm = "self_attn.q_norm", KeyNorm = "self_attn.k_norm", QueryKeyValueBias = attentionBias, OutputBias = attentionBias };
        return Read(file, names, Qwen with { DHead = 128 }, QwenWindow(file), file.OptionalInteger("max_window_layers", 0, int.MaxValue) ?? 28);
    }

    /// <summary>What counts where the file is silent.</summary>
    private sealed record Defaults(int Vocabulary, int DMlp, int Context, int? KeyHeads = null, int? DHead = null);

    private static Defaults Qwen { get; } = new(Vocabulary: 151936, DMlp: 22016, Context: 32768, KeyHeads: 32);

    private static TensorNames Names { get; } = new()
    {
        Prefixes = ["model."],
        Embedding = "embed_tokens",
        Blocks = "layers",
        AttentionNorm = "input_layernorm",
        QueryKeyValue = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
        Output = "self_attn.o_proj",
        MlpNorm = "post_attention_layernorm",
        MlpIn = ["mlp.gate_proj", "mlp.up_proj"],
        MlpOut = "mlp.down_proj",
        FinalNorm = "norm",
        Buffers = RotarySettings.Buffers,
    };

    private static Architecture Read(ConfigFile file, TensorNames names, Defaults absent, int? window = null, int firstWindowed = int.MaxValue)
    {
        int width = file.Size("hidden_size", 4096, WidestModel), heads = file.Size("num_attention_heads", 32, MostHeads), layers = file.Size("num_hidden_layers", 32, MostLayers);
        int headWidth = file.OptionalInteger("head_dim", 1, WidestModel)
            ?? (file.Mentions("head_dim") ? null : absent.DHead) ?? HeadWidth(file, width, heads);
        int context = file.Size("max_position_embeddings", absent.Context, LongestContext);
        var config = new DecoderConfig
        {
            Layers = layers,
            DModel = width,
            Heads = heads,
            KeyHeads = file.OptionalInteger("num_key_value_heads", 1, MostHeads) ?? (file.Mentions("num_key_value_heads") ? null : absent.KeyHeads) ?? heads,
            DHead = headWidth,
            DMlp = file.Size("intermediate_size", absent.DMlp, WidestMlp),
            Vocabulary = file.Size("vocab_size", absent.Vocabulary, LargestVocabulary),
            Context = context,
            Positions = PositionEncoding.Rotary,
            Rotary = RotarySettings.Read(file, headWidth, context),
            Norm = NormKind.RmsNorm,
            NormEpsilon = file.Positive("rms_norm_eps", 1e-6),
            QueryKeyNorm = names.QueryNorm is not null,
            Windows = Windows(file, layers, window, firstWindowed),
            Activation = file.Activation("hidden_act", "silu"),
            GatedMlp = true,
            TiedUnembedding = file.Flag("tie_word_embeddings", false),
        };
        return new(config, names);
    }

    private static int? QwenWindow(ConfigFile file)
    {
        if (!file.Flag("use_sliding_window", false)) return null;
        return file.Mentions("sliding_window") ? file.OptionalInteger("sliding_window", 1, LongestContext) : 4096;
    }

    /// <summary>The window of each layer; <c>layer_types</c>, where there is one, says which layers have it.</summary>
    private static int[] Windows(ConfigFile file, int layers, int? window, int firstWindowed)
    {
        if (file.List("layer_types") is not { } types)
            return window is null || firstWindowed >= layers ? [] : [.. Enumerable.Range(0, layers).Select(layer => layer >= firstWindowed ? window.Value : 0)];
        if (types.Count != layers) throw file.Inconsistent($"layer_types has {types.Count} entries, but the model has {layers} layers.");
        return [.. types.Select(type => type.ToString() switch
        {
            "full_attention" => 0,
            "sliding_attention" => window ?? throw file.Inconsistent("layer_types asks for sliding attention, but no sliding window is in use."),
            _ => throw file.Unsupported("layer_types", "full_attention, sliding_attention"),
        })];
    }
}
