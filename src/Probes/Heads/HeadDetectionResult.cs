namespace MlNetIcl.Probes;

/// <summary>What the heads were scored on.</summary>
public enum HeadScoreSource
{
    /// <summary>Generated sequences, BOS + a random period repeated.</summary>
    Generated,

    /// <summary>The caller's rows, found to repeat with one period; controls were drawn for them.</summary>
    RepeatedRows,

    /// <summary>The caller's rows of any text, without verdicts.</summary>
    Text,

    /// <summary>The caller's rows of any text, with each row's shuffled tokens as its control.</summary>
    TextWithShuffledControls,
}

/// <summary>The sequences behind a <see cref="HeadDetectionResult"/>: enough to draw them again.</summary>
public sealed record SequenceProtocol
{
    /// <summary>Where the sequences come from.</summary>
    public required HeadScoreSource Source { get; init; }

    /// <summary>Number of sequences, n.</summary>
    public required int Sequences { get; init; }

    /// <summary>Tokens in a period, R; null for text.</summary>
    public int? Period { get; init; }

    /// <summary>How often the period stands in a sequence, r; null for text.</summary>
    public int? Repeats { get; init; }

    /// <summary>The seed of sequences, controls, resamples and sign flips.</summary>
    public required int Seed { get; init; }

    /// <summary>The id before the first period, or null where there is none.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Where that id is from: <c>configuration</c>, <c>end-of-text token</c>, <c>rows</c> or <c>none</c>.</summary>
    public required string BosSource { get; init; }
}

/// <summary>Next-token losses on the repeated sequences, in nats, means over sequences.</summary>
public sealed record RepetitionLosses
{
    /// <summary>Mean loss of each target; entry i is the loss of token i + 1.</summary>
    public required IReadOnlyList<double> ByPosition { get; init; }

    /// <summary>Mean loss of the targets in the first repeat.</summary>
    public required double FirstRepeat { get; init; }

    /// <summary>Mean loss of the targets in the second repeat (R+1..2R, counted after BOS).</summary>
    public required double SecondRepeat { get; init; }

    /// <summary>95 % interval of <see cref="SecondRepeat"/> over sequences.</summary>
    public Interval? SecondRepeatInterval { get; init; }

    /// <summary>Share of the targets R+2..2R that are the argmax over the vocabulary (the first of the repeat cannot be copied).</summary>
    public double? CopyAccuracy { get; init; }

    /// <summary>In-context-learning score: loss at a late position minus loss at an early one; negative is better (Olsson et al. 2022). Null where the sequences are too short.</summary>
    public double? InContextLearningScore { get; init; }

    /// <summary>The early position of <see cref="InContextLearningScore"/>, counted from 1 over the targets; null with it.</summary>
    public int? EarlyPosition { get; init; }

    /// <summary>The late position of <see cref="InContextLearningScore"/>, counted likewise.</summary>
    public int? LatePosition { get; init; }
}

/// <summary>The scores and verdicts of every head of a model. Immutable.</summary>
public sealed record HeadDetectionResult
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Number of heads in each block.</summary>
    public required int HeadsPerLayer { get; init; }

    /// <summary>All heads, layer by layer: the entry of a head is at layer * <see cref="HeadsPerLayer"/> + head.</summary>
    public required IReadOnlyList<HeadScores> Heads { get; init; }

    /// <summary>The sequences that were used.</summary>
    public required SequenceProtocol Protocol { get; init; }

    /// <summary>The level that q-values are held against.</summary>
    public required double Alpha { get; init; }

    /// <summary>The least lower end of the difference's interval for a full verdict.</summary>
    public required double Threshold { get; init; }

    /// <summary>The least lower end of the difference's interval for the verdict <c>weak</c>.</summary>
    public required double WeakThreshold { get; init; }

    /// <summary>The chance level of <see cref="HeadScores.Induction"/> on text: mean of occurrences / (query + 1); null on repeated sequences, or where no query has an earlier occurrence.</summary>
    public double? Chance { get; init; }

    /// <summary>Losses, where they were asked for.</summary>
    public RepetitionLosses? Losses { get; init; }

    /// <summary>What ablation says of the detected heads, where it was asked for.</summary>
    public ConfirmationResult? Confirmation { get; init; }

    /// <summary>One head.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The model has no such layer or head.</exception>
    public HeadScores this[int layer, int head]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)layer, (uint)Layers, nameof(layer));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)head, (uint)HeadsPerLayer, nameof(head));
            return Heads[layer * HeadsPerLayer + head];
        }
    }

    /// <summary>The heads whose verdict of a kind is the kind's own name, in layer order.</summary>
    public IEnumerable<HeadScores> Detected(HeadKind kind) => Heads.Where(h => h[kind].Verdict == HeadVerdicts.Of(kind));
}
