using MlNetIcl.Models.Loading;
using static MlNetIcl.Models.HuggingFace.Families;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>OPT: learned positions, of which the table's first two rows are not used.</summary>
internal static class OptFamily
{
    public static Architecture Read(ConfigFile file)
    {
        int width = file.Size("hidden_size|d_model", 768, WidestModel), heads = file.Size("num_attention_heads", 12, MostHeads);
        file.RequireFlag("do_layer_norm_before", true);
        file.RequireFlag("layer_norm_elementwise_affine", true);
        file.RequireFlag("_remove_final_layer_norm", false);
        if (file.Size("word_embed_proj_dim", width, WidestModel) != width)
            throw file.Unsupported("word_embed_proj_dim", $"the width of the model ({width}), without projections of the embedding");
        bool bias = file.Flag("enable_bias", true);
        var config = new DecoderConfig
        {
            Layers = file.Size("num_hidden_layers", 12, MostLayers),
            DModel = width,
            Heads = heads,
            DHead = HeadWidth(file, width, heads),
            DMlp = file.Size("ffn_dim", 3072, WidestMlp),
            Vocabulary = file.Size("vocab_size", 50272, LargestVocabulary),
            Context = file.Size("max_position_embeddings", 2048, LongestContext),
            Positions = PositionEncoding.Learned,
            Activation = file.Activation("activation_function", "relu"),
            TiedUnembedding = file.Flag("tie_word_embeddings", true),
        };
        return new(config, new TensorNames
        {
            Prefixes = ["model.decoder.", "decoder."],
            Embedding = "embed_tokens",
            Positions = "embed_positions",
            UnusedPositions = 2,
            Blocks = "layers",
            AttentionNorm = "self_attn_layer_norm",
            QueryKeyValue = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
            Output = "self_attn.out_proj",
            MlpNorm = "final_layer_norm",
            MlpIn = ["fc1"],
            MlpOut = "fc2",
            FinalNorm = "final_layer_norm",
            QueryKeyValueBias = bias,
            OutputBias = bias,
            MlpBias = bias,
            Buffers = ["version"],
        });
    }
}
