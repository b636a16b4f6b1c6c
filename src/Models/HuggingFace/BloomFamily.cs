using MlNetIcl.Models.Loading;
using static MlNetIcl.Models.HuggingFace.Families;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>BLOOM: ALiBi, a norm on the embedding.</summary>
internal static class BloomFamily
{
    private const int TrainedContext = 2048; // ALiBi has no limit; this is what BLOOM was trained with

    public static Architecture Read(ConfigFile file)
    {
        file.RequireFlag("apply_residual_connection_post_layernorm", false);
        int width = file.Size("n_embed|hidden_size", 64, WidestModel), heads = file.Size("n_head|num_attention_heads", 8, MostHeads);
        var config = new DecoderConfig
        {
            Layers = file.Size("n_layer|num_hidden_layers", 2, MostLayers),
            DModel = width,
            Heads = heads,
            DHead = HeadWidth(file, width, heads),
            DMlp = 4 * width,
            Vocabulary = file.Size("vocab_size", 250880, LargestVocabulary),
            Context = file.Size("seq_length", TrainedContext, LongestContext),
            Positions = PositionEncoding.Alibi,
            NormEpsilon = file.Positive("layer_norm_epsilon", 1e-5),
            EmbeddingNorm = true,
            Activation = ActivationKind.GeluTanh,
            TiedUnembedding = file.Flag("tie_word_embeddings", true),
        };
        return new(config, new TensorNames
        {
            Prefixes = ["transformer."],
            Embedding = "word_embeddings",
            EmbeddingNorm = "word_embeddings_layernorm",
            Blocks = "h",
            AttentionNorm = "input_layernorm",
            QueryKeyValue = ["self_attention.query_key_value"],
            FusedOrder = FusedOrder.PerHead,
            Output = "self_attention.dense",
            MlpNorm = "post_attention_layernorm",
            MlpIn = ["mlp.dense_h_to_4h"],
            MlpOut = "mlp.dense_4h_to_h",
            FinalNorm = "ln_f",
            QueryKeyValueBias = true,
            OutputBias = true,
            MlpBias = true,
        });
    }
}
