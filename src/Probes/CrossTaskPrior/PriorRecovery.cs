using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Mean and covariance of estimates against those of the tasks' weights, with normal intervals over tasks, by the bootstrap's standard error: resampling makes distances longer, so that percentiles would miss their own estimate.</summary>
internal static class PriorRecovery
{
    private const int Resamples = 200;

    /// <summary>Mean error, cosine, covariance error, subspace overlap, share outside, in this order.</summary>
    public static Estimate[] Of(Tensor estimates, PriorTaskFamily family, int seed)
    {
        using var scope = NewDisposeScope();
        long tasks = estimates.shape[0];
        double[] measured = Figures(estimates, family);
        var random = new SeededRandom(seed, RandomStream.NestedBootstrap);
        var resampled = new double[Resamples][];
        for (int b = 0; b < Resamples; b++)
        {
            using var resample = NewDisposeScope();
            long[] drawn = new long[tasks];
            for (int i = 0; i < drawn.Length; i++) drawn[i] = random.Next((int)tasks);
            resampled[b] = Figures(estimates.index_select(0, tensor(drawn)), family);
        }
        return [.. measured.Select((value, figure) =>
        {
            double mean = resampled.Average(r => r[figure]), half = 1.96 * Math.Sqrt(resampled.Sum(r => Math.Pow(r[figure] - mean, 2)) / (Resamples - 1));
            return new Estimate(value, new Interval(value - half, value + half));
        })];
    }

    private static double[] Figures(Tensor estimates, PriorTaskFamily family)
    {
        var mean = estimates.mean([0]);
        var centred = estimates - mean;
        var covariance = mm(centred.t(), centred).Over(estimates.shape[0] - 1);
        var truth = mm(family.Basis, family.Basis.t());
        var top = linalg.eigh(covariance).Item2.narrow(1, family.Dimension - family.Rank, family.Rank);
        double Number(Tensor value) => value.item<double>();
        return
        [
            Number((mean - family.Mean).norm() / family.Mean.norm()),
            Number((mean * family.Mean).sum() / (mean.norm() * family.Mean.norm())),
            Number((covariance - truth).norm() / truth.norm()),
            Number(mm(family.Basis.t(), top).square().sum()) / family.Rank,
            1 - Number((covariance * truth).sum() / covariance.trace()),
        ];
    }
}
