using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What one slot is estimated to do to the metric.</summary>
/// <param name="Slot">The slot.</param>
/// <param name="Value">The estimate of the patched metric minus the corrupted one, mean over the rows.</param>
/// <param name="Normalised">The same as a share of clean minus corrupted; null where those are equal.</param>
public sealed record AttributionEffect(PatchSlot Slot, double Value, double? Normalised)
{
    /// <summary>The estimate for each row.</summary>
    public IReadOnlyList<double> Values { get; init; } = [];
}

/// <summary>The estimates of all slots, beside the metric of the two runs without a patch.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Clean">Metric of the clean run, mean over the rows.</param>
/// <param name="Corrupted">Metric of the corrupted run, mean over the rows.</param>
/// <param name="Effects">One per slot, in the order of the slots.</param>
public sealed record AttributionResult(string Metric, double Clean, double Corrupted, IReadOnlyList<AttributionEffect> Effects)
{
    /// <summary>Metric of each clean row.</summary>
    public IReadOnlyList<double> CleanValues { get; init; } = [];

    /// <summary>Metric of each corrupted row.</summary>
    public IReadOnlyList<double> CorruptedValues { get; init; } = [];
}

/// <summary>
/// Attribution patching: (clean - corrupted) times the metric's gradient at the corrupted run, a linear estimate of activation
/// patching for all slots from two forward passes and one backward (Nanda 2023; Syed et al. 2023, arXiv:2310.10348). With more than one
/// step the gradient is the mean over token embeddings between the corrupted and the clean ones (integrated gradients; Hanna et al.
/// 2024, arXiv:2403.17806). Members are thread-safe.
/// </summary>
public static class AttributionPatching
{
    /// <summary>Estimates the effect of writing each slot's clean value into the corrupted run.</summary>
    /// <param name="model">The model.</param>
    /// <param name="clean">Rows that show the behaviour.</param>
    /// <param name="corrupted">Rows that do not; row i as long as clean row i.</param>
    /// <param name="slots">The slots; of any sites.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="steps">How many gradients are averaged, at the shares (i + 1/2) / steps of the way to the clean embeddings; 1 (the default) for the gradient at the corrupted run itself.</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">The model lacks a slot, or clean and corrupted rows differ in number or length.</exception>
    public static AttributionResult Run(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, IReadOnlyList<PatchSlot> slots, PatchMetric metric, int steps = 1, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(slots);
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        PromptPair.Require(clean, corrupted);
        foreach (var slot in slots) slot.Require(model.Config, corrupted.MaxLength);

        using var scope = NewDisposeScope();
        Site[] sites = [.. slots.Select(s => s.Site).Distinct()];
        Site embed = new(SiteKind.Embed);
        var (cleanRun, cleanValues) = PatchSweep.Measure(model, clean, new ForwardPlan().Capture([embed, .. sites]), metric, cancellationToken);
        using var to = cleanRun;
        var (corruptedRun, corruptedValues) = PatchSweep.Measure(model, corrupted, new ForwardPlan().Capture([embed, .. sites]), metric, cancellationToken);
        using var from = corruptedRun;
        metric.RequireFinite(model, cleanValues.Concat(corruptedValues));

        var effects = sites.ToDictionary(site => site, site => zeros_like(from[site])); // change times gradient, entry by entry
        for (int step = 0; step < steps; step++)
        {
            using var stepScope = NewDisposeScope();
            var plan = new ForwardPlan();
            if (steps > 1) plan.Replace(embed, value => value.Plus((to[embed] - value).Times((step + 0.5) / steps)));
            var gradients = model.Gradients(corrupted, plan, sites, FinalHidden.Site(model.Config), hidden => metric.Evaluate(model, FinalHidden.Of(model, hidden), corrupted).sum(), cancellationToken);
            foreach (var (site, gradient) in gradients)
                using (gradient) effects[site].add_(((to[site] - from[site]) * gradient).Over(steps), Kept.One);
        }
        double cleanMean = cleanValues.Average(), corruptedMean = corruptedValues.Average();
        return new AttributionResult(metric.Name, cleanMean, corruptedMean, [.. slots.Select(slot =>
        {
            using var slotScope = NewDisposeScope();
            double[] values = [.. slot.Of(effects[slot.Site]).flatten(1).sum([1], type: ScalarType.Float64).cpu().data<double>()];
            double value = values.Average();
            return new AttributionEffect(slot, value, cleanMean == corruptedMean ? null : value / (cleanMean - corruptedMean)) { Values = values };
        })])
        {
            CleanValues = cleanValues,
            CorruptedValues = corruptedValues,
        };
    }
}
