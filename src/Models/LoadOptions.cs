using TorchSharp;

namespace MlNetIcl.Models;

/// <summary>How <see cref="LanguageModel.Load"/> reads a model.</summary>
public sealed record LoadOptions
{
    /// <summary>What weights are kept and computed in, whatever the file holds.</summary>
    /// <value>Default: float32. bfloat16 takes half the memory, at three significant digits; it is fast where the processor computes in it, and slow elsewhere.</value>
    public torch.ScalarType Precision { get; init; } = torch.ScalarType.Float32;

    /// <summary>Where the weights are put.</summary>
    /// <value>Default (null): the CPU.</value>
    public torch.Device? Device { get; init; }

    /// <summary>Whether to read the tokenizer where there is one. Without it a model works on token ids.</summary>
    /// <value>Default: true.</value>
    public bool Tokenizer { get; init; } = true;
}
