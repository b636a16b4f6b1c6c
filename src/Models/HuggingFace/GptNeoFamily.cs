using System.Text.Json;
using MlNetIcl.Models.Loading;
using static MlNetIcl.Models.HuggingFace.Families;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>GPT-Neo: learned positions, unscaled scores, global and local attention in turn.</summary>
internal static class GptNeoFamily
{
    public static Architecture Read(ConfigFile file)
    {
        int width = file.Size("hidden_size", 2048, WidestModel), heads = file.Size("num_heads|num_attention_heads", 16, MostHeads);
        int layers = file.Size("num_layers|num_hidden_layers", 24, MostLayers), window = file.Size("window_size", 256, LongestContext);
        var config = new DecoderConfig
        {
            Layers = layers,
            DModel = width,
            Heads = heads,
            DHead = HeadWidth(file, width, heads),
            DMlp = file.Size("intermediate_size", 4 * width, WidestMlp),
            Vocabulary = file.Size("vocab_size", 50257, LargestVocabulary),
            Context = file.Size("max_position_embeddings", 2048, LongestContext),
            Positions = PositionEncoding.Learned,
            NormEpsilon = file.Positive("layer_norm_epsilon", 1e-5),
            AttentionScale = 1,
            Windows = [.. AttentionTypes(file, layers).Select(type => type == "local" ? window : 0)],
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
            QueryKeyValue = ["attn.attention.q_proj", "attn.attention.k_proj", "attn.attention.v_proj"],
            Output = "attn.attention.out_proj",
            MlpNorm = "ln_2",
            MlpIn = ["mlp.c_fc"],
            MlpOut = "mlp.c_proj",
            FinalNorm = "ln_f",
            OutputBias = true,
            MlpBias = true,
            Buffers = [".attn.attention.bias", ".attn.attention.masked_bias"],
        });
    }

    /// <summary>"global" or "local" for each layer: <c>attention_types</c> is a list of [types, how often], <c>attention_layers</c> the same written out.</summary>
    private static List<string> AttentionTypes(ConfigFile file, int layers)
    {
        List<string> types = [];
        if (file.List("attention_types") is { } groups)
        {
            foreach (var group in groups)
            {
                if (group.ValueKind != JsonValueKind.Array || group.GetArrayLength() != 2 || group[0].ValueKind != JsonValueKind.Array
                    || group[1].ValueKind != JsonValueKind.Number || !group[1].TryGetInt32(out int times) || times < 0 || times > layers || group[0].GetArrayLength() > layers)
                    throw file.Inconsistent($"attention_types must be a list of [[\"global\" or \"local\", …], how often] that gives {layers} layers.");
                for (int i = 0; i < times; i++) types.AddRange(group[0].EnumerateArray().Select(type => type.ToString()));
            }
        }
        else if (file.List("attention_layers") is { } list)
        {
            types.AddRange(list.Select(type => type.ToString()));
        }
        else
        {
            types.AddRange(Enumerable.Range(0, 24).Select(i => i % 2 == 0 ? "global" : "local"));
        }
        if (types.Count != layers) throw file.Inconsistent($"attention_types gives {types.Count} layers, but the model has {layers}.");
        if (types.Find(type => type is not ("global" or "local")) is not null) throw file.Unsupported("attention_types", "global, local");
        return types;
    }
}
