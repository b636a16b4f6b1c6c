using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Measures all models and algorithms on the same test tasks. Owns the models that it is given; its tensors belong to the scope in which it lives.</summary>
internal sealed class AlignmentBench : IDisposable
{
    private const int Stretches = 100;
    private static readonly double[] Shares = [0, 0.25, 0.5, 0.75, 1];

    private readonly GradientDescentOptions _options;
    private readonly OneStepOptimum _optimum;
    private readonly ModelAnswers[] _answers; // of the references
    private readonly List<IReadOnlyList<MergedLayer>> _linear = [];
    private readonly List<SoftmaxTransformer> _softmax = [];

    public AlignmentBench(GradientDescentOptions options, OneStepOptimum optimum, IReadOnlyList<GradientReference> settings)
    {
        (_options, _optimum) = (options, optimum);
        _answers = [.. settings.Select(reference => Answers(tasks => OfReference(reference, tasks, optimum.Variance)))];
        References = [.. settings.Zip(_answers, (reference, answers) => reference with { Loss = TaskMeans.Of(answers.Losses) })];
    }

    /// <summary>The algorithms with their losses.</summary>
    public IReadOnlyList<GradientReference> References { get; }

    /// <summary>Measures trained layers of linear self-attention.</summary>
    /// <param name="trainer">The model; disposed of at once.</param>
    /// <param name="seed">Its seed.</param>
    /// <param name="losses">Of every step.</param>
    /// <param name="construction">The algorithm that it is interpolated with.</param>
    public GradientDescentRun Add(LinearAttentionTrainer trainer, int seed, IReadOnlyList<double> losses, GradientReference construction)
    {
        MergedLayer[] layers;
        using (trainer) layers = [.. trainer.Layers()];
        _linear.Add(layers);
        using var scope = NewDisposeScope();
        var answers = Answers(layers);
        var target = GradientConstruction.Layer(_options.Dimension, _options.Examples, construction.Eta, construction.Gamma);
        return Run(seed, losses, answers) with
        {
            Interpolation = [.. Shares.Select(share => new InterpolatedLoss(share, TaskMeans.Of(Answers([.. layers.Select(layer => layer.Rescaled().Towards(target, share))]).Losses)))],
            OptimumDistance = layers.Length > 1 ? null : layers[0].OptimumDistance(_options.Examples, _optimum.Eta),
            ConstructionDistance = layers.Length > 1 ? null : layers[0].Distance(GradientConstruction.Layer(_options.Dimension, _options.Examples, _optimum.Eta)),
        };
    }

    /// <summary>Measures a trained softmax transformer, which is kept for the shift tests.</summary>
    public GradientDescentRun Add(SoftmaxTransformer model, int seed, IReadOnlyList<double> losses)
    {
        _softmax.Add(model);
        using var scope = NewDisposeScope();
        return Run(seed, losses, Answers(tasks => ModelAnswers.Any(tasks, model.Answer(tasks))));
    }

    /// <summary>The losses of all models under shifts of the test tasks.</summary>
    public IReadOnlyList<ShiftCurve> Shifts(CancellationToken cancellation) =>
        [.. Enum.GetValues<TaskShift>().Select(shift => new ShiftCurve(shift, [.. _options.ShiftFactors.Select(factor => Shifted(shift, factor, cancellation))]))];

    public void Dispose()
    {
        foreach (var model in _softmax) model.Dispose();
    }

    private GradientDescentRun Run(int seed, IReadOnlyList<double> losses, ModelAnswers answers) => new()
    {
        Seed = seed,
        Curve = [.. losses.Chunk((losses.Count + Stretches - 1) / Stretches).Select((stretch, i) => (Math.Min(losses.Count, (i + 1) * ((losses.Count + Stretches - 1) / Stretches)), stretch.Average()))],
        Loss = TaskMeans.Of(answers.Losses),
        Alignments = [.. References.Zip(_answers, answers.Against)],
        Interpolation = [],
        OptimumDistance = null,
        ConstructionDistance = null,
    };

    private ShiftPoint Shifted(TaskShift shift, double factor, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        var scale = shift switch
        {
            TaskShift.Task => new TaskScale(Weights: factor),
            TaskShift.Query => new TaskScale(Query: factor),
            _ => new TaskScale(Examples: factor, Query: factor),
        };
        double variance = _optimum.Variance * scale.Query * scale.Query, unit = _optimum.NullLoss * Math.Pow(scale.Query * scale.Weights, 2);
        var steps = References.Single(r => r.Kind == ReferenceKind.GradientDescent && r.Steps == _options.Layers);

        // Relative losses, the mean over models of each task.
        Estimate Of(params IEnumerable<Func<LinearTasks, ModelAnswers>> models)
        {
            using var inner = NewDisposeScope();
            return TaskMeans.Of(stack([.. models.Select(model => Answers(model, scale).Losses)]).mean([0]).Over(unit));
        }

        return new()
        {
            Factor = factor,
            Expected = _options.Layers > 1 ? null : _optimum.LossAt(_optimum.Eta, scale.Examples) / (_optimum.NullLoss * scale.Examples * scale.Examples),
            Trained = Of(_linear.Select(layers => (Func<LinearTasks, ModelAnswers>)(tasks => ModelAnswers.Linear(tasks, LinearSelfAttention.InContextWeights(layers, tasks), variance)))),
            GradientDescent = Of(tasks => OfReference(steps, tasks, variance)),
            LeastSquares = Of(tasks => OfReference(new(ReferenceKind.LeastSquares, 0, 0, 0, default), tasks, variance)),
            Softmax = _softmax.Count == 0 ? null : Of(_softmax.Select(model => (Func<LinearTasks, ModelAnswers>)(tasks => ModelAnswers.Any(tasks, model.Answer(tasks))))),
        };
    }

    private static ModelAnswers OfReference(GradientReference reference, LinearTasks tasks, double queryVariance)
    {
        using var scope = NewDisposeScope();
        var weights = reference.Kind == ReferenceKind.LeastSquares ? GradientSteps.LeastSquares(tasks) : GradientSteps.Weights(tasks, reference.Steps, reference.Eta, reference.Gamma);
        return ModelAnswers.Linear(tasks, weights, queryVariance).MoveOut();
    }

    private ModelAnswers Answers(IReadOnlyList<MergedLayer> layers) => Answers(tasks => ModelAnswers.Linear(tasks, LinearSelfAttention.InContextWeights(layers, tasks), _optimum.Variance));

    private ModelAnswers Answers(Func<LinearTasks, ModelAnswers> of, TaskScale? scale = null)
    {
        var values = _options.Family.Collect(_options.TestTasks, _options.Seed, RandomStream.GradientDescentTest, tasks => of(tasks) is var a ? [a.Predicted, a.Gradient, a.Losses] : [], scale);
        return new(values[0], values[1], values[2]);
    }
}
