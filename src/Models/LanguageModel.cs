using MlNetIcl.Models.Onnx;
using MlNetIcl.Models.Tokenizers;
using TorchSharp;

namespace MlNetIcl.Models;

/// <summary>
/// A decoder with its weights and, where there is one, its tokenizer. Owns native memory; dispose it.
/// Immutable after loading: <see cref="Run"/> may be called from several threads at once.
/// </summary>
public sealed partial class LanguageModel : IDisposable
{
    private readonly DecoderWeights? _weights;
    private readonly OnnxDecoder? _graph;

    /// <summary>Puts a model together from its parts, which it then owns.</summary>
    public LanguageModel(DecoderConfig config, DecoderWeights weights, JsonTokenizer? tokenizer = null, string name = "custom")
    {
        Config = config;
        _weights = weights;
        Tokenizer = tokenizer;
        Name = name;
    }

    private LanguageModel(DecoderConfig config, OnnxDecoder graph, JsonTokenizer? tokenizer, string name)
    {
        Config = config;
        _graph = graph;
        Tokenizer = tokenizer;
        Name = name;
    }

    /// <summary>A short name for messages and reports: the folder's or file's name, or <c>embedded</c>.</summary>
    public string Name { get; }

    /// <summary>The folder or file that the model was read from, as a full path; null where it was put together in memory or came with the library.</summary>
    public string? SourcePath { get; init; }

    /// <summary>The shape.</summary>
    public DecoderConfig Config { get; }

    /// <summary>Whether the model is a graph of operations (ONNX) and not a decoder whose every weight is known by its role.</summary>
    public bool IsGraph => _graph is not null;

    /// <summary>The parameters.</summary>
    /// <exception cref="UnsupportedModelException">The model is a graph, see <see cref="IsGraph"/>.</exception>
    public DecoderWeights Weights => _weights
        ?? throw new UnsupportedModelException($"'{Name}' is an ONNX graph: which of its tensors are which weights is not known. Load the model's Hugging Face folder or GGUF file for what reads weights, gradients or the residual stream.");

    /// <summary>The tokenizer, or null where the model came without one or with one that is not supported (<see cref="TokenizerProblem"/>).</summary>
    public JsonTokenizer? Tokenizer { get; }

    /// <summary>Why text cannot be tokenized although the model came with a tokenizer: what it asks for and is not supported. Else null.</summary>
    public string? TokenizerProblem { get; init; }

    /// <summary>
    /// The template (Jinja) that turns the messages of a chat into a prompt, as the model's files hold it; null where they hold none. It is kept as text:
    /// nothing here applies it, so a chat must be written out in the model's own form before it is tokenized.
    /// </summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Number of parameters; tied matrices count once.</summary>
    public long ParameterCount => _graph?.ParameterCount ?? Weights.Named().Sum(t => t.Value.numel());

    /// <summary>All tensors: of a decoder by their role, as they are in memory; of a graph as the file names them.</summary>
    public IReadOnlyList<TensorDescription> Tensors => _graph?.Tensors
        ?? [.. Weights.Named().Select(t => new TensorDescription(t.Name, t.Value.dtype.ToString().ToLowerInvariant(), [.. t.Value.shape]))];

    /// <summary>Where the attention of each layer was found, if the model is a graph; else empty.</summary>
    public IReadOnlyList<ExposedAttention> GraphAttention => _graph?.Attention ?? [];

    /// <summary>Where the weights are.</summary>
    public torch.Device Device => IsGraph ? torch.CPU : Weights.Embedding.device;

    /// <summary>The element type of the values that a pass gives, which is that of the weights; a graph's values are given as float32.</summary>
    public torch.ScalarType Precision => IsGraph ? torch.ScalarType.Float32 : Weights.Embedding.dtype;

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights?.Dispose();
        _graph?.Dispose();
    }
}

/// <summary>A tensor of a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type, as <c>float32</c>.</param>
/// <param name="Shape">Its sizes.</param>
public sealed record TensorDescription(string Name, string Type, IReadOnlyList<long> Shape);
