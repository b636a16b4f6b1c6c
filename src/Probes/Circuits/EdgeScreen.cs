using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Estimates of what edges of the clean run lose with their corrupted value, for models that have too many to patch each.</summary>
internal static class EdgeScreen
{
    private const int Rows = 8, Steps = 3;

    /// <summary>Bound on a pass that keeps what its gradient needs; rows beyond it are computed after each other.</summary>
    private const double MaxBytes = 512 << 20;

    /// <summary>[edge]: the estimated change of the metric, mean over the rows.</summary>
    public static double[] Estimate(LanguageModel model, TokenBatch clean, TokenBatch corrupted, IReadOnlyList<PathEdge> edges, PatchMetric metric, IProgress<double>? progress, CancellationToken cancellation)
    {
        int rows = Math.Min(Rows, clean.Count), block = (int)Math.Clamp(MaxBytes / BytesPerRow(model.Config, clean.MaxLength), 1, rows);
        double[] sums = new double[edges.Count];
        for (int first = 0; first < rows; first += block)
        {
            int count = Math.Min(block, rows - first);
            var estimates = EdgeAttribution.Run(model, clean: corrupted.Block(first, count), corrupted: clean.Block(first, count), edges, metric.ForRows(first, count), Steps, progress.Part((double)first / rows, (double)(first + count) / rows), cancellation);
            for (int i = 0; i < sums.Length; i++) sums[i] += estimates[i] * count / rows;
        }
        return sums;
    }

    // Of each block: residuals, norms, q, k, v, z and their gradients; scores and pattern; the MLP.
    private static double BytesPerRow(DecoderConfig config, int length) =>
        sizeof(float) * (double)config.Layers * length * ((24.0 * config.DModel) + (4.0 * config.Heads * length) + (6.0 * config.DMlp));
}
