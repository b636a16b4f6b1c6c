namespace MlNetIcl.Probes;

/// <summary>A number with its 95 % interval over queries (BCa bootstrap; each query's own mean over draws of demonstrations).</summary>
/// <param name="Value">The mean over queries.</param>
/// <param name="Interval">Its interval. Draws of demonstrations are taken as given.</param>
public sealed record QueryMean(double Value, Interval Interval);

/// <summary>The semantic prior of one label.</summary>
public sealed record LabelSemanticPrior
{
    /// <summary>The label's word.</summary>
    public required string Label { get; init; }

    /// <summary>Share of the queries that have the label, in [0, 1].</summary>
    public required double Share { get; init; }

    /// <summary>Its probability among the labels without demonstrations, mean over queries.</summary>
    public required QueryMean WithoutDemonstrations { get; init; }

    /// <summary>The same minus a uniform guess.</summary>
    public required QueryMean Difference { get; init; }

    /// <summary>Its probability among the labels for content-free inputs, mean over these (Zhao et al. 2021): what the model says whatever the text.</summary>
    public required double ContentFree { get; init; }
}

/// <summary>What true pairs of demonstrations are worth against others.</summary>
public sealed record StructurePrior
{
    /// <summary>Accuracy with the other demonstrations, in [0, 1].</summary>
    public required QueryMean Accuracy { get; init; }

    /// <summary>Accuracy with true pairs minus that.</summary>
    public required QueryMean Difference { get; init; }
}

/// <summary>Three priors of a language model about a labelling task, each as a difference. Immutable.</summary>
public sealed record LabelPriorResult
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The labels' words.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>Queries, n of every interval.</summary>
    public required int Queries { get; init; }

    /// <summary>Demonstrations in a prompt.</summary>
    public required int Demonstrations { get; init; }

    /// <summary>Draws of demonstrations.</summary>
    public required int Draws { get; init; }

    /// <summary>The seed of draws and intervals.</summary>
    public required int Seed { get; init; }

    /// <summary>Probability of all labels' first tokens together, without demonstrations.</summary>
    public required QueryMean MassWithout { get; init; }

    /// <summary>The same with demonstrations.</summary>
    public required QueryMean MassWith { get; init; }

    /// <summary>The format prior that demonstrations set: <see cref="MassWith"/> minus <see cref="MassWithout"/>.</summary>
    public required QueryMean Format { get; init; }

    /// <summary>The semantic prior, by label: what the model says before any demonstration.</summary>
    public required IReadOnlyList<LabelSemanticPrior> Semantic { get; init; }

    /// <summary>Accuracy without demonstrations, in [0, 1].</summary>
    public required QueryMean AccuracyWithout { get; init; }

    /// <summary>The same minus a uniform guess: what the model knows of the task before any demonstration.</summary>
    public required QueryMean AccuracyWithoutAboveGuess { get; init; }

    /// <summary>Accuracy with true pairs.</summary>
    public required QueryMean AccuracyTrue { get; init; }

    /// <summary>True pairs against the same texts and labels, paired at random.</summary>
    public required StructurePrior ShuffledPairs { get; init; }

    /// <summary>True pairs against texts of words drawn at random from the set, under the same labels.</summary>
    public required StructurePrior ForeignTexts { get; init; }

    /// <summary>True pairs against the same texts under words that are no labels.</summary>
    public required StructurePrior ForeignLabels { get; init; }
}
