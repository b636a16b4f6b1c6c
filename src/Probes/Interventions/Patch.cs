using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>One change of one site's value.</summary>
/// <param name="Site">The site; it must lie inside a block.</param>
/// <param name="Write">
/// Changes, in place, the site's value on the base run's rows (its shapes: <see cref="SiteKind"/>). The tensor is only borrowed.
/// </param>
public sealed record SiteEdit(Site Site, Action<Tensor> Write)
{
    /// <summary>The first position, of queries at scores and pattern, from which on anything can change. 0 where nothing is known.</summary>
    internal int First { get; private init; }

    /// <summary>Changes, in place, what a window shows of the value; null where only the whole can be changed.</summary>
    internal Action<Tensor, SiteWindow>? WriteWithin { get; private init; }

    /// <summary>The same edit in a run that computes all positions.</summary>
    internal SiteEdit FromStart() => this with { First = 0 };

    /// <summary>In place of <see cref="WriteWithin"/>: changes a site's value for several patches of a stack at once, where they have this in common.</summary>
    internal StackWrite? WriteTogether { get; init; }

    internal static SiteEdit Within(Site site, int first, Action<Tensor, SiteWindow> write) =>
        new(site, value => write(value, SiteWindow.Whole(site.Kind, value))) { First = first, WriteWithin = write };
}

/// <summary>Changes, in place, what a window shows of a site's value, for several patches.</summary>
internal delegate void StackWrite(IReadOnlyList<(SiteEdit Edit, Tensor Value)> edits, SiteWindow window);

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

    /// <param name="slot">What is replaced.</param>
    /// <param name="source">As for <see cref="Copy"/>.</param>
    /// <param name="first">The first position at which the source differs from the run: a slot at an earlier one changes nothing.</param>
    internal static SiteEdit CopyEdit(PatchSlot slot, Tensor source, int first = 0) => CopyEdit(slot, window => window.Of(slot.Kind, source), first);

    /// <summary>The same with a source that is computed as it is needed.</summary>
    internal static SiteEdit CopyEdit(PatchSlot slot, SourceRows source, int first = 0) =>
        CopyEdit(slot, window => source.Of(slot.Site, window), first);

    private static SiteEdit CopyEdit(PatchSlot slot, Func<SiteWindow, Tensor> source, int first) =>
        SiteEdit.Within(slot.Site, slot.Position is not { } at ? first : at < first ? int.MaxValue : at, (value, window) => slot.Of(value, window)?.copy_(slot.Of(source(window), window)!));

    internal static SiteEdit ZeroEdit(PatchSlot slot) => SiteEdit.Within(slot.Site, slot.Position ?? 0, (value, window) => slot.Of(value, window)?.zero_());

    /// <summary>The first position at which the patched run can differ from the base run; none for a patch that changes nothing.</summary>
    internal int First => Edits.Select(e => e.First).DefaultIfEmpty(int.MaxValue).Min();

    /// <summary>Whether some edit needs its site's whole value.</summary>
    internal bool IsOpaque => Edits.Any(e => e.WriteWithin is null);
}
