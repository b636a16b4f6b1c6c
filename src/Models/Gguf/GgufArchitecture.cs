using MlNetIcl.Models.Loading;
using static MlNetIcl.Models.HuggingFace.Families;

namespace MlNetIcl.Models.Gguf;

/// <summary>Turns a file's metadata into a decoder's configuration and names for its tensors. What would change the computation and is not supported is refused.</summary>
internal sealed class GgufArchitecture
{
    private const string Supported = "llama, qwen2, qwen3";

    private readonly GgufFile _file;
    private readonly string _family;

    private GgufArchitecture(GgufFile file, string family) => (_file, _family) = (file, family);

    private GgufMetadata Metadata => _file.Metadata;

    /// <exception cref="ModelFormatException">A value is missing, out of range or contradicts another.</exception>
    /// <exception cref="UnsupportedModelException">The architecture, or an option of it, is not supported.</exception>
    public static Architecture Read(GgufFile file)
    {
        if (file.Metadata.Text("general.type") is { } type and not "model") throw new UnsupportedModelException($"'{file.Path}': general.type is {GgufMetadata.Show(type)}. Supported is model.");
        if (file.Metadata.Integer("split.count", 0, int.MaxValue) is > 1 and var parts)
            throw new UnsupportedModelException($"'{file.Path}' is one of {parts} files of a model. Merge them first, for instance with llama.cpp's llama-gguf-split --merge.");
        string family = file.Metadata.Text("general.architecture") ?? throw new ModelFormatException($"'{file.Path}' has no general.architecture, which says what its tensors are. Supported are {Supported}.");
        if (family is not ("llama" or "qwen2" or "qwen3")) throw new UnsupportedModelException($"'{file.Path}': general.architecture is {GgufMetadata.Show(family)}, which is not supported. Supported: {Supported}.");
        return new GgufArchitecture(file, family).Read();
    }

    private Architecture Read()
    {
        RefuseOptions();
        int width = Required("embedding_length", WidestModel), heads = Required("attention.head_count", MostHeads), context = Required("context_length", LongestContext);
        int keyHeads = Optional("attention.head_count_kv", MostHeads) ?? heads;
        int headWidth = Optional("attention.key_length", WidestModel) ?? (width % heads == 0 ? width / heads : throw Inconsistent($"a model of width {width} cannot be divided into {heads} heads"));
        if (Optional("attention.value_length", WidestModel) is { } valueWidth && valueWidth != headWidth) throw Unsupported("attention.value_length", valueWidth, $"{headWidth}, as attention.key_length");
        if (heads % keyHeads != 0) throw Inconsistent($"{heads} attention heads cannot share {keyHeads} key-value heads");
        if ((long)heads * headWidth > WidestModel * 4L) throw Inconsistent($"{heads} heads of width {headWidth} are wider together than {WidestModel * 4L}");
        if (headWidth % 2 != 0) throw Inconsistent($"heads of width {headWidth} cannot be rotated in pairs");
        if (Optional("rope.dimension_count", WidestModel) is { } rotated && rotated != headWidth) throw Unsupported("rope.dimension_count", rotated, $"{headWidth}, the width of a head");
        int vocabulary = Vocabulary();
        var config = new DecoderConfig
        {
            Family = _family,
            Layers = Required("block_count", MostLayers),
            DModel = width,
            Heads = heads,
            KeyHeads = keyHeads,
            DHead = headWidth,
            DMlp = Required("feed_forward_length", WidestMlp),
            Vocabulary = vocabulary,
            Context = context,
            Positions = PositionEncoding.Rotary,
            Rotary = Rotary(headWidth),
            Norm = NormKind.RmsNorm,
            NormEpsilon = Metadata.Positive(Key("attention.layer_norm_rms_epsilon")) ?? throw Missing("attention.layer_norm_rms_epsilon"),
            QueryKeyNorm = _family == "qwen3",
            AttentionScale = Factor("attention.scale"),
            Activation = ActivationKind.Silu,
            GatedMlp = true,
            TiedUnembedding = !_file.Tensors.ContainsKey("output.weight"),
        };
        return new(WithSpecialTokens(config), Names());
    }

    private TensorNames Names()
    {
        bool Has(string name) => _file.Tensors.ContainsKey("blk.0." + name);
        return new()
        {
            Prefixes = [],
            Embedding = "token_embd",
            Blocks = "blk",
            AttentionNorm = "attn_norm",
            QueryKeyValue = ["attn_q", "attn_k", "attn_v"],
            QueryKeyValueBias = Has("attn_q.bias"),
            // llama.cpp rotates neighbours in this architecture, so its converter reorders the rows of transformers' halves; in the others it rotates halves.
            NeighboursRotate = _family == "llama",
            QueryNorm = _family == "qwen3" ? "attn_q_norm" : null,
            KeyNorm = _family == "qwen3" ? "attn_k_norm" : null,
            Output = "attn_output",
            OutputBias = Has("attn_output.bias"),
            MlpNorm = "ffn_norm",
            MlpIn = ["ffn_gate", "ffn_up"],
            MlpOut = "ffn_down",
            MlpBias = Has("ffn_up.bias"),
            FinalNorm = "output_norm",
            Unembedding = "output",
        };
    }

    /// <summary>The tensor of what each frequency of the rotation is divided by.</summary>
    public const string FrequencyDivisors = "rope_freqs.weight";

    private RotaryConfig Rotary(int headWidth)
    {
        double theta = Metadata.Positive(Key("rope.freq_base")) ?? 10000;
        double scale = Metadata.Text(Key("rope.scaling.type")) switch
        {
            "none" => 1,
            // Older files have scale_linear and no type.
            null or "linear" => Factor("rope.scaling.factor") ?? Factor("rope.scale_linear") ?? 1,
            var other => throw Unsupported("rope.scaling.type", GgufMetadata.Show(other), "none, linear"),
        };
        float[] divisors = _file.Tensors.ContainsKey(FrequencyDivisors) ? ReadDivisors(headWidth / 2) : [];
        if (divisors.Length == 0 && scale == 1) return new(headWidth, theta);
        return new(headWidth, theta) { FrequencyDivisors = [.. Enumerable.Range(0, headWidth / 2).Select(i => scale * (divisors.Length == 0 ? 1.0 : divisors[i]))] };
    }

    /// <summary>A factor, for which the format's 0 means that there is none.</summary>
    private double? Factor(string name) => Metadata.Number(Key(name)) == 0 ? null : Metadata.Positive(Key(name));

    private unsafe float[] ReadDivisors(int count)
    {
        var tensor = _file.Tensors[FrequencyDivisors];
        if (!tensor.Shape.SequenceEqual([count])) throw new ModelFormatException($"'{_file.Path}': tensor '{FrequencyDivisors}' has shape {tensor.ShapeText}; expected [{count}], half the width of a head.");
        var divisors = new float[count];
        fixed (float* values = divisors) _file.Decode(tensor, 0, count, (byte*)values, TorchSharp.torch.ScalarType.Float32);
        return Array.TrueForAll(divisors, d => d > 0 && float.IsFinite(d)) ? divisors
            : throw new ModelFormatException($"'{_file.Path}': tensor '{FrequencyDivisors}' has an entry that is not positive and finite; it divides the rotation's frequencies.");
    }

    /// <summary>As many ids as the embedding has rows; what else names their number must agree.</summary>
    private int Vocabulary()
    {
        const string Embedding = "token_embd.weight";
        if (!_file.Tensors.TryGetValue(Embedding, out var embedding)) throw new ModelFormatException($"'{_file.Path}' has no tensor '{Embedding}'.");
        if (embedding.Shape is not [var rows, _] || rows < 1 || rows > LargestVocabulary)
            throw new ModelFormatException($"'{_file.Path}': tensor '{Embedding}' has shape {embedding.ShapeText}; expected 1 to {LargestVocabulary} rows, one per token.");
        if (Optional("vocab_size", LargestVocabulary) is { } named && named != rows) throw Inconsistent($"vocab_size is {named}, but '{Embedding}' has {rows} rows");
        if (Metadata.CountOf("tokenizer.ggml.tokens") is { } tokens && tokens > rows) throw Inconsistent($"the tokenizer has {tokens} tokens, but '{Embedding}' has {rows} rows");
        return (int)rows;
    }

    private DecoderConfig WithSpecialTokens(DecoderConfig config)
    {
        // A SentencePiece vocabulary has these two where the file is silent, as in llama.cpp.
        bool isSentencePiece = Metadata.Text("tokenizer.ggml.model") == "llama";
        int? bos = Id("bos_token_id", isSentencePiece ? 1 : null), eos = Id("eos_token_id", isSentencePiece ? 2 : null);
        int[] others = [.. new[] { bos, eos, Id("eot_token_id"), Id("eom_token_id"), Id("padding_token_id") }.OfType<int>().Distinct()];
        return config with { BosTokenId = bos, EosTokenId = eos, SpecialTokenIds = others };

        // An id that the model lacks means none, as with transformers' -1.
        int? Id(string name, int? absent = null) => (Metadata.Has("tokenizer.ggml." + name) ? Metadata.Id("tokenizer.ggml." + name) : absent) is { } id && id < config.Vocabulary ? id : null;
    }

    /// <summary>Refuses what other architectures of the format compute and a plain decoder of this family does not.</summary>
    private void RefuseOptions()
    {
        if (Optional("expert_count", int.MaxValue, least: 0) is > 0 and var experts) throw Unsupported("expert_count", experts, "0, no mixture of experts");
        if (Metadata.Flag(Key("attention.causal")) == false) throw Unsupported("attention.causal", "false", "true");
        if (Metadata.Flag(Key("use_parallel_residual")) == true) throw Unsupported("use_parallel_residual", "true", "false");
        if (Metadata.Integer(Key("attention.sliding_window"), 0, int.MaxValue) is > 0 and var window && window < Required("context_length", int.MaxValue)) throw Unsupported("attention.sliding_window", window, "none, or one as long as the context");
        foreach (string factor in new[] { "logit_scale", "residual_scale", "embedding_scale", "rope.scaling.attn_factor" })
            if (Factor(factor) is { } value && value != 1) throw Unsupported(factor, value, "none");
        foreach (string bound in new[] { "attention.clamp_kqv", "attention.max_alibi_bias", "attn_logit_softcapping", "final_logit_softcapping" })
            if (Factor(bound) is { } value) throw Unsupported(bound, value, "none");
    }

    private string Key(string name) => $"{_family}.{name}";

    private int Required(string name, int most) => Optional(name, most) ?? throw Missing(name);

    /// <summary>A size; llama.cpp may write one per layer, which are supported where they are all alike.</summary>
    private int? Optional(string name, int most, int least = 1)
    {
        string key = Key(name);
        if (!Metadata.IsList(key)) return Metadata.Integer(key, least, most);
        int[] sizes = [.. Metadata.Integers(key, MostLayers)!.Distinct()];
        if (sizes.Length != 1) throw Unsupported(name, sizes.Length == 0 ? "an empty list" : string.Join(", ", sizes.Take(8)), "the same for every layer");
        return sizes[0] >= least && sizes[0] <= most ? sizes[0] : throw new ModelFormatException($"'{_file.Path}': {key} is {sizes[0]}; expected {least} to {most}.");
    }

    private ModelFormatException Missing(string name) => new($"'{_file.Path}' has no {Key(name)}, which a {_family} model needs.");

    private ModelFormatException Inconsistent(string what) => new($"'{_file.Path}': {what}.");

    private UnsupportedModelException Unsupported(string name, object value, string supported) =>
        new(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"'{_file.Path}': {Key(name)} is {value}, which is not supported. Supported: {supported}."));
}
