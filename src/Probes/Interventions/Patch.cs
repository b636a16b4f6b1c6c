using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>One change of one site's value.</summary>
/// <param name="Site">The site; it must lie inside a block.</param>
/// <param name="Write">
/// Changes, in place, the site's value on the base run's rows (its shapes: <see cref="SiteKind"/>). The tensor is only borrowed.
/// </param>
public sealed record SiteEdit(Site Site, Action<Tensor> Write);

/// <summary>The changes that one patched run makes; the rest of the run is recomputed from them.</summary>
/// <param name="Edits">The changes. Edits of one site are made in this order; none leaves the base run.</param>
public sealed record Patch(params IReadOnlyList<SiteEdit> Edits)
{
    /// <summary>
    /// All that the edits depend on beside the model and the rows, as text: patches of equal identity must do the same. A sweep with a
    /// <see cref="SweepOptions.ResultsFile"/> needs it, as it cannot look into the edits.
    /// </summary>
    /// <value>Default null: not known.</value>
    public string? Identity { get; init; }

    /// <summary>Writes <paramref name="source"/>'s part of a slot into the run.</summary>
    /// <param name="slot">What is replaced.</param>
    /// <param name="source">A value of the slot's whole site, or one that broadcasts to it along the batch. It must outlive the run.</param>
    public static Patch Copy(PatchSlot slot, Tensor source) => new(CopyEdit(slot, source));

    internal static SiteEdit CopyEdit(PatchSlot slot, Tensor source) => new(slot.Site, value => slot.Of(value).copy_(slot.Of(source)));

    internal static SiteEdit ZeroEdit(PatchSlot slot) => new(slot.Site, value => slot.Of(value).zero_());

    /// <summary>The first layer that the patch changes; the last layer for a patch that changes nothing.</summary>
    internal int FirstLayer(DecoderConfig config) => Edits.Select(e => e.Site.Layer).DefaultIfEmpty(config.Layers - 1).Min();
}
