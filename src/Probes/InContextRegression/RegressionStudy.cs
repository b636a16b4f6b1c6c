using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// In-context regression against real baselines (Garg et al. 2022, arXiv:2208.01066): least squares, ridge, averaging, nearest neighbours and any other
/// learner, by number of demonstrations, on the tasks that a small decoder was trained on and out of their distribution. Members are thread-safe; while they run
/// torch uses one thread in the whole process, so that results don't depend on the number of cores.
/// </summary>
public static class RegressionStudy
{
    private const int Chunk = 2000; // tasks at a time

    /// <summary>The table of baselines, and the comparison with a regressor that is trained for it.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="learners">More learners to compare, on the first tasks of those that the regressor was trained on. Null: none.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or two learners have one name.</exception>
    public static RegressionStudyResult Run(RegressionStudyOptions? options = null, IReadOnlyList<IRegressionLearner>? learners = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        Require(learners); // before a minute is spent
        return TorchThreads.One(() => Train(options, learners, progress, cancellationToken));
    }

    private static RegressionStudyResult Train(RegressionStudyOptions options, IReadOnlyList<IRegressionLearner>? learners, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        using var trainer = new InContextRegressorTrainer(options.Regressor);
        var errors = new List<double>();
        var training = progress.Part(0, 0.8);
        trainer.Train(observe: (step, error) =>
        {
            errors.Add(error);
            training?.Report((double)step / options.Regressor.Steps);
        }, cancellationToken: cancellationToken);
        using var regressor = trainer.ToRegressor();
        var comparison = Compare(regressor, options, learners, progress.Part(0.8, 0.95), cancellationToken);
        return new()
        {
            Options = options,
            Baselines = Baselines(options, progress.Part(0.95, 1), cancellationToken),
            Comparison = comparison with { TrainingError = Ends(errors) },
        };
    }

    /// <summary>The table of baselines alone.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked between chunks of tasks.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static IReadOnlyList<BaselineResult> Baselines(RegressionStudyOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        return TorchThreads.One<IReadOnlyList<BaselineResult>>(() => [.. Baselines(options, 0, progress.Part(0, 0.5), cancellationToken), .. Baselines(options, options.BaselineNoise, progress.Part(0.5, 1), cancellationToken)]);
    }

    /// <summary>A trained regressor beside the baselines.</summary>
    /// <param name="regressor">The regressor, which stays the caller's.</param>
    /// <param name="options">Settings; null for the defaults. Those of training are not looked at.</param>
    /// <param name="learners">More learners, see <see cref="Run"/>.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked between chunks of tasks.</param>
    /// <exception cref="ArgumentException">An option is out of range, or two learners have one name.</exception>
    public static RegressionComparison Compare(InContextRegressor regressor, RegressionStudyOptions? options = null, IReadOnlyList<IRegressionLearner>? learners = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(regressor);
        options ??= new();
        options.Validate();
        Require(learners);
        RegressionShift[] shifts = [new(RegressionShiftKind.None), .. regressor.Options.Family == RegressionFamily.Linear ? options.Shifts.Where(s => s.Kind != RegressionShiftKind.None) : []];
        var sets = new List<ShiftResult>();
        TorchThreads.One(() =>
        {
            for (int i = 0; i < shifts.Length; i++)
            {
                sets.Add(new(shifts[i], [.. Curves(regressor, options, shifts[i], cancellationToken), .. i > 0 ? [] : Others(regressor, options, learners ?? [], progress.Part(0, 0.7), cancellationToken)]));
                progress?.Report(0.7 + (0.3 * (i + 1) / shifts.Length));
            }
        });
        return new() { Regressor = regressor.Options, Parameters = regressor.ParameterCount, Sets = sets };
    }

    /// <summary>The means of the first and the last tenth of a training's errors.</summary>
    internal static (double First, double Last) Ends(List<double> errors)
    {
        int tenth = Math.Max(1, errors.Count / 10);
        return (errors.Take(tenth).Average(), errors.TakeLast(tenth).Average());
    }

    private static void Require(IReadOnlyList<IRegressionLearner>? learners)
    {
        string[] taken = [RegressionLearners.InContext, .. RegressionLearners.Classic, .. (learners ?? []).Select(l => l.Name)];
        if (taken.GroupBy(name => name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"Two learners are called '{twice.Key}'; results tell them apart by their names, so that each needs one of its own.", nameof(learners));
    }

    private static List<BaselineResult> Baselines(RegressionStudyOptions options, double noise, IProgress<double>? progress, CancellationToken cancellation)
    {
        using var noGradients = no_grad();
        var source = new RegressionTaskSource(RegressionFamily.Linear, options.BaselineDimension, options.BaselineShots[^1], noise);
        var errors = RegressionLearners.Classic.ToDictionary(name => name, _ => options.BaselineShots.ToDictionary(k => k, _ => new ErrorSum()));
        var risks = options.BaselineShots.ToDictionary(k => k, _ => new ErrorSum());
        bool hasRisk = noise > 0 && options.Lambda == noise * noise;
        for (int done = 0, number = 0; done < options.BaselineTasks; done += Chunk, number++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var tasks = source.Draw(Math.Min(Chunk, options.BaselineTasks - done), options.Seed, RandomStream.RegressionBaselines, number);
            foreach (int shots in options.BaselineShots)
            {
                using var inner = NewDisposeScope();
                var (x, y, query, target) = tasks.At(shots);
                foreach (string name in RegressionLearners.Classic)
                    errors[name][shots].Add(Errors(Answer(name, x, y, query, options.Lambda), target, options.BaselineDimension));
                if (hasRisk) risks[shots].Add(ClassicRegressors.RidgeRisk(x, noise).Over(options.BaselineDimension).data<double>().ToArray());
            }
            progress?.Report(Math.Min(1, (done + (double)Chunk) / options.BaselineTasks));
        }
        return [.. RegressionLearners.Classic.SelectMany(name => options.BaselineShots.Select(k => new BaselineResult(name, k, noise, errors[name][k].Error(), Expected(name, k))))];

        double? Expected(string name, int shots) => name switch
        {
            RegressionLearners.LeastSquares => RegressionClosedForms.LeastSquares(shots, options.BaselineDimension, noise),
            RegressionLearners.Averaging => RegressionClosedForms.Averaging(shots, options.BaselineDimension, noise),
            RegressionLearners.Ridge when hasRisk => risks[shots].Error().Mean,
            _ => null,
        };
    }

    private static List<LearnerCurve> Curves(InContextRegressor regressor, RegressionStudyOptions options, RegressionShift shift, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var o = regressor.Options;
        var tasks = TestTasks(regressor, options, shift);
        double unit = Unit(regressor, shift);
        string[] names = [RegressionLearners.InContext, .. RegressionLearners.Classic];
        var answers = regressor.ByShots(tasks, cancellation);
        return [.. names.Select(name => new LearnerCurve(name, [.. Enumerable.Range(0, o.Demonstrations + 1).Select(shots =>
        {
            cancellation.ThrowIfCancellationRequested();
            if (!shift.Exists(shots, o.Dimension)) return RegressionError.None;
            using var inner = NewDisposeScope();
            var (x, y, query, target) = tasks.At(shots);
            var sum = new ErrorSum();
            sum.Add(Errors(name == RegressionLearners.InContext ? answers.select(1, shots) : Answer(name, x, y, query, options.Lambda), target, unit));
            return sum.Error();
        })]))];
    }

    private static List<LearnerCurve> Others(InContextRegressor regressor, RegressionStudyOptions options, IReadOnlyList<IRegressionLearner> learners, IProgress<double>? progress, CancellationToken cancellation)
    {
        if (learners.Count == 0) return [];
        using var scope = NewDisposeScope();
        var o = regressor.Options;
        var none = new RegressionShift(RegressionShiftKind.None);
        double unit = Unit(regressor, none);
        var tasks = TestTasks(regressor, options, none);
        float[][] Rows(Tensor rows) => [.. rows.to_type(ScalarType.Float32).contiguous().data<float>().ToArray().Chunk(o.Dimension)];
        int count = Math.Min(options.LearnerTasks, options.TestTasks), done = 0;
        int[] shots = [.. options.LearnerShots.Distinct().Where(k => k <= o.Demonstrations).Order()];
        var errors = learners.Select(_ => Enumerable.Range(0, o.Demonstrations + 1).Select(_ => new ErrorSum()).ToArray()).ToArray();
        for (int task = 0; task < count; task++)
        {
            using var inner = NewDisposeScope();
            var (inputs, queries) = (Rows(tasks.Inputs[task]), Rows(tasks.Queries[task]));
            float[] outputs = tasks.Outputs[task].to_type(ScalarType.Float32).data<float>().ToArray();
            double[] targets = tasks.Targets[task].contiguous().data<double>().ToArray();
            foreach (int k in shots)
                for (int i = 0; i < learners.Count; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    errors[i][k].Add(Math.Pow(learners[i].Predict(inputs[..k], outputs[..k], queries[k]) - targets[k], 2) / unit);
                    progress?.Report((double)++done / (count * shots.Length * learners.Count));
                }
        }
        return [.. learners.Select((learner, i) => new LearnerCurve(learner.Name, [.. errors[i].Select(e => e.Error())]))];
    }

    private static RegressionTasks TestTasks(InContextRegressor regressor, RegressionStudyOptions options, RegressionShift shift)
    {
        var o = regressor.Options;
        return new RegressionTaskSource(o.Family, o.Dimension, o.Demonstrations, o.Noise).Draw(options.TestTasks, options.Seed, RandomStream.RegressionTest, 0, shift);
    }

    private static double Unit(InContextRegressor regressor, RegressionShift shift) => regressor.Options.Family.Error(regressor.Options.Dimension) * shift.OutputFactor * shift.OutputFactor;

    private static double[] Errors(Tensor answers, Tensor target, double unit) => (answers - target).square().Over(unit).data<double>().ToArray();

    internal static Tensor Answer(string learner, Tensor x, Tensor y, Tensor query, double lambda) => learner switch
    {
        RegressionLearners.LeastSquares => ClassicRegressors.LeastSquares(x, y, query),
        RegressionLearners.Ridge => ClassicRegressors.Ridge(x, y, query, lambda),
        RegressionLearners.Averaging => ClassicRegressors.Averaging(x, y, query),
        RegressionLearners.NearestNeighbours => ClassicRegressors.NearestNeighbours(x, y, query),
        _ => throw new ArgumentOutOfRangeException(nameof(learner), learner, "Expected one of the learners that know one task alone."),
    };
}
