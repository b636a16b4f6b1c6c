using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Models;
using MlNetIcl.Models.Tokenizers;
using static TorchSharp.torch;

namespace MlNetIcl.Cli.Input;

/// <summary>The options that say which model, and the one place where models are loaded.</summary>
internal sealed class ModelSource
{
    private const string Float32 = "float32", BFloat16 = "bfloat16";

    private readonly Option<string> _precision = new("--precision") { Description = "What weights are kept and computed in. bfloat16 halves the memory; it is fast where the processor computes in it, and slow elsewhere.", DefaultValueFactory = _ => Float32 };

    public ModelSource() => _precision.AcceptOnlyFromAmong(Float32, BFloat16);

    public Option<string?> Folder { get; } = new("--model", "-m") { HelpName = "PATH", Description = "A Hugging Face folder (config.json, model.safetensors), a GGUF file or an ONNX file. Default: the small model that comes with the tool." };

    /// <summary>The options, for commands that run the model.</summary>
    public IEnumerable<Option> Options => [Folder, _precision];

    /// <summary>Loads the model that a command line names.</summary>
    public LanguageModel Load(ParseResult parsed, bool withTokenizer = true) => Load(parsed.GetValue(Folder), new LoadOptions
    {
        Precision = parsed.GetValue(_precision) == BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32,
        Tokenizer = withTokenizer,
    });

    /// <summary>Loads a folder or file, or the model that comes with the tool.</summary>
    public static LanguageModel Load(string? path, LoadOptions? options = null)
    {
        if (path is not null) return LanguageModel.Load(path, options);
        if (options is { Precision: not ScalarType.Float32 }) throw new InputException("The model that comes with the tool is float32 only; --precision needs --model PATH.");
        return LanguageModel.LoadEmbedded();
    }

    /// <summary>Loads the tokenizer alone: a folder that holds nothing else, or any GGUF file, will do.</summary>
    public static JsonTokenizer LoadTokenizer(string? path)
    {
        if (path is not null) return JsonTokenizer.Load(path);
        using var embedded = LanguageModel.LoadEmbedded();
        return embedded.Tokenizer!;
    }
}
