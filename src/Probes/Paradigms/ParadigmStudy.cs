using System.Diagnostics;
using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// In-context learning against classical machine learning and meta-learning on the same tasks: updates of parameters, data, error by number of examples
/// and out of distribution, time. Members are thread-safe; while they run torch uses one thread in the whole process, so that results don't depend on the number of cores.
/// </summary>
/// <remarks>
/// Classical: ridge (linear tasks) and a small network, from the task's examples alone. Meta-learning: MAML (Finn et al. 2017) with the same network.
/// In context: the decoder of <see cref="InContextRegressor"/> (Garg et al. 2022).
/// </remarks>
public static class ParadigmStudy
{
    private const int Chunk = 1000; // test tasks at a time: networks have weights of their own for each

    private static readonly RegressionShift[] LinearShifts = [new(RegressionShiftKind.Skewed), new(RegressionShiftKind.InputScale, 2), new(RegressionShiftKind.LabelScale, 2)];
    private static readonly RegressionShift[] SinusoidShifts = [new(RegressionShiftKind.InputScale, 2), new(RegressionShiftKind.LabelScale, 2)];

    /// <summary>Trains and measures on all families.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static ParadigmResult Run(ParadigmOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        int count = options.Families.Count;
        return TorchThreads.One(() => new ParadigmResult { Options = options, Families = [.. options.Families.Select((family, i) => Measure(family, options, progress.Part((double)i / count, (i + 1.0) / count), cancellationToken))] });
    }

    private static ParadigmFamilyResult Measure(RegressionFamily family, ParadigmOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        int dimension = family == RegressionFamily.Sinusoid ? 1 : options.Dimension, most = options.Shots[^1];
        var network = new TaskNetwork(family, dimension, options.Hidden);
        var own = new InContextRegressorOptions
        {
            Family = family,
            Dimension = dimension,
            Demonstrations = most,
            Steps = options.InContextSteps,
            Seed = options.Seed,
            LearningRate = family == RegressionFamily.Sinusoid ? 4e-3 : 8e-3,
        };
        using var regressor = InContextRegressor.Train(own, progress.Part(0, 0.5), cancellation);
        using var meta = new MetaLearner(family, dimension, options);
        var training = progress.Part(0.5, 0.9);
        meta.Train(options.MetaSteps, (step, _) => training?.Report((double)step / options.MetaSteps), cancellation);

        var test = new TestSets(family, dimension, options, cancellation);
        List<ParadigmLearner> learners = [];
        if (family == RegressionFamily.Linear)
            learners.Add(test.Measure(Paradigm.Classical, "ridge", dimension, 1, 0, 0, (x, y, query) => ClassicRegressors.Ridge(x, y, query, options.Lambda)));
        learners.Add(test.Measure(Paradigm.Classical, "network from scratch", network.ParameterCount, options.ScratchSteps, 0, 0, (x, y, query) => ScratchLearner.Answer(network, options, x, y, query, cancellation)));
        long metaTasks = (long)options.MetaSteps * MetaLearner.BatchTasks, ownTasks = (long)own.Steps * own.BatchTasks;
        learners.Add(test.Measure(Paradigm.MetaLearning, "MAML", meta.ParameterCount, options.InnerSteps, metaTasks, metaTasks * (most + MetaLearner.QueryPoints), meta.Answer));
        learners.Add(test.Measure(Paradigm.InContext, "in-context model", regressor.ParameterCount, 0, ownTasks, ownTasks * (most + 1), (x, y, query) =>
        {
            using var scope = NewDisposeScope();
            return regressor.Answer(x, y, query.unsqueeze(1), cancellation).squeeze(1).to_type(ScalarType.Float64).MoveToOuterDisposeScope();
        }));
        progress?.Report(1);
        return new(family, dimension, learners);
    }

    /// <summary>The tasks that all learners of a family are measured on.</summary>
    private sealed class TestSets(RegressionFamily family, int dimension, ParadigmOptions options, CancellationToken cancellation)
    {
        public ParadigmLearner Measure(Paradigm paradigm, string name, long parameters, int updates, long tasks, long examples, Func<Tensor, Tensor, Tensor, Tensor> answer)
        {
            var clock = new Stopwatch();
            RegressionError Error(RegressionShift shift, int shots)
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                var (x, y, query, target) = new RegressionTaskSource(family, dimension, options.Shots[^1]).Draw(options.TestTasks, options.Seed, RandomStream.ParadigmTest, 0, shift).At(shots);
                bool timed = shift.Kind == RegressionShiftKind.None && shots == options.Shots[^1];
                if (timed) clock.Start();
                var pieces = new List<Tensor>();
                for (long first = 0; first < options.TestTasks; first += Chunk)
                {
                    using var inner = NewDisposeScope();
                    long count = Math.Min(Chunk, options.TestTasks - first);
                    pieces.Add(answer(x.narrow(0, first, count), y.narrow(0, first, count), query.narrow(0, first, count)).MoveToOuterDisposeScope());
                }
                var answers = cat(pieces);
                clock.Stop();
                // A sinusoid's size does not depend on where it is asked.
                double factor = shift.Kind == RegressionShiftKind.LabelScale || family == RegressionFamily.Linear ? shift.OutputFactor : 1;
                var sum = new ErrorSum();
                sum.Add((answers - target).square().Over(family.Error(dimension) * factor * factor).data<double>().ToArray());
                return sum.Error();
            }

            RegressionError[] byShots = [.. options.Shots.Select(k => Error(default, k))];
            return new()
            {
                Paradigm = paradigm,
                Name = name,
                Parameters = parameters,
                Updates = updates,
                PretrainingTasks = tasks,
                PretrainingExamples = examples,
                ByShots = byShots,
                Shifted = [.. (family == RegressionFamily.Linear ? LinearShifts : SinusoidShifts).Select(shift => (shift, Error(shift, options.Shots[^1])))],
                AdaptationTime = clock.Elapsed / options.TestTasks,
            };
        }
    }
}
