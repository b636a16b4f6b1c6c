namespace MlNetIcl.Probes;

/// <summary>What was done to the heads in a row of the table.</summary>
public enum CopyIntervention
{
    /// <summary>The previous-token heads are ablated.</summary>
    AblatePreviousToken,

    /// <summary>The induction heads are ablated.</summary>
    AblateInduction,

    /// <summary>Both are ablated.</summary>
    AblateBoth,

    /// <summary>Both were ablated and the previous-token heads are given back.</summary>
    RestorePreviousToken,

    /// <summary>Both were ablated and the induction heads are given back.</summary>
    RestoreInduction,

    /// <summary>Both were ablated and both are given back: nothing is ablated.</summary>
    RestoreBoth,

    /// <summary>Both were ablated and one head is given back.</summary>
    RestoreHead,

    /// <summary>Both were ablated; one head is given back, and the whole set that it is not of.</summary>
    RestoreHeadBesideOtherSet,

    /// <summary>All heads of the first layer are ablated; models of two layers only.</summary>
    AblateFirstLayer,

    /// <summary>All heads of the second layer are ablated; models of two layers only.</summary>
    AblateSecondLayer,

    /// <summary>All heads are ablated; models of two layers only.</summary>
    AblateBothLayers,

    /// <summary>As many other heads of the same layers as there are previous-token heads are ablated; mean over draws.</summary>
    ControlPreviousToken,

    /// <summary>As many other heads of the same layers as there are induction heads are ablated; mean over draws.</summary>
    ControlInduction,

    /// <summary>As many other heads of the same layers as there are heads of both kinds are ablated; mean over draws.</summary>
    ControlBoth,
}

/// <summary>How well repeated sequences are copied.</summary>
public sealed record CopyMeasure
{
    /// <summary>Share of the targets R+2..2R that are the argmax over the vocabulary, mean over sequences; in [0, 1].</summary>
    public required double Accuracy { get; init; }

    /// <summary>95 % interval of <see cref="Accuracy"/> over sequences.</summary>
    public required Interval AccuracyInterval { get; init; }

    /// <summary>Mean loss of the targets R+1..2R, in nats.</summary>
    public required double Loss { get; init; }

    /// <summary>95 % interval of <see cref="Loss"/> over sequences.</summary>
    public required Interval LossInterval { get; init; }
}

/// <summary>One row of the table.</summary>
public sealed record CopyAblationRow
{
    /// <summary>What was done.</summary>
    public required CopyIntervention Intervention { get; init; }

    /// <summary>The head that was given back; null where the row is not about one head.</summary>
    public HeadId? Head { get; init; }

    /// <summary>The heads that are ablated; of a control, those of its first draw.</summary>
    public required IReadOnlyList<HeadId> Ablated { get; init; }

    /// <summary>Random sets that a control is the mean of; 1 otherwise.</summary>
    public int Draws { get; init; } = 1;

    /// <summary>How well the model copies then.</summary>
    public required CopyMeasure Measure { get; init; }

    /// <summary>(accuracy - accuracy of the whole model) / accuracy of the whole model; null where the model does not copy.</summary>
    public double? RelativeChange { get; init; }

    /// <summary>95 % interval of <see cref="RelativeChange"/> over sequences, each held against the whole model on the same one; the whole model's mean accuracy, by which it is divided, is taken as given.</summary>
    public Interval? RelativeChangeInterval { get; init; }

    /// <summary>What the article claims of <see cref="RelativeChange"/>; null where it claims nothing.</summary>
    public double? Claim { get; init; }
}

/// <summary>What copying loses without the heads that are said to carry it, and gets back with them.</summary>
public sealed record CopyAblationResult
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Number of heads in each block.</summary>
    public required int HeadsPerLayer { get; init; }

    /// <summary>The seed of everything: heads are detected on its sequences, copying is measured on those of the next one.</summary>
    public required int Seed { get; init; }

    /// <summary>The sequences that copying was measured on.</summary>
    public required SequenceProtocol Protocol { get; init; }

    /// <summary>What head outputs were replaced by.</summary>
    public required AblationKind Kind { get; init; }

    /// <summary>The heads with the verdict <c>previous_token</c>, layer by layer.</summary>
    public required IReadOnlyList<HeadId> PreviousTokenHeads { get; init; }

    /// <summary>The heads with the verdict <c>induction</c>, layer by layer.</summary>
    public required IReadOnlyList<HeadId> InductionHeads { get; init; }

    /// <summary>Accuracy of a uniform guess, 1 / vocabulary.</summary>
    public required double Chance { get; init; }

    /// <summary>The whole model.</summary>
    public required CopyMeasure Base { get; init; }

    /// <summary>Whether there is anything to lose: the lower end of the accuracy's interval reaches <see cref="LeastAccuracy"/> and ten times chance.</summary>
    public bool Copies => Base.AccuracyInterval.Low >= Math.Max(LeastAccuracy, Math.Min(10 * Chance, 0.5));

    /// <summary>The rows, in the order of <see cref="CopyIntervention"/>; empty where there is nothing to ablate.</summary>
    public required IReadOnlyList<CopyAblationRow> Rows { get; init; }

    /// <summary>The least accuracy at which percentages of it are given.</summary>
    public const double LeastAccuracy = 0.05;
}
