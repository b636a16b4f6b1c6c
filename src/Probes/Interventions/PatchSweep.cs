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
/// Nothing before a patch's first layer is computed again: a patched run starts there, from the base run's residual stream. Patches
/// that start at the same layer are stacked along the batch. Members are thread-safe.
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
        var stacks = Stacks(config, tokens, patches, options);
        metric.Validate(config, tokens);
        using var file = options.ResultsFile is { } path
            ? new SweepFile(path, SweepIdentity.Of(model, tokens, patches, metric, stacks), [.. stacks.Select(s => s.Patches.Length * s.Rows)]) : null;

        var left = stacks.Skip(file?.Finished.Count ?? 0).ToArray();
        var (run, values) = Measure(model, tokens, new ForwardPlan().Capture(left.Select(s => Site.ResidPre(s.Layer)).Distinct()), metric, cancellationToken);
        using var baseRun = run;
        double[][] patched = [.. patches.Select(_ => new double[tokens.Count])];
        int done = 0;
        for (int i = 0; i < stacks.Length; i++)
        {
            var stack = stacks[i];
            double[] metrics;
            if (i < stacks.Length - left.Length)
            {
                metrics = file!.Finished[i];
            }
            else
            {
                metrics = RunStack(model, tokens, [.. stack.Patches.Select(p => patches[p])], stack.Layer, baseRun[Site.ResidPre(stack.Layer)], metric, cancellationToken);
                file?.Append(metrics);
            }
            for (int p = 0; p < stack.Patches.Length; p++)
                Array.Copy(metrics, p * stack.Rows, patched[stack.Patches[p]], stack.FirstRow, stack.Rows);
            done += metrics.Length;
            progress?.Report((double)done / (patches.Count * tokens.Count));
        }
        return new SweepResult(metric.Name, values, patched);
    }

    /// <summary>Patches that start at the same layer, stack by stack; where a stack ends depends on the sweep alone.</summary>
    private static SweepStack[] Stacks(DecoderConfig config, TokenBatch tokens, IReadOnlyList<Patch> patches, SweepOptions options)
    {
        int size = options.StackFor(config, tokens.Count, tokens.MaxLength);
        var byLayer = Enumerable.Range(0, patches.Count).GroupBy(i => patches[i].FirstLayer(config)).OrderBy(g => g.Key);
        return [.. byLayer.SelectMany(group => group.Chunk(size).Select(some => new SweepStack(group.Key, some, 0, tokens.Count)))];
    }

    /// <summary>Runs a plan and reads the metric of each row beside what the plan asks for.</summary>
    internal static (ForwardResult Run, double[] Values) Measure(LanguageModel model, TokenBatch tokens, ForwardPlan plan, PatchMetric metric, CancellationToken cancellation)
    {
        tokens.Validate(model.Config);
        metric.Validate(model.Config, tokens);
        return Read(model, tokens, plan, metric, cancellation);
    }

    private static (ForwardResult Run, double[] Values) Read(LanguageModel model, TokenBatch tokens, ForwardPlan plan, PatchMetric metric, CancellationToken cancellation)
    {
        double[] values = [];
        plan.Observe(FinalHidden.Site(model.Config), hidden =>
        {
            using var scope = NewDisposeScope();
            values = metric.Evaluate(model, FinalHidden.Of(model, hidden), tokens).to_type(ScalarType.Float64).cpu().data<double>().ToArray();
        });
        return (model.Run(tokens, plan, cancellation), values);
    }

    /// <summary>[patch * row]: one pass for all patches of a stack.</summary>
    private static double[] RunStack(LanguageModel model, TokenBatch tokens, Patch[] stack, int layer, Tensor residual, PatchMetric metric, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        int rows = tokens.Count;
        var plan = new ForwardPlan().StartFrom(layer, residual.repeat([stack.Length, 1, 1])); // [patch * batch, pos, d_model]
        var bySite = stack.SelectMany((patch, i) => patch.Edits.Select(edit => (At: i, Edit: edit))).GroupBy(e => e.Edit.Site);
        foreach (var site in bySite)
        {
            var edits = site.ToArray();
            plan.Replace(site.Key, value =>
            {
                var edited = value.clone();
                foreach (var (at, edit) in edits)
                {
                    using var own = NewDisposeScope();
                    edit.Write(edited.narrow(0, (long)at * rows, rows));
                }
                return edited;
            });
        }
        var stacked = new TokenBatch([.. stack.SelectMany(_ => tokens.Rows)]);
        var (run, values) = Read(model, stacked, plan, metric, cancellation);
        run.Dispose();
        return values;
    }
}
