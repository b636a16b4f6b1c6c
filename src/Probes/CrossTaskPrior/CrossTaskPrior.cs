using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Whether a transformer learns the prior that tasks have in common (Lu &amp; Yu 2025, arXiv:2505.12138): from fewer examples than unknowns,
/// y = X w + eps with n &lt; d, the answer is w, which one task alone cannot tell, and which a prior of rank r &lt; n can. Ridge, two-stage
/// ridge, the transformer and the oracle on the same tasks; and the prior, read back from the mean and the covariance of the answers.
/// Members are thread-safe.
/// </summary>
/// <remarks>
/// Risks are squared errors of w. The oracle's is known in closed form, tr S. Two-stage ridge first estimates the prior from other tasks (see
/// <c>LinearInverse.EstimatePrior</c>) and then answers as the oracle does under it; it is told the rank, n - 1 where r = n.
/// </remarks>
public static class CrossTaskPrior
{
    private const int TestDraw = 1, PriorDraw = 2, ForeignDraw = 3;

    /// <summary>Trains and measures for all ranks.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static CrossTaskPriorResult Run(CrossTaskPriorOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        using var oneThread = TorchThreads.One();
        var bootstrap = new BootstrapInterval(options.TestTasks, options.Seed, resamples: 500);
        return new()
        {
            Options = options,
            Ranks = [.. options.Ranks.Select((rank, i) => Measure(rank, options, bootstrap, progress.Part((double)i / options.Ranks.Count, (i + 1.0) / options.Ranks.Count), cancellationToken))],
        };
    }

    private static PriorRankResult Measure(int rank, CrossTaskPriorOptions options, BootstrapInterval bootstrap, IProgress<double>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var family = new PriorTaskFamily(options, rank);
        using var foreign = new PriorTaskFamily(options, rank, RandomStream.ForeignTask);
        using var transformer = new InverseTransformer(family, options);
        var loss = Train(transformer, options, progress, cancellation);

        var test = family.Draw(options.TestTasks, options.Seed, RandomStream.PriorTest, TestDraw);
        var elsewhere = foreign.Draw(options.TestTasks, options.Seed, RandomStream.PriorTest, ForeignDraw);
        var truth = new WeightPrior(family.Mean, family.Basis, ones(rank, ScalarType.Float64), options.Noise * options.Noise);
        WeightPrior estimated;
        using (var other = NewDisposeScope())
        {
            var tasks = family.Draw(options.PriorTasks, options.Seed, RandomStream.PriorTest, PriorDraw);
            estimated = LinearInverse.EstimatePrior(tasks.X, tasks.Y, Math.Min(rank, options.Examples - 1));
            foreach (var value in new[] { estimated.Mean, estimated.Basis, estimated.Variances }) value.MoveToOuterDisposeScope();
        }

        PriorLearnerResult Learner(InverseLearner learner, Func<TaskBatch, Tensor> estimate)
        {
            using var inner = NewDisposeScope();
            var answers = estimate(test);
            var recovery = PriorRecovery.Of(answers, family, options.Seed);
            return new()
            {
                Learner = learner,
                Risk = Risk(answers, test),
                ForeignRisk = Risk(estimate(elsewhere), elsewhere),
                MeanError = recovery[0],
                MeanCosine = recovery[1],
                CovarianceError = recovery[2],
                SubspaceOverlap = recovery[3],
                OutsideVariance = recovery[4],
            };
        }

        Estimate Risk(Tensor answers, TaskBatch tasks)
        {
            double[] errors = (answers - tasks.W).square().sum(-1).data<double>().ToArray();
            return new(errors.Average(), bootstrap.OfMean(errors));
        }

        return new()
        {
            Rank = rank,
            OracleRisk = LinearInverse.Posterior(test.X, test.Y, truth).Risk.mean().item<double>(),
            TrainingLoss = loss,
            Learners =
            [
                Learner(InverseLearner.Ridge, tasks => LinearInverse.Ridge(tasks.X, tasks.Y).Weights),
                Learner(InverseLearner.TwoStageRidge, tasks => LinearInverse.Posterior(tasks.X, tasks.Y, estimated).Weights),
                Learner(InverseLearner.Transformer, tasks => transformer.Estimate(tasks.X, tasks.Y)),
                Learner(InverseLearner.Oracle, tasks => LinearInverse.Posterior(tasks.X, tasks.Y, truth).Weights),
            ],
        };
    }

    private static (double First, double Last) Train(InverseTransformer transformer, CrossTaskPriorOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        var losses = new List<double>(options.Steps);
        transformer.Train(options.Steps, (step, loss) =>
        {
            losses.Add(loss);
            progress?.Report((double)step / options.Steps);
        }, cancellation);
        int tenth = Math.Max(1, options.Steps / 10);
        return (losses.Take(tenth).Average(), losses.TakeLast(tenth).Average());
    }
}
