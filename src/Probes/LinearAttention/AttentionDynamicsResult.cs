namespace MlNetIcl.Probes;

/// <summary>How the heads of linear attention hold the product of key and query weights.</summary>
public enum KeyQueryKind
{
    /// <summary>As one matrix of each head: together a two-layer linear network.</summary>
    Merged,

    /// <summary>As one key and one query vector of each head: a sum of rank-1 matrices, a three-layer linear network.</summary>
    Separate,
}

/// <summary>What <see cref="AttentionDynamics"/> found. Immutable.</summary>
public sealed record AttentionDynamicsResult
{
    /// <summary>The settings.</summary>
    public required AttentionDynamicsOptions Options { get; init; }

    /// <summary>The covariance's eigenvalues, their sum 1, in the order of the options.</summary>
    public required IReadOnlyList<double> Eigenvalues { get; init; }

    /// <summary>In closed form, the population loss with the m largest components learned, m = 0 to D: 1 first, the optimum last.</summary>
    public required IReadOnlyList<double> Levels { get; init; }

    /// <summary>The least population loss.</summary>
    public double Optimum => Levels[^1];

    /// <summary>One for each kind, merged first.</summary>
    public required IReadOnlyList<KeyQueryResult> Kinds { get; init; }

    /// <summary>One kind's result.</summary>
    public KeyQueryResult this[KeyQueryKind kind] => Kinds.Single(k => k.Kind == kind);
}

/// <summary>All trainings of one kind of heads.</summary>
public sealed record KeyQueryResult
{
    /// <summary>The kind.</summary>
    public required KeyQueryKind Kind { get; init; }

    /// <summary>Heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Size of the first weights, see <see cref="AttentionDynamicsOptions.InitialSize"/>.</summary>
    public required double InitialSize { get; init; }

    /// <summary>Learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Drops that theory predicts: one for merged heads, one for each component that the heads suffice for with separate ones.</summary>
    public required int ExpectedDrops { get; init; }

    /// <summary>Mean over trainings of the population loss at their ends, with its interval over trainings (BCa, 95 %).</summary>
    public required Estimate FinalLoss { get; init; }

    /// <summary>The trainings.</summary>
    public required IReadOnlyList<DynamicsRun> Runs { get; init; }
}

/// <summary>One training. Losses are squared errors of the query's answer in the population, in closed form from the learned matrix, unless stated.</summary>
public sealed record DynamicsRun
{
    /// <summary>Its seed.</summary>
    public required int Seed { get; init; }

    /// <summary>Where it stood, at steps that are 2 % apart, the first and the last one among them.</summary>
    public required IReadOnlyList<DynamicsPoint> Points { get; init; }

    /// <summary>The drops of the loss of the sequences, in their order.</summary>
    public required IReadOnlyList<LossDrop> Drops { get; init; }

    /// <summary>The plateaus before, between and after the drops: one more than those.</summary>
    public required IReadOnlyList<LossPlateau> Plateaus { get; init; }

    /// <summary>The least loss of the sequences that any matrix reaches.</summary>
    public required double LeastTrainingLoss { get; init; }

    /// <summary>Whether the loss of the sequences came as near to the least one as <see cref="AttentionDynamicsOptions.Steps"/> says.</summary>
    public required bool Converged { get; init; }
}

/// <summary>A moment of a training.</summary>
public sealed record DynamicsPoint
{
    /// <summary>Steps done.</summary>
    public required int Step { get; init; }

    /// <summary>Population loss.</summary>
    public required double Loss { get; init; }

    /// <summary>Loss of the sequences.</summary>
    public required double TrainingLoss { get; init; }

    /// <summary>Of each component, the share of its optimum that the learned matrix holds: 0 not learned, 1 learned.</summary>
    public required IReadOnlyList<double> Learned { get; init; }

    /// <summary>
    /// Of each component, |key . e| |query . e| of the head that holds most of it in the end, in [0, 1]; of components whose eigenvalues are equal, with
    /// the space of theirs, |key^T P query|. Empty for merged heads.
    /// </summary>
    public required IReadOnlyList<double> Alignment { get; init; }
}

/// <summary>A drop: where the loss falls fast between two plateaus.</summary>
/// <param name="Step">Where it falls fastest.</param>
/// <param name="Components">The components learned in it (numbers from 0, as the eigenvalues stand). Of equal eigenvalues the first ones that were not learned stand for any.</param>
/// <param name="Head">The head that grew most; null for merged heads.</param>
/// <param name="Alignment">That head's alignment after the drop with the component that it holds most of, as <see cref="DynamicsPoint.Alignment"/>; null for merged heads.</param>
public sealed record LossDrop(int Step, IReadOnlyList<int> Components, int? Head, double? Alignment);

/// <summary>A plateau: where the loss falls slowest between two drops, or an end of the training.</summary>
/// <param name="Step">Where it falls slowest; the first or last step at the ends.</param>
/// <param name="Loss">Population loss there.</param>
/// <param name="Learned">Components learned by then.</param>
/// <param name="Level">In closed form, the population loss with as many of the largest components learned.</param>
public sealed record LossPlateau(int Step, double Loss, int Learned, double Level);
