using MlNetIcl.Models.Loading;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Gguf;

/// <summary>The tensors of a file as a model's weights.</summary>
internal sealed class GgufWeights(GgufFile file) : IWeightSource
{
    /// <summary>The names, but for that of the rotation's divisors, which are no weights: the configuration holds them.</summary>
    public IReadOnlyCollection<string> Names { get; } = [.. file.Tensors.Keys.Where(name => name != GgufArchitecture.FrequencyDivisors)];

    /// <inheritdoc/>
    public bool Has(string name) => file.Tensors.ContainsKey(name);

    /// <inheritdoc/>
    public void Require(string name, IReadOnlyList<long> shape)
    {
        if (!file.Tensors.TryGetValue(name, out var tensor))
            throw new ModelFormatException($"'{file.Path}' has no tensor '{name}'; expected one of shape [{string.Join(", ", shape)}].");
        if (!tensor.Shape.SequenceEqual(shape))
            throw new ModelFormatException($"'{file.Path}': tensor '{name}' has shape {tensor.ShapeText}; by the metadata it must be [{string.Join(", ", shape)}].");
        file.RequireReadable(tensor);
    }

    /// <summary>Never asked for: a file with an unembedding is not tied.</summary>
    public bool AreSame(string first, string second) => false;

    /// <inheritdoc/>
    public void Read(string name, Tensor target) => file.Read(name, target);
}
