namespace MlNetIcl.Probes;

/// <summary>What was measured at one checkpoint, on held-out repeated sequences.</summary>
public sealed record EmergencePoint
{
    /// <summary>Training steps done.</summary>
    public required int Step { get; init; }

    /// <summary>Prefix matching of the strongest head, as difference to matched controls, in [-1, 1].</summary>
    public required double Induction { get; init; }

    /// <summary>The head of <see cref="Induction"/>.</summary>
    public required HeadId InductionHead { get; init; }

    /// <summary>Attention of the strongest head to the token before, above uniform attention, in [-1, 1].</summary>
    public required double PreviousToken { get; init; }

    /// <summary>Copying score of <see cref="InductionHead"/>'s OV circuit, in [-1, 1]; null for ONNX graphs.</summary>
    public double? Copying { get; init; }

    /// <summary>Losses in nats, copy accuracy and in-context-learning score (loss of the last token minus that of the token in the middle of the first repeat).</summary>
    public required RepetitionLosses Losses { get; init; }
}

/// <summary>A time of training with its 95 % interval.</summary>
/// <param name="Step">The step, interpolated between checkpoints.</param>
/// <param name="Interval">Over resamples of the held-out sequences (a run), or over runs (a group; null for fewer than two).</param>
public sealed record ChangeTime(double Step, Interval? Interval);

/// <summary>
/// When a rising curve rose: the first crossings of 10 %, 50 % and 90 % of the way from its first to its last value, after it was made
/// monotone by isotonic regression, so that noise neither adds a crossing nor any shape is assumed.
/// </summary>
/// <param name="Onset">10 % of the rise.</param>
/// <param name="Midpoint">50 % of the rise.</param>
/// <param name="Completion">90 % of the rise.</param>
public sealed record ChangePoint(ChangeTime Onset, ChangeTime Midpoint, ChangeTime Completion);

/// <summary>One training, or one folder of checkpoints. Immutable.</summary>
public sealed record EmergenceRun
{
    /// <summary>Which run: the seed, or the folder's name.</summary>
    public required string Name { get; init; }

    /// <summary>Checkpoints by ascending step; at least two.</summary>
    public required IReadOnlyList<EmergencePoint> Points { get; init; }

    /// <summary>When induction emerged; null where <see cref="EmergencePoint.Induction"/> rises by less than the least rise.</summary>
    public required ChangePoint? Change { get; init; }

    /// <summary>Heads of the last checkpoint with the detector's verdict <c>induction</c>, on 32 other sequences.</summary>
    public required IReadOnlyList<HeadId> InductionHeads { get; init; }

    /// <summary>Heads of the last checkpoint with the verdict <c>previous_token</c>.</summary>
    public required IReadOnlyList<HeadId> PreviousTokenHeads { get; init; }

    /// <summary>[checkpoint][head][sequence]: score minus control, for change points of parts of the run.</summary>
    internal double[][][] Differences { get; init; } = [];
}

/// <summary>All runs of one shape. Immutable.</summary>
public sealed record EmergenceGroup
{
    /// <summary>The shape.</summary>
    public required EmergenceSize Size { get; init; }

    /// <summary>The runs.</summary>
    public required IReadOnlyList<EmergenceRun> Runs { get; init; }

    /// <summary>Means over the runs that have a change point, with BCa intervals over those; null where none has.</summary>
    public required ChangePoint? Change { get; init; }

    /// <summary>Runs that end with an induction head.</summary>
    public int Formed => Runs.Count(r => r.InductionHeads.Count > 0);
}

/// <summary>How induction emerged in each shape. Immutable.</summary>
public sealed record EmergenceResult
{
    /// <summary>The shapes, in the order of the options.</summary>
    public required IReadOnlyList<EmergenceGroup> Groups { get; init; }

    /// <summary>The settings; of a folder of checkpoints, those of the measurement alone count.</summary>
    public required EmergenceOptions Options { get; init; }

    /// <summary>Tokens in a training step; null where the training is not known.</summary>
    public int? TokensPerStep { get; init; }

    /// <summary>The held-out sequences.</summary>
    public required SequenceProtocol Protocol { get; init; }
}
