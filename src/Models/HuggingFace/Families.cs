using MlNetIcl.Models.Loading;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>The families that are supported, by the <c>model_type</c> of their <c>config.json</c>. Values that a file leaves out are those of transformers' configuration classes.</summary>
internal static class Families
{
    // Bounds on sizes that a file may ask for, far above any model of these families: nothing is allocated before they hold.
    public const int MostLayers = 1024, MostHeads = 1 << 13, WidestModel = 1 << 16, WidestMlp = 1 << 20, LargestVocabulary = 1 << 22, LongestContext = 1 << 24;

    private static readonly Dictionary<string, Func<ConfigFile, Architecture>> All = new(StringComparer.Ordinal)
    {
        ["gpt2"] = Gpt2Family.Read,
        ["gpt_neo"] = GptNeoFamily.Read,
        ["gpt_neox"] = GptNeoXFamily.Read,
        ["bloom"] = BloomFamily.Read,
        ["opt"] = OptFamily.Read,
        ["llama"] = LlamaFamilies.ReadLlama,
        ["mistral"] = LlamaFamilies.ReadMistral,
        ["qwen2"] = LlamaFamilies.ReadQwen2,
        ["qwen3"] = LlamaFamilies.ReadQwen3,
    };

    /// <summary>The supported values of <c>model_type</c>, for messages.</summary>
    public static string Names { get; } = string.Join(", ", All.Keys.Order(StringComparer.Ordinal));

    /// <exception cref="ModelFormatException">A value is out of range or contradicts another.</exception>
    /// <exception cref="UnsupportedModelException">The family, or an option of it that changes the computation, is not supported.</exception>
    public static Architecture Read(ConfigFile file)
    {
        try
        {
            return ReadFamily(file);
        }
        catch (InvalidOperationException error) // what System.Text.Json throws for strings that are not valid Unicode
        {
            throw file.Inconsistent($"a string cannot be read: {error.Message}");
        }
    }

    private static Architecture ReadFamily(ConfigFile file)
    {
        string family = file.Text("model_type") ?? throw file.Inconsistent($"there is no model_type. Expected one of {Names}.");
        if (!All.TryGetValue(family, out var read)) throw file.Unsupported("model_type", Names);
        if (file.Has("quantization_config")) throw file.Unsupported("quantization_config", "weights that are not quantized (float32, float16, bfloat16)");
        file.RequireFlag("add_cross_attention", false);
        file.RequireFlag("is_encoder_decoder", false);

        var architecture = read(file);
        var config = architecture.Config;
        if (config.Heads % config.KeyHeads != 0)
            throw file.Inconsistent($"{config.Heads} attention heads cannot share {config.KeyHeads} key-value heads: expected a divisor.");
        if ((long)config.Heads * config.DHead > WidestModel * 4L)
            throw file.Inconsistent($"{config.Heads} heads of width {config.DHead} are wider together than {WidestModel * 4L}.");
        int[] bos = [.. file.TokenIds("bos_token_id", config.Vocabulary)], eos = [.. file.TokenIds("eos_token_id", config.Vocabulary)];
        return architecture with
        {
            Config = config with
            {
                Family = family,
                BosTokenId = bos.Length > 0 ? bos[0] : null,
                EosTokenId = eos.Length > 0 ? eos[0] : null,
                SpecialTokenIds = [.. bos.Concat(eos).Concat(file.TokenIds("pad_token_id", config.Vocabulary)).Distinct()],
            },
        };
    }

    /// <summary>The width of a head where the family has no setting for it.</summary>
    public static int HeadWidth(ConfigFile file, int width, int heads) =>
        width % heads == 0 ? width / heads : throw file.Inconsistent($"a model of width {width} cannot be divided into {heads} heads.");
}
