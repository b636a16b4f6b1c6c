using MlNetIcl.Models.Loading;
using static MlNetIcl.Models.HuggingFace.Families;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>GPT-NeoX (Pythia): rotation of a part of each head, attention and MLP side by side.</summary>
internal static class GptNeoXFamily
{
    public static Architecture Read(ConfigFile file)
    {
        int width = file.Size("hidden_size", 6144, WidestModel), heads = file.Size("num_attention_heads", 64, MostHeads);
        int headWidth = HeadWidth(file, width, heads), context = file.Size("max_position_embeddings", 2048, LongestContext);
        bool attentionBias = file.Flag("attention_bias", true);
        var config = new DecoderConfig
        {
            Layers = file.Size("num_hidden_layers", 44, MostLayers),
            DModel = width,
            Heads = heads,
            DHead = headWidth,
            DMlp = file.Size("intermediate_size", 24576, WidestMlp),
            Vocabulary = file.Size("vocab_size", 50432, LargestVocabulary),
            Context = context,
            Positions = PositionEncoding.Rotary,
            Rotary = RotarySettings.Read(file, headWidth, context, baseKeys: "rotary_emb_base|rope_theta", partKeys: "rotary_pct|partial_rotary_factor", part: 0.25),
            NormEpsilon = file.Positive("layer_norm_eps", 1e-5),
            ParallelResidual = file.Flag("use_parallel_residual", true),
            Activation = file.Activation("hidden_act", "gelu"),
            TiedUnembedding = file.Flag("tie_word_embeddings", false),
        };
        return new(config, new TensorNames
        {
            Prefixes = ["gpt_neox."],
            Embedding = "embed_in",
            Blocks = "layers",
            AttentionNorm = "input_layernorm",
            QueryKeyValue = ["attention.query_key_value"],
            FusedOrder = FusedOrder.PerHead,
            Output = "attention.dense",
            MlpNorm = "post_attention_layernorm",
            MlpIn = ["mlp.dense_h_to_4h"],
            MlpOut = "mlp.dense_4h_to_h",
            FinalNorm = "final_layer_norm",
            Unembedding = "embed_out",
            QueryKeyValueBias = attentionBias,
            OutputBias = attentionBias,
            MlpBias = true,
            Buffers = [".attention.bias", ".attention.masked_bias", .. RotarySettings.Buffers],
        });
    }
}
