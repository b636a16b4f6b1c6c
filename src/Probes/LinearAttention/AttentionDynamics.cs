namespace MlNetIcl.Probes;

/// <summary>
/// How linear attention learns in-context linear regression (Zhang, Singh, Latham &amp; Saxe 2025, arXiv:2501.16265). Each sequence has N demonstrations of a
/// task y = w . x of its own, with w ~ N(0, I) and x ~ N(0, covariance), and a query; the loss is its answer's squared error. With one matrix for key and query
/// ('merged') attention is a two-layer linear network on z = (1/N) sum y_n x_n x_q^T, whose loss drops once; with separate rank-1 keys and queries it
/// learns one principal component of the inputs after another, the largest first, and rests between them. Members are thread-safe.
/// </summary>
/// <remarks>
/// Full-batch gradient descent in float64 on fixed sequences. Ends and plateaus are judged by the loss in the population, in closed form from the learned
/// matrix: tr L - 2 tr(L M^T L) + tr(M L M^T L G), L the covariance, G = (1 + 1/N) L + tr(L)/N I; its minimum is tr L - tr(L^2 G^-1). The covariance is diagonal,
/// which costs no generality: first weights and gradient descent have no preferred directions. The query itself is no demonstration: its own y is 0.
/// </remarks>
public static class AttentionDynamics
{
    private const double Spacing = 1.02; // between recorded steps
    private const double Nearness = 0.005, NearnessOfLeast = 0.02; // to the optimum, and of the least component's worth: then a training has converged
    private const double LeastDrop = 0.5; // of the same: what takes less is no drop
    private const int StepsBetweenChecks = 1024; // of cancellation

    /// <summary>Trains and measures both kinds.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1], each training counting alike.</param>
    /// <param name="cancellationToken">Checked every 1,024 steps, and before every sequence that is drawn.</param>
    /// <exception cref="ArgumentException">An option is out of range, or a learning rate is so large that a training diverges.</exception>
    public static AttentionDynamicsResult Run(AttentionDynamicsOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        double trace = options.Eigenvalues.Sum();
        var theory = new LinearTaskTheory([.. options.Eigenvalues.Select(e => e / trace)], options.Examples);
        KeyQueryKind[] kinds = Enum.GetValues<KeyQueryKind>();
        var runs = kinds.ToDictionary(kind => kind, _ => new List<DynamicsRun>());
        for (int run = 0; run < options.Seeds; run++)
        {
            int seed = unchecked((options.Seed * 1000) + run);
            var moments = SequenceMoments.Draw(theory.Lambda, options.Examples, options.Sequences, new SeededRandom(seed, RandomStream.LinearSequences), cancellationToken);
            double least = moments.LeastLoss();
            foreach (var kind in kinds)
            {
                double done = runs.Values.Sum(r => r.Count), all = kinds.Length * options.Seeds;
                runs[kind].Add(Train(kind, seed, theory, moments, least, options, progress.Part(done / all, (done + 1) / all), cancellationToken));
            }
        }
        var bootstrap = new BootstrapInterval(options.Seeds, options.Seed);
        return new()
        {
            Options = options,
            Eigenvalues = theory.Lambda,
            Levels = theory.Levels,
            Kinds = [.. kinds.Select(kind => Summary(kind, runs[kind], theory, options, bootstrap))],
        };
    }

    private static KeyQueryResult Summary(KeyQueryKind kind, List<DynamicsRun> runs, LinearTaskTheory theory, AttentionDynamicsOptions options, BootstrapInterval bootstrap)
    {
        double[] ends = [.. runs.Select(run => run.Points[^1].Loss)];
        return new()
        {
            Kind = kind,
            Heads = options.HeadsInEffect,
            InitialSize = options.SizeInEffect,
            LearningRate = options.RateOf(kind, theory.Lambda.Max()),
            ExpectedDrops = kind == KeyQueryKind.Merged ? 1 : Math.Min(options.HeadsInEffect, options.Dimension),
            FinalLoss = new(ends.Average(), bootstrap.OfMean(ends)),
            Runs = runs,
        };
    }

    private static DynamicsRun Train(KeyQueryKind kind, int seed, LinearTaskTheory theory, SequenceMoments moments, double least, AttentionDynamicsOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        int d = options.Dimension, last = options.Steps ?? options.MostSteps;
        double rate = options.RateOf(kind, theory.Lambda.Max()), near = least + Math.Min(Nearness * least, NearnessOfLeast * theory.LeastWorth);
        var random = new SeededRandom(seed, RandomStream.LinearHeads);
        KeyQueryHeads heads = kind == KeyQueryKind.Merged
            ? new MergedHeads(options.HeadsInEffect, d, options.SizeInEffect, random)
            : new SeparateHeads(options.HeadsInEffect, d, options.SizeInEffect, random);
        double[] m = new double[d * d], gradient = new double[d * d];
        var recorded = new List<DynamicsMoment>();
        int next = 0;
        for (int step = 0; ; step++)
        {
            if (step % StepsBetweenChecks == 0) cancellation.ThrowIfCancellationRequested();
            heads.Product(m);
            double loss = moments.Loss(m, gradient);
            if (step == next || step == last)
            {
                if (!(loss < double.MaxValue)) throw Diverged(kind, rate, step, options);
                recorded.Add(new(step, theory.Loss(m), loss, theory.Learned(m), heads.Snapshot()));
                if (step == last || (options.Steps is null && loss <= near)) break;
                next = Math.Max(step + 1, (int)Math.Min(last, step * Spacing));
                progress?.Report(Math.Min(1, options.Steps is { } steps ? (double)step / steps : (1 - loss) / (1 - least)));
            }
            heads.Step(gradient, rate);
        }
        return DynamicsReading.Of(seed, recorded, theory, least, LeastDrop * theory.LeastWorth) with { Converged = recorded[^1].TrainingLoss <= near };
    }

    private static ArgumentException Diverged(KeyQueryKind kind, double rate, int step, AttentionDynamicsOptions options)
    {
        var (name, value) = step == 0 ? (nameof(AttentionDynamicsOptions.InitialSize), options.SizeInEffect)
            : (kind == KeyQueryKind.Merged ? nameof(AttentionDynamicsOptions.MergedRate) : nameof(AttentionDynamicsOptions.SeparateRate), rate);
        return new ArgumentException(FormattableString.Invariant($"{nameof(AttentionDynamicsOptions)}.{name} of {value:G3} is too large: the loss is no number any more at step {step}. Take a smaller one."), name);
    }
}
