namespace MlNetIcl.Probes;

/// <summary>Where what a learner knows of a task comes from.</summary>
public enum Paradigm
{
    /// <summary>The task's examples alone.</summary>
    Classical,

    /// <summary>Other tasks give first weights, the task's examples change them.</summary>
    MetaLearning,

    /// <summary>Other tasks give the weights, the task's examples are read with the query and change none.</summary>
    InContext,
}

/// <summary>One learner on one family.</summary>
public sealed record ParadigmLearner
{
    /// <summary>Where its knowledge comes from.</summary>
    public required Paradigm Paradigm { get; init; }

    /// <summary>What it is.</summary>
    public required string Name { get; init; }

    /// <summary>Parameters in all.</summary>
    public required long Parameters { get; init; }

    /// <summary>Updates of the parameters when it adapts to a task: 0 where none changes, 1 where they are solved for.</summary>
    public required int Updates { get; init; }

    /// <summary>Other tasks that it was trained on before; 0 for none.</summary>
    public required long PretrainingTasks { get; init; }

    /// <summary>Labelled examples of those.</summary>
    public required long PretrainingExamples { get; init; }

    /// <summary>Its errors, by <see cref="ParadigmOptions.Shots"/>.</summary>
    public required IReadOnlyList<RegressionError> ByShots { get; init; }

    /// <summary>Its errors behind the most examples on tasks out of distribution.</summary>
    public required IReadOnlyList<(RegressionShift Shift, RegressionError Error)> Shifted { get; init; }

    /// <summary>Time to adapt to one task and answer, tasks being computed together. It differs from run to run.</summary>
    public required TimeSpan AdaptationTime { get; init; }
}

/// <summary>All learners on one family.</summary>
/// <param name="Family">The family.</param>
/// <param name="Dimension">d.</param>
/// <param name="Learners">The learners: classical ones, meta-learning, in context.</param>
public sealed record ParadigmFamilyResult(RegressionFamily Family, int Dimension, IReadOnlyList<ParadigmLearner> Learners);

/// <summary>What <see cref="ParadigmStudy"/> found. Immutable.</summary>
public sealed record ParadigmResult
{
    /// <summary>The settings.</summary>
    public required ParadigmOptions Options { get; init; }

    /// <summary>The families.</summary>
    public required IReadOnlyList<ParadigmFamilyResult> Families { get; init; }
}
