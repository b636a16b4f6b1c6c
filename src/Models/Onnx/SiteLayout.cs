using static TorchSharp.torch;

namespace MlNetIcl.Models.Onnx;

/// <summary>How a site's value stands in a graph: its axes for any number and length of rows, and the way to the axes that this library uses.</summary>
/// <param name="Value">The value's name.</param>
/// <param name="Axes">Its axes.</param>
internal sealed record SiteLayout(string Value, IReadOnlyList<SiteAxis> Axes)
{
    /// <summary>The value's shape in the graph.</summary>
    public long[] GraphShape(int batch, int length) => [.. Axes.Select(axis => axis.Size * (axis.IsBatch ? batch : 1) * (axis.IsPosition ? length : 1))];

    /// <summary>Gives batch, heads and positions an axis each, as they follow one another in the graph: pattern [b, h, q, k], head outputs [b, h, pos, d] or [b, pos, h, d], logits [b, pos, v].</summary>
    public required Func<int, int, long[]> Shape { get; init; }

    /// <summary>The axes of <see cref="Shape"/> that are positions.</summary>
    public required int[] Positions { get; init; }

    /// <summary>Whether heads come before positions, which is the other way round in the library's head outputs.</summary>
    public bool IsTransposed { get; init; }

    /// <summary>From the axes of <see cref="Shape"/> to the library's, and back.</summary>
    public Tensor Swap(Tensor value) => IsTransposed ? value.transpose(1, 2) : value;
}

/// <summary>An axis: a size that is multiplied by the number of rows, by their length, or stands.</summary>
internal readonly record struct SiteAxis(long Size, bool IsBatch = false, bool IsPosition = false);
