using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>What one patch does to the metric.</summary>
/// <param name="Slot">What was patched.</param>
/// <param name="Value">The patched metric itself, mean over the rows.</param>
/// <param name="Normalised">
/// (patched - base) / (source - base): 0 where the patch does nothing, 1 where it does all; may lie outside. Null where base and
/// source have the same metric. With the corrupted run as base this is (patched - corrupted) / (clean - corrupted).
/// </param>
public sealed record PatchEffect(PatchSlot Slot, double Value, double? Normalised)
{
    /// <summary>The patched metric of each row.</summary>
    public IReadOnlyList<double> Values { get; init; } = [];
}

/// <summary>Which run's values are written into which.</summary>
public enum PatchDirection
{
    /// <summary>Clean values into the corrupted run: what restores the behaviour (denoising).</summary>
    CleanIntoCorrupted,

    /// <summary>Corrupted values into the clean run: what breaks it (noising).</summary>
    CorruptedIntoClean,
}

/// <summary>The effects of a sweep, beside the metric of the two runs without a patch.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Clean">Metric of the clean run, mean over the rows.</param>
/// <param name="Corrupted">Metric of the corrupted run, mean over the rows.</param>
/// <param name="Effects">One per slot, in the order of the slots.</param>
public sealed record ActivationPatchingResult(string Metric, double Clean, double Corrupted, IReadOnlyList<PatchEffect> Effects)
{
    /// <summary>Metric of each clean row.</summary>
    public IReadOnlyList<double> CleanValues { get; init; } = [];

    /// <summary>Metric of each corrupted row.</summary>
    public IReadOnlyList<double> CorruptedValues { get; init; } = [];
}

/// <summary>
/// Activation patching: runs the model on one prompt with one activation taken from its run on another (Vig et al. 2020,
/// arXiv:2004.12265; Meng et al. 2022, arXiv:2202.05262, section 2). Members are thread-safe.
/// </summary>
public static class ActivationPatching
{
    /// <summary>Patches every part of a site, layer by layer: each head where the site has heads, at all positions or at each one alone.</summary>
    /// <param name="model">The model.</param>
    /// <param name="clean">Rows that show the behaviour.</param>
    /// <param name="corrupted">Rows that do not; row i as long as clean row i.</param>
    /// <param name="kind">The site.</param>
    /// <param name="metric">What is read from each run.</param>
    /// <param name="perPosition">Whether each position is patched alone (at the pattern: each query). Default false: all at once.</param>
    /// <param name="direction">Default: clean values into the corrupted run.</param>
    /// <param name="options">How runs are stacked; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">The model lacks the site, or clean and corrupted rows differ in number or length.</exception>
    public static ActivationPatchingResult Run(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, SiteKind kind, PatchMetric metric, bool perPosition = false,
        PatchDirection direction = PatchDirection.CleanIntoCorrupted, SweepOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        PromptPair.Require(clean, corrupted);
        return Run(model, clean, corrupted, PatchSlot.All(model.Config, kind, perPosition ? corrupted.MaxLength : null), metric, direction, options, progress, cancellationToken);
    }

    /// <summary>Patches the given slots, one at a time.</summary>
    /// <param name="model">The model.</param>
    /// <param name="clean">Rows that show the behaviour.</param>
    /// <param name="corrupted">Rows that do not; row i as long as clean row i.</param>
    /// <param name="slots">What is patched.</param>
    /// <param name="metric">What is read from each run.</param>
    /// <param name="direction">Default: clean values into the corrupted run.</param>
    /// <param name="options">How runs are stacked; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">The model lacks a slot, or clean and corrupted rows differ in number or length.</exception>
    public static ActivationPatchingResult Run(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, IReadOnlyList<PatchSlot> slots, PatchMetric metric,
        PatchDirection direction = PatchDirection.CleanIntoCorrupted, SweepOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(slots);
        ArgumentNullException.ThrowIfNull(metric);
        PromptPair.Require(clean, corrupted);
        foreach (var slot in slots) slot.Require(model.Config, corrupted.MaxLength);

        bool denoises = direction == PatchDirection.CleanIntoCorrupted;
        options ??= new();
        options.Validate();
        using var source = new SourceRows(model, denoises ? clean : corrupted, slots.Select(s => s.Site), cancellationToken);
        double[] sourceValues = source.Measure(metric, options);
        int first = PromptPair.FirstDifference(clean, corrupted);
        string from = SweepIdentity.OfTokens(denoises ? clean : corrupted);
        var patches = slots.Select(slot => new Patch(Patch.CopyEdit(slot, source, first)) { Identity = $"{slot} of {from}" }).ToArray();
        var sweep = PatchSweep.Run(model, denoises ? corrupted : clean, patches, metric, options with { Sources = [source] }, progress, cancellationToken);

        double before = sweep.BaseMean, after = sourceValues.Average();
        return new ActivationPatchingResult(metric.Name, denoises ? after : before, denoises ? before : after, [.. slots.Select((slot, i) =>
        {
            double value = sweep.PatchedMean(i);
            return new PatchEffect(slot, value, after == before ? null : (value - before) / (after - before)) { Values = sweep.Patched[i] };
        })])
        {
            CleanValues = denoises ? sourceValues : sweep.Base,
            CorruptedValues = denoises ? sweep.Base : sourceValues,
        };
    }
}
