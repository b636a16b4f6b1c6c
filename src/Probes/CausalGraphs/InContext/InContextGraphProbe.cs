using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Whether a transformer infers a graph from examples in its prompt: the kernel is always the same, the graph another one in each prompt, and examples show it ('How Transformers Learn
/// Causal Structures In-Context', ICLR 2026). The reference is Bayesian model averaging, exact here. Members are thread-safe.
/// </summary>
public static class InContextGraphProbe
{
    /// <summary>Trains and measures, one seed after the other.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="ModelFormatException">The checkpoint folder holds a run of other settings, or one beyond the last step.</exception>
    public static InContextGraphResult Run(InContextGraphOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        return TorchThreads.One(() => new InContextGraphResult
        {
            Options = options,
            Runs = [.. Enumerable.Range(0, options.Seeds).Select(run => Run(options, run, progress.Part((double)run / options.Seeds, (run + 1.0) / options.Seeds), cancellationToken))],
        });
    }

    private static InContextGraphRun Run(InContextGraphOptions options, int run, IProgress<double>? progress, CancellationToken cancellation)
    {
        var task = new InContextGraphTask(options, run);
        var random = new SeededRandom(options.SeedOf(run), RandomStream.InContextTest);
        int[][] graphs = [.. Enumerable.Range(0, options.TestPrompts).Select(_ => new int[task.Length])];
        int[][] prompts = [.. graphs.Select(parents => task.Draw(random, parents))];

        using var trainer = new InContextGraphTrainer(task, options, run);
        float[][] untrained = trainer.Predict(prompts, cancellation);
        string? checkpoint = options.CheckpointFolder is { } folder ? Path.Combine(folder, FormattableString.Invariant($"context{options.SeedOf(run)}.safetensors")) : null;
        ResumableTraining.Train(trainer, options.Steps, checkpoint, progress, cancellation);
        float[][] trained = trainer.Predict(prompts, cancellation);

        var measures = prompts.Select((values, i) => Measure(task, values, graphs[i], trained[i], untrained[i])).ToArray();
        var bootstrap = new BootstrapInterval(prompts.Length, options.Seed);
        return new()
        {
            Seed = options.SeedOf(run),
            Kernel = [.. Enumerable.Range(0, task.Vocabulary).Select(value => (IReadOnlyList<double>)[.. task.Kernel(value)])],
            Points = [.. Enumerable.Range(0, task.Sequences).Select(examples => Point(examples, [.. measures.Select(m => m[examples])], bootstrap))],
            TrueParent = measures.Average(m => m[^1].TrueParent),
        };
    }

    private static InContextGraphPoint Point(int examples, Measures[] prompts, BootstrapInterval bootstrap)
    {
        double Mean(Func<Measures, double> of) => prompts.Average(of);
        Estimate WithInterval(double[] values) => new(values.Average(), bootstrap.OfMean(values));
        double worth = Mean(m => m.Uniform - m.Averaged), share = Mean(m => m.Uniform - m.Model) / worth;
        return new(examples, Mean(m => m.Model), Mean(m => m.Untrained), Mean(m => m.Averaged), Mean(m => m.Oracle), Mean(m => m.Uniform), Mean(m => m.Stationary),
            WithInterval([.. prompts.Select(m => m.Divergence)]),
            worth > 1e-6 ? WithInterval([.. prompts.Select(m => share + ((m.Uniform - m.Model - (share * (m.Uniform - m.Averaged))) / worth))]) : Estimate.None);
    }

    private readonly record struct Measures(double Model, double Untrained, double Averaged, double Oracle, double Uniform, double Stationary, double Divergence, double TrueParent);

    /// <summary>One prompt's measures by the number of examples, mean over positions from 2 on: those that have a choice of parents.</summary>
    private static Measures[] Measure(InContextGraphTask task, int[] values, int[] parents, float[] trained, float[] untrained) => [.. Enumerable.Range(0, task.Sequences).Select(examples =>
    {
        double model = 0, before = 0, averaged = 0, oracle = 0, uniform = 0, stationary = 0, divergence = 0, trueParent = 0;
        var sequence = values.AsSpan(examples * task.Length, task.Length);
        int positions = task.Length - 2;
        for (int position = 2; position < task.Length; position++)
        {
            var truth = task.Kernel(sequence[parents[position]]);
            double[] posterior = BayesianGraphAverage.Posterior(task, values, examples, position), best = BayesianGraphAverage.Predict(task, sequence, posterior), even = new double[position];
            Array.Fill(even, 1.0 / position);
            double[] mixture = BayesianGraphAverage.Predict(task, sequence, even);
            int at = ((examples * (task.Length - 1)) + position - 1) * task.Vocabulary;
            for (int value = 0; value < task.Vocabulary; value++)
            {
                double p = truth[value] / positions;
                model -= p * Log(trained[at + value]);
                before -= p * Log(untrained[at + value]);
                averaged -= p * Log(best[value]);
                oracle -= p * Log(truth[value]);
                uniform -= p * Log(mixture[value]);
                stationary -= p * Log(task.Stationary[value]);
                divergence += best[value] * (Log(best[value]) - Log(trained[at + value])) / positions;
            }
            trueParent += posterior[parents[position]] / positions;
        }
        return new Measures(model, before, averaged, oracle, uniform, stationary, divergence, trueParent);
    })];

    private static double Log(double p) => Math.Log(Math.Max(1e-30, p));
}
