using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>What circuits keep of a metric.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Full">The metric of each row with all edges: the clean run.</param>
/// <param name="Empty">The same with none: the corrupted run, held against the clean rows' targets.</param>
/// <param name="Values">[circuit][row]: the same of each circuit.</param>
public sealed record CircuitPatchingResult(string Metric, IReadOnlyList<double> Full, IReadOnlyList<double> Empty, IReadOnlyList<double[]> Values)
{
    /// <summary>
    /// (circuit - empty) / (full - empty), each the mean over rows (Hanna et al. 2024, arXiv:2403.17806; Marks et al. 2024,
    /// arXiv:2403.19647): 1 for all edges, 0 for none. Null where full and empty have the same metric.
    /// </summary>
    public double? Faithfulness(int circuit) => Share(Values[circuit]);

    private double? Share(double[] values)
    {
        double empty = Empty.Average(), gap = Full.Average() - empty;
        return gap == 0 ? null : (values.Average() - empty) / gap;
    }
}

/// <summary>
/// Runs circuits: sets of edges of which each carries what its sender says in this very run, while every other edge of the model
/// carries what its sender says in the corrupted run (edge-level resample ablation; Conmy et al. 2023, arXiv:2304.14997, section 3;
/// Miller et al. 2024, arXiv:2407.08734, on how much depends on that choice). Members are thread-safe.
/// </summary>
/// <remarks>
/// Embedding, heads and MLPs send; queries, keys and values of heads, MLPs and the logits receive (<see cref="PathEdge"/>). What is equal in clean
/// and corrupted rows (positions, a common first token) is there in both and takes no part. Nothing outside the circuit is computed.
/// </remarks>
public static class CircuitPatching
{
    /// <summary>Bound on what is kept of the corrupted run; rows beyond it are computed after each other.</summary>
    private const double MaxBytes = 256 << 20;

    /// <summary>Runs circuits on pairs of rows.</summary>
    /// <param name="model">The model.</param>
    /// <param name="clean">Rows that show the behaviour.</param>
    /// <param name="corrupted">Rows that do not; row i as long as clean row i.</param>
    /// <param name="circuits">The edges of each circuit.</param>
    /// <param name="metric">What is read from each run; its targets are those of the clean rows.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ModelFormatException">The metric is no number.</exception>
    /// <exception cref="ArgumentException">An edge does not exist, or clean and corrupted rows differ in number or length.</exception>
    public static CircuitPatchingResult Run(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, IReadOnlyList<IReadOnlyCollection<PathEdge>> circuits, PatchMetric metric,
        IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        Run(model, clean, corrupted, circuits, metric, file: null, progress, cancellationToken);

    /// <param name="model">The model.</param>
    /// <param name="clean">Rows that show the behaviour.</param>
    /// <param name="corrupted">Rows that do not.</param>
    /// <param name="circuits">The edges of each circuit.</param>
    /// <param name="metric">What is read from each run.</param>
    /// <param name="file">Where finished runs are and go; null for nowhere.</param>
    /// <param name="progress">Told the share done.</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    internal static CircuitPatchingResult Run(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, IReadOnlyList<IReadOnlyCollection<PathEdge>> circuits, PatchMetric metric,
        SweepFile? file, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(circuits);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(metric);
        foreach (var edge in circuits.SelectMany(c => c)) PathRules.Require(edge, model.Config);
        metric.Validate(model.Config, clean);
        PromptPair.Require(clean, corrupted);
        var (full, empty) = (new List<double>(), new List<double>());
        List<double>[] values = [.. circuits.Select(_ => new List<double>())];
        int rows = (int)Math.Clamp(MaxBytes / CircuitRuns.BytesPerRow(model.Config, clean.MaxLength), 1, clean.Count);
        for (int first = 0; first < clean.Count; first += rows)
        {
            int count = Math.Min(rows, clean.Count - first);
            double[][] finished = file?.Take([.. Enumerable.Repeat(count, circuits.Count)]) ?? [];
            using var runs = new CircuitRuns(model, clean.Block(first, count), corrupted.Block(first, count), metric.ForRows(first, count), cancellationToken);
            metric.RequireFinite(model, runs.Full.Concat(runs.Empty));
            full.AddRange(runs.Full);
            empty.AddRange(runs.Empty);
            for (int i = 0; i < values.Length; i++)
            {
                double[] kept = i < finished.Length ? finished[i] : runs.Values(circuits[i], cancellationToken);
                if (i >= finished.Length) file?.Append(kept);
                values[i].AddRange(kept);
                progress?.Report((first + (count * (i + 1.0) / values.Length)) / clean.Count);
            }
        }
        return new CircuitPatchingResult(metric.Name, full, empty, [.. values.Select(v => v.ToArray())]);
    }
}
