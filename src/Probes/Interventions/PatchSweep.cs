using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>The metric of a base run and of every patched run.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Base">The metric of each row without a patch.</param>
/// <param name="Patched">[patch][row]: the metric of each row with the patch, in the order in which patches were given.</param>
public sealed record SweepResult(string Metric, IReadOnlyList<double> Base, IReadOnlyList<double[]> Patched)
{
    /// <summary>Mean of the metric over the rows without a patch.</summary>
    public double BaseMean => Base.Average();

    /// <summary>Mean of the metric over the rows with a patch.</summary>
    public double PatchedMean(int patch) => Patched[patch].Average();
}

/// <summary>
/// The patching engine: runs a model many times over the same rows, each time with one <see cref="Patch"/>. Ablation, activation
/// patching, knock-out and path patching are settings of it.
/// </summary>
/// <remarks>
/// A patched run is computed where it can differ from the base run and the metric can notice: from the patched value on, at the
/// positions from the first changed one on (what lies before comes from the base run's keys and values), and behind the last block's
/// keys at the positions that the metric reads. Patches that start at the same place are stacked along the batch; what is computed
/// together, <see cref="SweepOptions"/> says. Members are thread-safe.
/// </remarks>
public static class PatchSweep
{
    /// <summary>Runs the base once and every patch once.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows of the base run; each patch is computed on all of them.</param>
    /// <param name="patches">The patches.</param>
    /// <param name="metric">What is read from each run.</param>
    /// <param name="options">How runs are stacked; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">A patch names a site that the model lacks, or one outside the blocks.</exception>
    /// <exception cref="InvalidTokensException">A token is outside the vocabulary, or a row does not fit the context or the metric.</exception>
    /// <exception cref="InvalidDataException">The results file is another sweep's.</exception>
    /// <exception cref="ModelFormatException">The metric without a patch is no number.</exception>
    public static SweepResult Run(
        LanguageModel model, TokenBatch tokens, IReadOnlyList<Patch> patches, PatchMetric metric,
        SweepOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(patches);
        ArgumentNullException.ThrowIfNull(metric);
        var config = model.Config;
        tokens.Validate(config);
        foreach (var site in patches.SelectMany(p => p.Edits).Select(e => e.Site).Distinct())
            new PatchSlot(site.Kind, site.Layer).Require(config, tokens.MaxLength);
        options ??= new();
        options.Validate();
        metric.Validate(config, tokens);
        if (model.IsGraph) patches = [.. patches.Select(patch => patch with { Edits = [.. patch.Edits.Select(edit => edit.FromStart())] })];
        var (stacks, blockRows) = SweepStack.Cut(config, tokens, patches, metric, options);
        int[] sizes = [.. stacks.Select(s => s.Patches.Length * s.Rows)];
        using var own = options.ResultsFile is { } path ? new SweepFile(path, SweepIdentity.Of(model, tokens, patches, metric, stacks), SweepFile.NumbersOf(sizes)) : null;
        var file = own ?? options.File;

        var results = new SweepValues(stacks, progress);
        double[][] finished = file?.Take(sizes) ?? [];
        own?.End();
        foreach (double[] values in finished) results.Add(values);
        double[] metrics = new double[tokens.Count];
        var left = stacks.Skip(finished.Length).ToLookup(s => s.FirstRow);
        for (int row = 0; row < tokens.Count; row += blockRows)
        {
            var rows = tokens.Block(row, blockRows);
            if (left.Contains(row)) foreach (var source in options.Sources) source.Load(row, rows.Count);
            using IBaseRun baseRun = model.IsGraph
                ? new GraphRun(model, rows, metric.ForRows(row, rows.Count), left[row].Select(stack => stack.Patches.Select(p => patches[p])), cancellationToken)
                : new BaseRun(model, rows, metric.ForRows(row, rows.Count), [.. left[row]], cancellationToken);
            metric.RequireFinite(model, baseRun.Metric);
            baseRun.Metric.CopyTo(metrics, row);
            foreach (var stack in left[row])
            {
                options.Watch?.Invoke(stack);
                double[] values = baseRun.Run(stack, [.. stack.Patches.Select(p => patches[p])], cancellationToken);
                file?.Append(values);
                results.Add(values);
            }
        }
        return new SweepResult(metric.Name, metrics, results.Patched(metrics, patches.Count));
    }

    /// <summary>Runs a plan and reads the metric of each row beside what the plan asks for; all rows may stand there several times.</summary>
    internal static (ForwardResult Run, double[] Values) Measure(LanguageModel model, TokenBatch tokens, ForwardPlan plan, PatchMetric metric, CancellationToken cancellation, int repeats = 1)
    {
        tokens.Validate(model.Config);
        metric.Validate(model.Config, repeats == 1 ? tokens : tokens.Block(0, tokens.Count / repeats));
        double[] values = [];
        plan.Observe(FinalHidden.Site(model.Config), hidden =>
        {
            using var scope = NewDisposeScope();
            values = metric.Evaluate(model, FinalHidden.Of(model, hidden), tokens).to_type(ScalarType.Float64).cpu().data<double>().ToArray();
        });
        return (model.Run(tokens, plan, cancellation), values);
    }
}
