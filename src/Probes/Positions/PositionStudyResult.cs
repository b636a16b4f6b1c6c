namespace MlNetIcl.Probes;

/// <summary>What <see cref="PositionStudy"/> found. Immutable.</summary>
public sealed record PositionStudyResult
{
    /// <summary>The settings.</summary>
    public required PositionStudyOptions Options { get; init; }

    /// <summary>Accuracy of a uniform guess among the values.</summary>
    public required double Chance { get; init; }

    /// <summary>One for each encoding, in the order of the options.</summary>
    public required IReadOnlyList<PositionSchemeResult> Schemes { get; init; }

    /// <summary>The result of an encoding; null where it was not tried.</summary>
    public PositionSchemeResult? this[PositionScheme scheme] => Schemes.FirstOrDefault(s => s.Scheme == scheme);
}

/// <summary>What decoders with one encoding do. Intervals are over decoders and rows (95 %).</summary>
public sealed record PositionSchemeResult
{
    /// <summary>The encoding.</summary>
    public required PositionScheme Scheme { get; init; }

    /// <summary>The learning rate that was chosen.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Held-out loss of the decoder that the choice was made with, by learning rate, nats.</summary>
    public required IReadOnlyList<(double Rate, double Loss)> Candidates { get; init; }

    /// <summary>Held-out loss of each measured decoder, nats.</summary>
    public required IReadOnlyList<double> HeldOutLosses { get; init; }

    /// <summary>At the most demonstrations that were trained.</summary>
    public required DemonstrationReliance Trained { get; init; }

    /// <summary>At the most demonstrations that were tested; null where the decoder has no positions for them.</summary>
    public required DemonstrationReliance? Longest { get; init; }

    /// <summary>Accuracy by number of demonstrations, each row asking for one of them; null where the decoder has no positions for so many.</summary>
    public required IReadOnlyList<(int Demonstrations, Estimate? Accuracy)> ByLength { get; init; }

    /// <summary>What wins where a key stands twice, with two values.</summary>
    public required DemonstrationConflict Conflict { get; init; }
}

/// <summary>Accuracy by the place of the demonstration that answers.</summary>
public sealed record DemonstrationReliance
{
    /// <summary>Accuracy where the answer stands in the first, second, … demonstration; in [0, 1].</summary>
    public required IReadOnlyList<Estimate> ByPosition { get; init; }

    /// <summary>First-example reliance: accuracy where the answer stands in the first demonstration minus the mean of the others, in [-1, 1].</summary>
    public required Estimate First { get; init; }

    /// <summary>Recency: accuracy where the answer stands in the last demonstration minus the mean of the others, in [-1, 1].</summary>
    public required Estimate Last { get; init; }
}

/// <summary>Which of two contradicting demonstrations is followed; training has no such rows. Shares of all rows, in [0, 1].</summary>
public sealed record DemonstrationConflict
{
    /// <summary>The first of the two is.</summary>
    public required Estimate FirstWins { get; init; }

    /// <summary>The last of the two is.</summary>
    public required Estimate LastWins { get; init; }

    /// <summary>
    /// How much more often the first of the two wins where it is the row's first demonstration than where it is a later one, in [-1, 1]: what is
    /// particular to the very first.
    /// </summary>
    public required Estimate FirstDemonstrationPull { get; init; }
}
