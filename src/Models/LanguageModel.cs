using MlNetIcl.Models.Tokenizers;
using TorchSharp;

namespace MlNetIcl.Models;

/// <summary>
/// A decoder with its weights and, where there is one, its tokenizer. Owns native memory; dispose it.
/// Immutable after loading: <see cref="Run"/> may be called from several threads at once.
/// </summary>
public sealed partial class LanguageModel : IDisposable
{
    /// <summary>Puts a model together from its parts, which it then owns.</summary>
    public LanguageModel(DecoderConfig config, DecoderWeights weights, JsonTokenizer? tokenizer = null, string name = "custom")
    {
        Config = config;
        Weights = weights;
        Tokenizer = tokenizer;
        Name = name;
    }

    /// <summary>A short name for messages and reports: the folder's or file's name, or <c>embedded</c>.</summary>
    public string Name { get; }

    /// <summary>The folder or file that the model was read from, as a full path; null where it was put together in memory or came with the library.</summary>
    public string? SourcePath { get; init; }

    /// <summary>The shape.</summary>
    public DecoderConfig Config { get; }

    /// <summary>The parameters.</summary>
    public DecoderWeights Weights { get; }

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
    public long ParameterCount => Weights.Named().Sum(t => t.Value.numel());

    /// <summary>Where the weights are.</summary>
    public torch.Device Device => Weights.Embedding.device;

    /// <inheritdoc/>
    public void Dispose() => Weights.Dispose();
}
