using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What an ablated value is replaced by.</summary>
public enum AblationKind
{
    /// <summary>Zero. Can push a model off its distribution: losses can end above those of a uniform guess.</summary>
    Zero,

    /// <summary>The mean over rows and positions of the reference set.</summary>
    Mean,

    /// <summary>The mean over the rows of the reference set, at each position.</summary>
    MeanPerPosition,

    /// <summary>The value on another row of the reference set.</summary>
    Resample,
}

/// <summary>How values are ablated.</summary>
public sealed record AblationOptions
{
    /// <summary>What values are replaced by.</summary>
    /// <value>Default: the mean at each position.</value>
    public AblationKind Kind { get; init; } = AblationKind.MeanPerPosition;

    /// <summary>The rows from which replacements come.</summary>
    /// <value>Default (null): the rows themselves.</value>
    public TokenBatch? Reference { get; init; }

    /// <summary>Whether all later layers keep the attention patterns of the run without ablation (Olsson et al. 2022, pattern-preserving ablation).</summary>
    /// <value>Default false.</value>
    public bool KeepPatterns { get; init; }

    /// <summary>Chooses the rows of <see cref="AblationKind.Resample"/>.</summary>
    /// <value>Default 0.</value>
    public int Seed { get; init; }

    /// <summary>How runs are stacked.</summary>
    /// <value>Default: <see cref="SweepOptions"/>' own.</value>
    public SweepOptions Sweep { get; init; } = new();
}

/// <summary>What the metric loses or gains without some values.</summary>
/// <param name="Slots">What was ablated together.</param>
/// <param name="Change">Metric after the ablation minus before, mean over the rows.</param>
/// <param name="Changes">The same of each row.</param>
public sealed record AblationEffect(IReadOnlyList<PatchSlot> Slots, double Change, IReadOnlyList<double> Changes);

/// <summary>The effects of ablations.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Base">The metric without ablation, mean over the rows.</param>
/// <param name="Effects">One per set of slots, in the order given.</param>
public sealed record AblationResult(string Metric, double Base, IReadOnlyList<AblationEffect> Effects)
{
    /// <summary>The metric of each row without ablation.</summary>
    public IReadOnlyList<double> BaseValues { get; init; } = [];
}

/// <summary>Ablation: replaces values by ones that say nothing about the row, and reads what that does to a metric. Members are thread-safe.</summary>
public static class Ablation
{
    /// <summary>Ablates the outputs (z) of heads, each alone.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows on which the metric is read.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="heads">The heads; null for all, layer by layer.</param>
    /// <param name="options">How values are ablated; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">The model lacks a head.</exception>
    /// <exception cref="InvalidTokensException">The reference set cannot stand in for the rows, see <see cref="OfSets"/>.</exception>
    public static AblationResult OfHeads(
        LanguageModel model, TokenBatch tokens, PatchMetric metric, IReadOnlyList<HeadId>? heads = null,
        AblationOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        heads ??= HeadId.All(model.Config);
        foreach (var head in heads) head.Require(model.Config);
        return OfSets(model, tokens, metric, [.. heads.Select(h => (PatchSlot[])[new PatchSlot(SiteKind.Z, h.Layer, h.Head)])], options, progress, cancellationToken);
    }

    /// <summary>Ablates sets of slots, the slots of a set together.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows on which the metric is read.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="sets">What is ablated, set by set.</param>
    /// <param name="options">How values are ablated; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">The model lacks a slot.</exception>
    /// <exception cref="InvalidTokensException">The reference set cannot stand in for the rows: its rows are too short or too few, or differ in length from those that they replace.</exception>
    public static AblationResult OfSets(
        LanguageModel model, TokenBatch tokens, PatchMetric metric, IReadOnlyList<IReadOnlyList<PatchSlot>> sets,
        AblationOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentNullException.ThrowIfNull(sets);
        options ??= new();
        foreach (var slot in sets.SelectMany(s => s)) slot.Require(model.Config, tokens.MaxLength);

        using var scope = NewDisposeScope();
        Site[] sites = [.. sets.SelectMany(s => s).Select(s => s.Site).Distinct()];
        using var resampled = options.Kind == AblationKind.Resample && sites.Length > 0 ? new SourceRows(model, Replacements.Drawn(tokens, sites, options), sites, cancellationToken) : null;
        var means = resampled is null ? Replacements.Means(model, tokens, sites, options, cancellationToken) : [];
        string how = $"{options.Kind} of {SweepIdentity.OfTokens(options.Reference ?? tokens)}, seed {options.Seed}{(options.KeepPatterns ? ", patterns kept" : "")}";
        return With(slot => resampled is not null ? Patch.CopyEdit(slot, resampled) : Edit(slot, means), how, model, tokens, metric, sets, options.KeepPatterns,
            options.Sweep with { Sources = resampled is null ? [] : [resampled] }, progress, cancellationToken);
    }

    /// <summary>Ablates sets of slots with given values.</summary>
    /// <param name="replacements">By site, a value of it or one that broadcasts to it along the batch; zero where there is none.</param>
    /// <param name="how">What tells these values from others, for a results file.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows on which the metric is read.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="sets">What is ablated, set by set; the model has it.</param>
    /// <param name="keepPatterns">As <see cref="AblationOptions.KeepPatterns"/>.</param>
    /// <param name="options">How runs are stacked; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    internal static AblationResult With(
        IReadOnlyDictionary<Site, Tensor> replacements, string how, LanguageModel model, TokenBatch tokens, PatchMetric metric, IReadOnlyList<IReadOnlyList<PatchSlot>> sets,
        bool keepPatterns = false, SweepOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        With(slot => Edit(slot, replacements), how, model, tokens, metric, sets, keepPatterns, options ?? new(), progress, cancellationToken);

    private static SiteEdit Edit(PatchSlot slot, IReadOnlyDictionary<Site, Tensor> replacements) =>
        replacements.TryGetValue(slot.Site, out var value) ? Patch.CopyEdit(slot, value) : Patch.ZeroEdit(slot);

    private static AblationResult With(
        Func<PatchSlot, SiteEdit> edit, string how, LanguageModel model, TokenBatch tokens, PatchMetric metric, IReadOnlyList<IReadOnlyList<PatchSlot>> sets,
        bool keepPatterns, SweepOptions options, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        int firstLayer = sets.SelectMany(s => s).Select(s => s.Layer).DefaultIfEmpty(model.Config.Layers).Min();
        Site[] later = keepPatterns ? [.. Enumerable.Range(0, model.Config.Layers).Where(layer => layer > firstLayer).Select(Site.Pattern)] : [];
        using var patterns = new SourceRows(model, tokens, later, cancellationToken);
        var patches = sets.Select(set =>
        {
            int first = set.Select(s => s.Layer).DefaultIfEmpty(model.Config.Layers).Min();
            return new Patch([
                .. set.Select(edit),
                .. later.Where(site => site.Layer > first).Select(site => Patch.CopyEdit(new PatchSlot(SiteKind.Pattern, site.Layer), patterns, tokens.MaxLength))]) // changes nothing by itself
            {
                Identity = $"{how}: {string.Join(' ', set)}",
            };
        }).ToArray();
        options = options with { Sources = [.. options.Sources, patterns] };
        var sweep = PatchSweep.Run(model, tokens, patches, metric, options, progress, cancellationToken);
        return new AblationResult(metric.Name, sweep.BaseMean, [.. sets.Select((set, i) =>
        {
            double[] changes = [.. sweep.Patched[i].Zip(sweep.Base, (after, before) => after - before)];
            return new AblationEffect(set, changes.Average(), changes);
        })])
        {
            BaseValues = sweep.Base,
        };
    }
}
