using MlNetIcl.Models.HuggingFace;

namespace MlNetIcl.Models.Onnx;

/// <summary>The configuration of a decoder that is a graph: what the graph shows, and what a <c>config.json</c> beside it says.</summary>
internal static class OnnxConfig
{
    private const int UnknownContext = 2048;

    /// <summary>The folder with the model's <c>config.json</c> and <c>tokenizer.json</c>: the file's own, or the one above where that is named onnx.</summary>
    public static string FolderOf(string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        bool isOwn = File.Exists(Path.Combine(folder, ModelFolder.Config)) || File.Exists(Path.Combine(folder, ModelFolder.Tokenizer));
        return !isOwn && Path.GetFileName(folder) == "onnx" && Path.GetDirectoryName(folder) is { } above && File.Exists(Path.Combine(above, ModelFolder.Config)) ? above : folder;
    }

    /// <summary>The graph of a folder that holds no weights in another format: model.onnx or decoder_model.onnx, there or in its folder onnx.</summary>
    public static string? FileIn(string folder)
    {
        if (!Directory.Exists(folder) || Directory.EnumerateFiles(folder, "*.safetensors*").Any()) return null;
        string[] names = ["model.onnx", "decoder_model.onnx", "onnx/model.onnx", "onnx/decoder_model.onnx"];
        return names.Select(name => Path.GetFullPath(Path.Combine(folder, name))).FirstOrDefault(File.Exists);
    }

    public static bool IsNamedOnnx(string path) => Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase);

    /// <exception cref="ModelFormatException">The <c>config.json</c> is malformed, or that of another model.</exception>
    public static DecoderConfig Read(OnnxDecoder graph, string path)
    {
        string file = Path.Combine(FolderOf(path), ModelFolder.Config);
        var shown = new DecoderConfig
        {
            Family = "onnx",
            Layers = graph.Layers,
            DModel = graph.Width,
            Heads = graph.Heads,
            DHead = graph.HeadWidth,
            Vocabulary = graph.Vocabulary,
            Context = graph.FixedLength ?? graph.PositionRows ?? UnknownContext,
            Sites = graph.Sites,
        };
        if (!File.Exists(file)) return shown;
        var config = ConfigFile.Open(file);
        Check(config, "n_layer|num_hidden_layers|num_layers", graph.Layers, "layers with attention");
        Check(config, "n_head|num_attention_heads|num_heads", graph.Heads, "heads");
        int context = Math.Min(graph.FixedLength ?? int.MaxValue, config.OptionalInteger("n_positions|n_ctx|max_position_embeddings|seq_length|max_seq_len", 1, int.MaxValue) ?? shown.Context);
        int[] bos = [.. config.TokenIds("bos_token_id", graph.Vocabulary)], eos = [.. config.TokenIds("eos_token_id", graph.Vocabulary)];
        return shown with
        {
            Family = config.Text("model_type") ?? "onnx",
            Context = context,
            KeyHeads = config.OptionalInteger("num_key_value_heads|num_kv_heads", 1, graph.Heads) is { } shared && graph.Heads % shared == 0 ? shared : graph.Heads,
            BosTokenId = bos.Length > 0 ? bos[0] : null,
            EosTokenId = eos.Length > 0 ? eos[0] : null,
            SpecialTokenIds = [.. bos.Concat(eos).Concat(config.TokenIds("pad_token_id", graph.Vocabulary)).Distinct()],
        };

        void Check(ConfigFile config, string keys, int found, string what)
        {
            if (config.OptionalInteger(keys, 1, int.MaxValue) is { } said && said != found)
                throw new ModelFormatException($"'{file}' says {said} for {keys}, and the graph of '{Path.GetFileName(path)}' has {found} {what}. Is it another model's, or is a layer's attention hidden?");
        }
    }
}
