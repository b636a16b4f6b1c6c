using MlNetIcl.Models.Gguf;
using MlNetIcl.Models.Gguf.Tokenization;
using MlNetIcl.Models.HuggingFace;
using MlNetIcl.Models.Loading;
using MlNetIcl.Models.Native;
using MlNetIcl.Models.Onnx;
using MlNetIcl.Models.Tokenizers;
using TorchSharp;

namespace MlNetIcl.Models;

public sealed partial class LanguageModel
{
    /// <summary>The files that the model was loaded from; null where it was put together in memory or came with the library.</summary>
    public ModelFiles? Files { get; private init; }

    /// <summary>
    /// Loads a Hugging Face folder (<c>config.json</c>, <c>model.safetensors</c> or shards with their index, and <c>tokenizer.json</c> where there is one)
    /// of the families bloom, gpt2, gpt_neo, gpt_neox, llama, mistral, opt, qwen2, qwen3; or a GGUF file, known by its content, of the architectures
    /// llama, qwen2, qwen3; or an <c>.onnx</c> file (or a folder that holds model.onnx and no safetensors) of any causal decoder whose attention can be
    /// found by the shape of the graph, which gives attention weights, head outputs and logits (<see cref="IsGraph"/>).
    /// </summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="options">Precision and device; default: float32 on the CPU.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder or file.</exception>
    /// <exception cref="ModelFormatException">A file is missing, malformed or contradicts another.</exception>
    /// <exception cref="UnsupportedModelException">The family, an option of it, a tokenizer step or the format of the weights is not supported.</exception>
    /// <exception cref="DllNotFoundException">libtorch cannot be loaded.</exception>
    public static LanguageModel Load(string path, LoadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new();
        if (options.Precision is not (torch.ScalarType.Float32 or torch.ScalarType.BFloat16))
            throw new ArgumentException($"Precision is {options.Precision}; expected Float32 or BFloat16.", nameof(options));
        return File.Exists(path) ? LoadFile(System.IO.Path.GetFullPath(path), options)
            : OnnxConfig.FileIn(path) is { } graph ? LoadOnnx(graph, options) : LoadFolder(path, options);
    }

    private static LanguageModel LoadFolder(string path, LoadOptions options)
    {
        var folder = ModelFolder.Open(path);
        var architecture = Families.Read(ConfigFile.Open(folder.FileAt(ModelFolder.Config)));
        using var checkpoint = new Checkpoint(folder, architecture.Names.Prefixes);
        var tokenizer = options.Tokenizer && folder.HasTokenizer ? JsonTokenizer.Load(folder.Path) : null;
        var weights = WeightReader.Read(checkpoint, architecture, options.Precision, options.Device);
        return new(architecture.Config, weights, tokenizer, System.IO.Path.GetFileName(folder.Path))
        {
            SourcePath = folder.Path,
            Files = new ModelFiles(folder.Path, folder.Files),
            ChatTemplate = options.Tokenizer ? HuggingFace.ChatTemplate.Read(folder.Path) : null,
        };
    }

    private static LanguageModel LoadFile(string path, LoadOptions options)
    {
        string name = System.IO.Path.GetFileName(path);
        bool isNamedGguf = System.IO.Path.GetExtension(name).Equals(".gguf", StringComparison.OrdinalIgnoreCase);
        if (OnnxConfig.IsNamedOnnx(name)) return LoadOnnx(path, options);
        if (!isNamedGguf && !GgufFile.IsGguf(path))
            throw new UnsupportedModelException($"'{path}' is no GGUF file. Supported are a Hugging Face folder with config.json and model.safetensors, a .gguf file and an .onnx file.");
        using var file = GgufFile.Open(path);
        var architecture = GgufArchitecture.Read(file);
        var (tokenizer, problem) = options.Tokenizer ? ReadTokenizer(file) : default;
        var weights = WeightReader.Read(new GgufWeights(file), architecture, options.Precision, options.Device);
        return new(architecture.Config, weights, tokenizer, isNamedGguf ? name[..^".gguf".Length] : name)
        {
            SourcePath = path,
            Files = new ModelFiles(System.IO.Path.GetDirectoryName(path)!, [name]),
            TokenizerProblem = problem,
            ChatTemplate = !options.Tokenizer ? null : file.Metadata.Text("tokenizer.chat_template"),
        };
    }

    // The one file holds everything, so a tokenizer that is not supported must not keep from token ids.
    private static (JsonTokenizer? Tokenizer, string? Problem) ReadTokenizer(GgufFile file)
    {
        try
        {
            return (GgufTokenizer.Read(file), null);
        }
        catch (UnsupportedModelException error)
        {
            return (null, error.Message);
        }
    }

    /// <summary>A graph is run in the precision that it was exported in, by ONNX Runtime on the CPU.</summary>
    private static LanguageModel LoadOnnx(string path, LoadOptions options)
    {
        if (options.Precision != torch.ScalarType.Float32)
            throw new UnsupportedModelException($"'{path}' is an ONNX graph, which computes in the precision that it was exported in; {options.Precision} cannot be chosen.");
        if (options.Device is { type: not DeviceType.CPU })
            throw new UnsupportedModelException($"'{path}' is an ONNX graph, which runs on the CPU; {options.Device} cannot be chosen.");
        NativeTorch.EnsureLoaded();
        string folder = OnnxConfig.FolderOf(path);
        var tokenizer = options.Tokenizer && File.Exists(System.IO.Path.Combine(folder, ModelFolder.Tokenizer)) ? JsonTokenizer.Load(folder) : null;
        var graph = OnnxDecoder.Open(path);
        try
        {
            return new(OnnxConfig.Read(graph, path), graph, tokenizer, System.IO.Path.GetFileNameWithoutExtension(path))
            {
                SourcePath = path,
                Files = new ModelFiles(System.IO.Path.GetDirectoryName(path)!, graph.Files),
                ChatTemplate = options.Tokenizer ? HuggingFace.ChatTemplate.Read(folder) : null,
            };
        }
        catch
        {
            graph.Dispose();
            throw;
        }
    }
}
