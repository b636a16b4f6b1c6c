using static TorchSharp.torch;

namespace MlNetIcl.Models.Loading;

/// <summary>The tensors of a model's files, under their names without a family's prefix.</summary>
internal interface IWeightSource
{
    /// <summary>The names.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>Whether there is a tensor of this name.</summary>
    bool Has(string name);

    /// <summary>Checks type and shape without reading.</summary>
    /// <exception cref="ModelFormatException">The tensor is missing or another than expected.</exception>
    /// <exception cref="UnsupportedModelException">Its type cannot be read.</exception>
    void Require(string name, IReadOnlyList<long> shape);

    /// <summary>Whether two tensors hold the same values.</summary>
    bool AreSame(string first, string second);

    /// <summary>Reads a tensor to where it belongs: a contiguous tensor of its shape, on the CPU, to whose type it is converted.</summary>
    void Read(string name, Tensor target);
}
