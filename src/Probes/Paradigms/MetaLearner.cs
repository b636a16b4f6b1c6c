using System.Globalization;
using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// MAML (Finn et al. 2017, arXiv:1703.03400): first weights from which a few steps of gradient descent on a task's examples lead to weights that are right
/// on its other points, learned by the gradient through those steps, with a learned step size for each tensor (after Li et al. 2017, arXiv:1707.09835).
/// Deterministic, and resumes bit for bit, on one machine with one number of torch threads. Owns its weights; not thread-safe.
/// </summary>
internal sealed class MetaLearner : IDisposable
{
    public const int BatchTasks = 25, QueryPoints = 10;
    private const double FirstStepSize = 0.05;
    private const double LargestGradient = 1; // of a weight in an inner step: without a bound single tasks drive the outer gradient to infinity

    private readonly ParadigmOptions _options;
    private readonly RegressionTaskSource _source;
    private readonly TaskNetwork _network;
    private readonly Tensor[] _weights, _stepSizes;
    private readonly TrainingRun _run;

    public MetaLearner(RegressionFamily family, int dimension, ParadigmOptions options)
    {
        _options = options;
        _network = new(family, dimension, options.Hidden);
        _source = new(family, dimension, options.Shots[^1] + QueryPoints);
        _weights = _network.Initial(options.Seed, RandomStream.MetaTraining);
        _stepSizes = [.. _weights.Select(_ => zeros(1))]; // as logarithms of their ratio to the first one, so that they stay above 0
        NamedParameter[] parameters = [.. _weights.Select((w, i) => new NamedParameter($"weights.{i}", w)), .. _stepSizes.Select((s, i) => new NamedParameter($"step_size.{i}", s))];
        var settings = new TrainingOptions { LearningRate = 3e-3, WarmupSteps = 50, DecaySteps = Math.Max(51, options.MetaSteps), WeightDecay = 0, Beta2 = 0.999 };
        _run = new(parameters, new AdamW(parameters, settings.ToAdamW()), [("options", SettingsJson.Write(options)), ("family", family.ToString()), ("d", dimension.ToString(CultureInfo.InvariantCulture))]);
    }

    public long ParameterCount => _network.ParameterCount;

    /// <summary>First weights.</summary>
    internal IReadOnlyList<Tensor> Weights => _weights;

    public void Train(int steps, Action<int, double>? observe = null, CancellationToken cancellation = default) => _run.Train(steps, LossAt, observe, cancellation);

    /// <summary>The loss of a step, counted from 0: of its tasks' other points after adapting to their examples.</summary>
    internal Tensor LossAt(int step)
    {
        int shots = _options.Shots[new SeededRandom(unchecked((_options.Seed * 1_000_003) + step), RandomStream.MetaTraining).Next(_options.Shots.Count)];
        var tasks = _source.Draw(BatchTasks, _options.Seed, RandomStream.MetaTraining, step, type: ScalarType.Float32);
        var adapted = Adapt(tasks.Inputs.narrow(1, 0, shots), tasks.Outputs.narrow(1, 0, shots), create: true);
        int rest = tasks.Demonstrations - shots;
        return _network.Loss(adapted, tasks.Inputs.narrow(1, shots, rest), tasks.Outputs.narrow(1, shots, rest)) / Kept.Scalar(BatchTasks);
    }

    public void Save(string path) => _run.Save(path);

    public void Resume(string path) => _run.Resume(path);

    /// <summary>Answers to each task's query after adapting to its examples [task], float64.</summary>
    public Tensor Answer(Tensor x, Tensor y, Tensor query)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        return _network.AnswerQuery(Adapt(x, y, create: false), query).detach().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _run.Dispose();
        foreach (var value in _weights.Concat(_stepSizes)) value.Dispose();
    }

    private Tensor[] Adapt(Tensor x, Tensor y, bool create)
    {
        long tasks = x.shape[0];
        Tensor[] own = [.. _weights.Select(w => w.unsqueeze(0).expand([tasks, .. w.shape]))];
        Tensor[] sizes = [.. _stepSizes.Select(s => s.exp() * Kept.Scalar(FirstStepSize))];
        for (int step = 0; step < _options.InnerSteps; step++)
        {
            var gradients = autograd.grad([_network.Loss(own, x, y)], own, retain_graph: create, create_graph: create);
            own = [.. own.Select((w, i) => w - (sizes[i] * gradients[i].clamp(Kept.Scalar(-LargestGradient), Kept.Scalar(LargestGradient))))];
            if (!create) own = [.. own.Select(w => w.detach().requires_grad_())];
        }
        return own;
    }
}
