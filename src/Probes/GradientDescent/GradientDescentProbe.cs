using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Whether in-context learning is gradient descent (von Oswald et al. 2023, arXiv:2212.07677), on linear regression tasks without noise: the layer of linear
/// self-attention that IS a step, by construction; layers that were trained on such tasks, held against as many steps, GD++ and least squares; and what all
/// of them do where tasks, queries or inputs are unlike those of training (Zhang, Frei &amp; Bartlett 2024, arXiv:2306.09927). While it runs torch uses one
/// thread in the whole process, so that results don't depend on the number of cores; one run at a time.
/// </summary>
/// <remarks>
/// Learning rates (and gamma) are searched on tasks of their own, all models and algorithms are measured on the same test tasks. Losses are half the
/// squared error. For answers that are linear in the query, as those of linear attention, they are expectations over queries.
/// </remarks>
public static class GradientDescentProbe
{
    private const int CheckTasks = 1000;
    private static readonly int[] ComparedSteps = [1, 2, 4, 8];

    /// <summary>Checks the construction, trains, measures.</summary>
    /// <param name="options">Settings; null for the defaults, which take about a minute of one core.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every step; what was saved at a checkpoint stays.</param>
    /// <exception cref="ArgumentOutOfRangeException">A setting is out of its range.</exception>
    /// <exception cref="IOException">A checkpoint cannot be written.</exception>
    /// <exception cref="Models.ModelFormatException">A saved run is of other settings or damaged.</exception>
    public static GradientDescentResult Run(GradientDescentOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        return TorchThreads.One(() =>
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            return Measure(options, progress, cancellationToken);
        });
    }

    private static GradientDescentResult Measure(GradientDescentOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        var optimum = OneStepOptimum.Of(options.Dimension, options.Examples, options.Range);
        var settings = Settings(options, optimum);
        GradientReference steps = settings.Single(s => s.Kind == ReferenceKind.GradientDescent && s.Steps == options.Layers), corrected = settings.Single(s => s.Kind == ReferenceKind.PlusPlus);
        var construction = GradientConstruction.Check(options, CheckTasks, steps.Eta, corrected.Gamma);

        double done = 0, total = options.Seeds * ((double)options.Steps + (options.Softmax?.Steps ?? 0));
        using var bench = new AlignmentBench(options, optimum, settings);
        var runs = new List<GradientDescentRun>();
        var softmax = new List<GradientDescentRun>();
        foreach (int seed in Enumerable.Range(1, options.Seeds).Select(number => unchecked((options.Seed * 1000) + number)))
        {
            var trainer = new LinearAttentionTrainer(options, seed);
            runs.Add(bench.Add(trainer, seed, Train(trainer, $"linear-L{options.Layers}-seed{seed}", options.Steps), options.Layers > 1 ? corrected : steps));
            if (options.Softmax is not { } settingsOf) continue;
            var transformer = new SoftmaxTransformer(options.Family, settingsOf, seed);
            softmax.Add(bench.Add(transformer, seed, Train(transformer, $"softmax-L{settingsOf.Layers}-seed{seed}", settingsOf.Steps)));
        }
        return new() { Options = options, Optimum = optimum, Construction = construction, References = bench.References, Runs = runs, Softmax = softmax, Shifts = bench.Shifts(cancellation) };

        IReadOnlyList<double> Train(IResumableModel model, FormattableString name, int count)
        {
            double from = done / total;
            done += count;
            string? path = options.CheckpointFolder is { } folder ? Path.Combine(folder, FormattableString.Invariant(name) + ".safetensors") : null;
            return ResumableTraining.Train(model, count, path, progress.Part(from, done / total), cancellation);
        }
    }

    /// <summary>The algorithms with their searched settings, and no loss yet.</summary>
    private static GradientReference[] Settings(GradientDescentOptions options, OneStepOptimum optimum)
    {
        using var search = new StepSearch(options, optimum);
        GradientReference Of(ReferenceKind kind, int steps)
        {
            var (eta, gamma) = search.Best(steps, kind == ReferenceKind.PlusPlus);
            return new(kind, steps, eta, gamma, default);
        }
        return
        [
            .. ComparedSteps.Append(options.Layers).Distinct().Order().Select(k => Of(ReferenceKind.GradientDescent, k)),
            Of(ReferenceKind.PlusPlus, Math.Max(2, options.Layers)),
            new(ReferenceKind.LeastSquares, 0, 0, 0, default),
        ];
    }
}
