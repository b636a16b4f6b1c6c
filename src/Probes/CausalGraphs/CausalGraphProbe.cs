using System.Globalization;
using System.Runtime.ExceptionServices;
using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Whether a transformer that is trained to predict learns which positions decide which (Nichani, Damian &amp; Lee 2024, arXiv:2402.14735): a
/// two-layer disentangled transformer on sequences from a graph, each with a kernel of its own; the graph is read from the attention of layer 1.
/// Members are thread-safe.
/// </summary>
public static class CausalGraphProbe
{
    private static readonly double[] Thresholds = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

    /// <summary>Trains and measures. Seeds are trained at the same time, as many as there are processors; each is the same alone.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1], by the threads that train.</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="ModelFormatException">The checkpoint folder holds a run of other settings.</exception>
    public static CausalGraphResult Run(CausalGraphOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        return new() { Options = options, Heads = HeadsOf(options, 0), Runs = TorchThreads.One(() => TrainAll(options, progress, cancellationToken)) };
    }

    private static CausalGraphRun[] TrainAll(CausalGraphOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        var runs = new CausalGraphRun[options.Seeds];
        var whole = progress is null ? null : new SharedProgress(progress, runs.Length);
        try
        {
            Parallel.For(0, runs.Length, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
                run => runs[run] = Train(options, run, whole?.Part(run), cancellation));
        }
        catch (AggregateException errors)
        {
            ExceptionDispatchInfo.Throw(errors.InnerExceptions[0]);
        }
        return runs;
    }

    private static int HeadsOf(CausalGraphOptions options, int run) => options.Heads ?? Math.Max(1, options.GraphOf(run).MostParents);

    private static CausalGraphRun Train(CausalGraphOptions options, int run, IProgress<double>? progress, CancellationToken cancellation)
    {
        var task = options.TaskOf(run);
        int seed = options.SeedOf(run), heads = HeadsOf(options, run);
        var shape = new DisentangledShape(options.Vocabulary, options.Length, heads, task.Target);
        using var trainer = new DisentangledTrainer(shape, new(options.Steps, options.LearningRate ?? (heads > 1 ? 1e-2 : 1)), seed, Describe(options, task));
        var rows = new CausalTraining(task, seed, options.BatchRows, options.TrainingRows);
        var curve = new CausalCurve(options, run);
        curve.Resume(trainer);
        foreach (int step in curve.StepsAfter(trainer.StepsDone))
        {
            double loss = 0;
            int from = trainer.StepsDone;
            trainer.Train(step, rows.At, (done, own) =>
            {
                loss += own;
                progress?.Report((double)done / options.Steps);
            }, cancellation);
            var metrics = Measure(task, trainer.ToModel().PositionAttention(), options.Threshold);
            curve.Add(new(step, loss / (step - from), metrics.EdgeAttention, metrics.Children == 0 ? double.NaN : (double)metrics.ArgmaxRight / metrics.Children), trainer);
        }
        return Finish(options, task, seed, trainer.ToModel(), curve.Points);
    }

    private static CausalGraphRun Finish(CausalGraphOptions options, CausalTask task, int seed, DisentangledTransformer model, IReadOnlyList<CausalGraphPoint> curve)
    {
        var heads = model.PositionAttention();
        var test = task.Draw(new SeededRandom(seed, RandomStream.CausalTest), options.TestRows);
        return new()
        {
            Seed = seed,
            Graph = task.Graph,
            Heads = heads,
            Found = EdgeMap.Largest(heads).Graph(options.Threshold, task.LastChild),
            Metrics = Measure(task, heads, options.Threshold),
            HeadParents = HeadParents(task, heads),
            ByThreshold = [.. Thresholds.Select(t => (t, Measure(task, heads, t)))],
            Loss = model.Loss(test),
            CountLoss = CrossEntropy(test, (row, query) => task.CountEstimate(test.Row(row), query)),
            LeastLoss = CrossEntropy(test, (row, query) => [.. test.TargetOf(row, query).ToArray().Select(p => (double)p)]),
            Information = task.Information(new SeededRandom(seed, RandomStream.CausalInformation)),
            Curve = curve,
        };
    }

    private static CausalGraphMetrics Measure(CausalTask task, IReadOnlyList<EdgeMap> heads, double threshold) => CausalGraphMetrics.Of(task.Graph, heads, task.LastChild, threshold);

    private static double[][] HeadParents(CausalTask task, IReadOnlyList<EdgeMap> heads)
    {
        int most = task.Graph.Parents.Take(task.LastChild + 1).Max(p => p.Count);
        int[] children = [.. Enumerable.Range(0, task.LastChild + 1).Where(child => most > 0 && task.Graph.Parents[child].Count == most)];
        return [.. heads.Select(head => Enumerable.Range(0, most).Select(slot => children.Average(child => head[child, task.Graph.Parents[child][slot]])).ToArray())];
    }

    private static double CrossEntropy(CausalRows rows, Func<int, int, double[]> predict)
    {
        double loss = 0;
        for (int row = 0; row < rows.Count; row++)
            for (int query = 0; query < rows.Queries; query++)
            {
                var target = rows.TargetOf(row, query);
                double[] predicted = predict(row, query);
                for (int value = 0; value < target.Length; value++)
                    if (target[value] > 0) loss -= target[value] * Math.Log(predicted[value]);
            }
        return loss / (rows.Count * rows.Queries);
    }

    private static string Describe(CausalGraphOptions options, CausalTask task) => string.Create(CultureInfo.InvariantCulture,
        $"{string.Join(' ', task.Graph.Edges)}; alpha {options.Alpha:R}, faithfulness {options.Faithfulness:R}; {options.BatchRows} rows of {options.TrainingRows?.ToString(CultureInfo.InvariantCulture) ?? "fresh ones"}");

    /// <summary>The share done of several runs together.</summary>
    private sealed class SharedProgress(IProgress<double> whole, int parts)
    {
        private readonly double[] _done = new double[parts];

        public IProgress<double> Part(int part) => new One(this, part);

        private sealed class One(SharedProgress all, int part) : IProgress<double>
        {
            public void Report(double value)
            {
                lock (all._done)
                {
                    all._done[part] = value;
                    all.Whole(all._done.Average());
                }
            }
        }

        private void Whole(double share) => whole.Report(share);
    }
}
