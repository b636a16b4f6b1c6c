using MlNetIcl.Models.Loading;
using static MlNetIcl.Models.HuggingFace.Families;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>GPT-2: learned positions, matrices stored as [input, output].</summary>
internal static class Gpt2Family
{
    public static Architecture Read(ConfigFile file)
    {
        file.RequireFlag("scale_attn_by_inverse_layer_idx", false);
        int width = file.Size("n_embd|hidden_size", 768, WidestModel), heads = file.Size("n_head|num_attention_heads", 12, MostHeads);
        var config = new DecoderConfig
        {
            Layers = file.Size("n_layer|num_hidden_layers", 12, MostLayers),
            DModel = width,
            Heads = heads,
            DHead = HeadWidth(file, width, heads),
            DMlp = file.Size("n_inner", 4 * width, WidestMlp),
            Vocabulary = file.Size("vocab_size", 50257, LargestVocabulary),
            Context = file.Size("n_positions|max_position_embeddings", 1024, LongestContext),
            Positions = PositionEncoding.Learned,
            NormEpsilon = file.Positive("layer_norm_epsilon", 1e-5),
            AttentionScale = file.Flag("scale_attn_weights", true) ? null : 1,
            Activation = file.Activation("activation_function", "gelu_new"),
            TiedUnembedding = file.Flag("tie_word_embeddings", true),
        };
        return new(config, new TensorNames
        {
            Prefixes = ["transformer."],
            Embedding = "wte",
            Positions = "wpe",
            Blocks = "h",
            AttentionNorm = "ln_1",
            QueryKeyValue = ["attn.c_attn"],
            Output = "attn.c_proj",
            MlpNorm = "ln_2",
            MlpIn = ["mlp.c_fc"],
            MlpOut = "mlp.c_proj",
            FinalNorm = "ln_f",
            QueryKeyValueBias = true,
            OutputBias = true,
            MlpBias = true,
            InputByOutput = true,
            Buffers = [".attn.bias", ".attn.masked_bias"],
        });
    }
}
