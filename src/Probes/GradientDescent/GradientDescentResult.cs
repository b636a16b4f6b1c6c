namespace MlNetIcl.Probes;

/// <summary>What a model's answers are held against.</summary>
public enum ReferenceKind
{
    /// <summary>Steps of gradient descent with one learning rate.</summary>
    GradientDescent,

    /// <summary>GD++: between steps every input becomes (I - gamma X X^T) x.</summary>
    PlusPlus,

    /// <summary>Least squares of least norm: the best there is, as tasks have no noise.</summary>
    LeastSquares,
}

/// <summary>An algorithm with its best settings on the family of tasks.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Steps">Its steps; 0 for least squares.</param>
/// <param name="Eta">Its learning rate, by line search.</param>
/// <param name="Gamma">The curvature correction of GD++, by line search; 0 elsewhere.</param>
/// <param name="Loss">Its loss on the test tasks, half the squared error.</param>
public sealed record GradientReference(ReferenceKind Kind, int Steps, double Eta, double Gamma, Estimate Loss);

/// <summary>How closely layers are steps: the largest difference of predictions over tasks, relative to the largest prediction or 1. Layers are computed in float32.</summary>
/// <param name="Steps">Layers, and steps.</param>
/// <param name="GradientDescent">Against gradient descent.</param>
/// <param name="PlusPlus">Against GD++.</param>
public readonly record struct ConstructionError(int Steps, double GradientDescent, double PlusPlus);

/// <summary>A model's answers held against those of an algorithm, task by task. Intervals are over tasks (95 %).</summary>
public sealed record Alignment
{
    /// <summary>The algorithm.</summary>
    public required GradientReference Reference { get; init; }

    /// <summary>Mean |yhat - yhat_ref|.</summary>
    public required Estimate PredictionDifference { get; init; }

    /// <summary>Mean cosine of d yhat / d x_q of both, in [-1, 1].</summary>
    public required Estimate Cosine { get; init; }

    /// <summary>Mean length of the difference of the two gradients.</summary>
    public required Estimate GradientDifference { get; init; }

    /// <summary>The model's loss minus the algorithm's, on the same tasks.</summary>
    public required Estimate ExcessLoss { get; init; }
}

/// <summary>The loss of a model whose weights lie between the trained ones, rescaled, and those of the construction.</summary>
/// <param name="Share">0 for the trained weights, 1 for the construction.</param>
/// <param name="Loss">Its loss.</param>
public readonly record struct InterpolatedLoss(double Share, Estimate Loss);

/// <summary>A trained model against the algorithms.</summary>
public sealed record GradientDescentRun
{
    /// <summary>The seed of weights and tasks.</summary>
    public required int Seed { get; init; }

    /// <summary>Mean training loss of consecutive stretches of training, by the step at their end.</summary>
    public required IReadOnlyList<(int Step, double Loss)> Curve { get; init; }

    /// <summary>The loss on the test tasks, half the squared error.</summary>
    public required Estimate Loss { get; init; }

    /// <summary>Against each of <see cref="GradientDescentResult.References"/>, in their order.</summary>
    public required IReadOnlyList<Alignment> Alignments { get; init; }

    /// <summary>From the trained weights to the construction of as many steps (of GD++, where there are several layers); empty for softmax models.</summary>
    public required IReadOnlyList<InterpolatedLoss> Interpolation { get; init; }

    /// <summary>
    /// The matrix that multiplies (1/N) sum y_i x_i and the query, against Gamma^-1: its relative Frobenius distance. Null where there are several layers.
    /// </summary>
    public required double? OptimumDistance { get; init; }

    /// <summary>The distance of the whole layer, all that can be told of it, from the construction, relative. Null where there are several layers.</summary>
    public required double? ConstructionDistance { get; init; }

    /// <summary>The alignment with an algorithm.</summary>
    public Alignment With(GradientReference reference) => Alignments.Single(a => a.Reference == reference);
}

/// <summary>What is unlike training in tasks.</summary>
public enum TaskShift
{
    /// <summary>The weights w are larger or smaller.</summary>
    Task,

    /// <summary>The query is larger or smaller, the examples are not.</summary>
    Query,

    /// <summary>All inputs are larger or smaller, the query's and the examples'.</summary>
    Covariate,
}

/// <summary>Losses on tasks that differ from those of training by a factor, relative to the loss of an answer of 0 on the same tasks.</summary>
public sealed record ShiftPoint
{
    /// <summary>The factor.</summary>
    public required double Factor { get; init; }

    /// <summary>What one step must have, in closed form; null where there are several layers.</summary>
    public required double? Expected { get; init; }

    /// <summary>The trained layers: mean over models, interval over tasks.</summary>
    public required Estimate Trained { get; init; }

    /// <summary>As many steps of gradient descent, with the learning rate of the training tasks.</summary>
    public required Estimate GradientDescent { get; init; }

    /// <summary>Least squares.</summary>
    public required Estimate LeastSquares { get; init; }

    /// <summary>The softmax transformers, likewise; null where none was trained.</summary>
    public required Estimate? Softmax { get; init; }
}

/// <summary>The points of one kind of shift, by factor.</summary>
/// <param name="Shift">Which.</param>
/// <param name="Points">Ascending.</param>
public sealed record ShiftCurve(TaskShift Shift, IReadOnlyList<ShiftPoint> Points);

/// <summary>What <see cref="GradientDescentProbe"/> found. Losses are half the squared error. Immutable.</summary>
public sealed record GradientDescentResult
{
    /// <summary>The settings.</summary>
    public required GradientDescentOptions Options { get; init; }

    /// <summary>The closed forms of one step on the family of tasks.</summary>
    public required OneStepOptimum Optimum { get; init; }

    /// <summary>Layers against steps, from 1 on.</summary>
    public required IReadOnlyList<ConstructionError> Construction { get; init; }

    /// <summary>The algorithms: gradient descent by steps, GD++ by steps, least squares.</summary>
    public required IReadOnlyList<GradientReference> References { get; init; }

    /// <summary>The trained linear models.</summary>
    public required IReadOnlyList<GradientDescentRun> Runs { get; init; }

    /// <summary>The trained softmax transformers; empty where none was asked for.</summary>
    public required IReadOnlyList<GradientDescentRun> Softmax { get; init; }

    /// <summary>One for each kind of shift.</summary>
    public required IReadOnlyList<ShiftCurve> Shifts { get; init; }

    /// <summary>Gradient descent with as many steps as the models have layers.</summary>
    public GradientReference Steps => Reference(ReferenceKind.GradientDescent, Options.Layers)!;

    /// <summary>An algorithm; null where it was not compared.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="steps">Its steps; 0 for least squares.</param>
    public GradientReference? Reference(ReferenceKind kind, int steps) => References.SingleOrDefault(r => r.Kind == kind && r.Steps == steps);
}
