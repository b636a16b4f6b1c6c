using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What a pass computes of a site's value: some of the base run's rows, at some positions.</summary>
/// <param name="FirstRow">The first of the rows.</param>
/// <param name="Rows">How many.</param>
/// <param name="Cone">The pass's light cone.</param>
/// <param name="Positions">The site's positions, ascending (at scores and pattern: the queries).</param>
internal sealed record SiteWindow(int FirstRow, int Rows, LightCone Cone, int[] Positions)
{
    /// <summary>All rows and positions of a value.</summary>
    public static SiteWindow Whole(SiteKind kind, Tensor value)
    {
        int length = (int)value.shape[PatchSlot.PositionAxis(kind)];
        return new SiteWindow(0, (int)value.shape[0], new LightCone(0, length), [.. Enumerable.Range(0, length)]);
    }

    /// <summary>The part of a whole value, or of one that broadcasts to it along the batch, that lies in the window.</summary>
    public Tensor Of(SiteKind kind, Tensor whole)
    {
        int axis = PatchSlot.PositionAxis(kind);
        if (whole.shape[0] > 1) whole = whole.narrow(0, FirstRow, Rows);
        if (axis == 2) whole = whole.narrow(3, 0, Cone.Length);
        return At(whole, axis, Positions);
    }

    /// <summary>A value at some of its positions, ascending; a view where they follow each other.</summary>
    public static Tensor At(Tensor value, int axis, int[] positions) => positions[^1] - positions[0] + 1 == positions.Length
        ? value.narrow(axis, positions[0], positions.Length)
        : value.index_select(axis, tensor([.. positions.Select(p => (long)p)], device: value.device));
}
