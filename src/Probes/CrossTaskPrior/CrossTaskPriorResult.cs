namespace MlNetIcl.Probes;

/// <summary>How w is estimated.</summary>
public enum InverseLearner
{
    /// <summary>Ridge with generalised cross-validation: knows one task alone.</summary>
    Ridge,

    /// <summary>The posterior mean under a prior estimated from other tasks, whose rank it is told.</summary>
    TwoStageRidge,

    /// <summary>Multi-layer linear attention, trained on other tasks without their weights.</summary>
    Transformer,

    /// <summary>The posterior mean under the true prior.</summary>
    Oracle,
}

/// <summary>What <see cref="CrossTaskPrior"/> found. Immutable.</summary>
public sealed record CrossTaskPriorResult
{
    /// <summary>The settings.</summary>
    public required CrossTaskPriorOptions Options { get; init; }

    /// <summary>One for each rank, ascending.</summary>
    public required IReadOnlyList<PriorRankResult> Ranks { get; init; }
}

/// <summary>All learners on tasks whose weights have a covariance of one rank.</summary>
public sealed record PriorRankResult
{
    /// <summary>r, the rank of the covariance.</summary>
    public required int Rank { get; init; }

    /// <summary>The oracle's risk in closed form: the mean of tr S over the tested tasks' inputs.</summary>
    public required double OracleRisk { get; init; }

    /// <summary>Risk of always answering w0 in closed form: tr of the covariance, r.</summary>
    public double PriorMeanRisk => Rank;

    /// <summary>Mean squared residual per example of the transformer's first and last tenth of training.</summary>
    public required (double First, double Last) TrainingLoss { get; init; }

    /// <summary>The learners, in the order of <see cref="InverseLearner"/>.</summary>
    public required IReadOnlyList<PriorLearnerResult> Learners { get; init; }

    /// <summary>One learner's result.</summary>
    public PriorLearnerResult this[InverseLearner learner] => Learners.Single(l => l.Learner == learner);
}

/// <summary>One learner on fresh tasks. Intervals are over tasks (95 %).</summary>
public sealed record PriorLearnerResult
{
    /// <summary>The learner.</summary>
    public required InverseLearner Learner { get; init; }

    /// <summary>Mean of |what - w|^2.</summary>
    public required Estimate Risk { get; init; }

    /// <summary>The same on tasks of another family, of equal sizes with another w0 and other directions: a prior that was learned does harm there.</summary>
    public required Estimate ForeignRisk { get; init; }

    /// <summary>|mean of what - w0| / |w0|; 0 is full recovery, 1 an answer of 0.</summary>
    public required Estimate MeanError { get; init; }

    /// <summary>Cosine of mean what and w0. Estimates that are shrunk evenly have 1 as well, so it says little alone.</summary>
    public required Estimate MeanCosine { get; init; }

    /// <summary>|cov what - Sigma_w|_F / |Sigma_w|_F; 0 is full recovery.</summary>
    public required Estimate CovarianceError { get; init; }

    /// <summary>|U^T Uhat|_F^2 / r with the top r eigenvectors of cov what, in [0, 1]; directions at random have r / d.</summary>
    public required Estimate SubspaceOverlap { get; init; }

    /// <summary>Share of cov what's trace outside the true directions, in [0, 1]: where estimates vary that no task does.</summary>
    public required Estimate OutsideVariance { get; init; }
}
