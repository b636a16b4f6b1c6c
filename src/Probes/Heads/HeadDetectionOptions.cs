using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="HeadDetector"/>. The defaults are the stated protocol.</summary>
public sealed record HeadDetectionOptions
{
    private const int MostSequences = 10_000; // resamples are drawn for all of them: 80 MB

    /// <summary>Number of sequences, n. Range: 2 to 10,000. <value>Default 32.</value></summary>
    public int Sequences { get; init; } = 32;

    /// <summary>Tokens in a period, R. Range: at least 2, as far as context and usable ids reach. <value>Default (null): min(50, what context and usable ids allow).</value></summary>
    public int? Period { get; init; }

    /// <summary>How often the period stands in a sequence, r. Range: at least 2. <value>Default 2.</value></summary>
    public int Repeats { get; init; } = 2;

    /// <summary>Seed of sequences, controls, resamples and sign flips. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>The level that q-values are held against. Range: (0, 1). <value>Default 0.01.</value></summary>
    public double Alpha { get; init; } = 0.01;

    /// <summary>The least lower end of the difference's interval for a full verdict. Range: [0, 1]. <value>Default 0.2.</value></summary>
    public double Threshold { get; init; } = 0.2;

    /// <summary>The same for the verdict <c>weak</c>. Range: [0, <see cref="Threshold"/>]. <value>Default 0.05.</value></summary>
    public double WeakThreshold { get; init; } = 0.05;

    /// <summary>Bootstrap resamples of each interval. Range: at least 100. <value>Default 2,000.</value></summary>
    public int Resamples { get; init; } = 2000;

    /// <summary>Rows in a forward pass, controls included. Range: at least 1. <value>Default (null): as many as keep one layer's pattern below 256 MiB, at most 64.</value></summary>
    public int? BatchRows { get; init; }

    /// <summary>Whether rows of text that do not repeat get shuffled controls, and so verdicts. <value>Default false.</value></summary>
    public bool ShuffledControls { get; init; }

    /// <summary>Whether TransformerLens's scores are computed as well. <value>Default true.</value></summary>
    public bool TransformerLens { get; init; } = true;

    /// <summary>Leaves attention to position 0 out of TransformerLens's scores. <value>Default false, as there.</value></summary>
    public bool ExcludeBos { get; init; }

    /// <summary>Leaves attention of a query to itself out of TransformerLens's scores. <value>Default false, as there.</value></summary>
    public bool ExcludeCurrentToken { get; init; }

    /// <summary>Whether the entropy of the attention is computed. <value>Default false.</value></summary>
    public bool Entropy { get; init; }

    /// <summary>Whether the copying score of each head's weights is computed. <value>Default true.</value></summary>
    public bool Copying { get; init; } = true;

    /// <summary>Whether losses and copy accuracy are computed, which needs the whole model and its logits. <value>Default false.</value></summary>
    public bool Losses { get; init; }

    /// <summary>
    /// Whether what was detected is confirmed by ablation, which takes the whole model many times: each induction head, the heads
    /// without a verdict in its layer and the neighbouring ones, and the induction heads together. Needs rows that repeat. <value>Default false.</value>
    /// </summary>
    public bool Confirm { get; init; }

    /// <summary>Whether <c>weak</c> induction heads are confirmed too, and then part of the joint set. <value>Default false.</value></summary>
    public bool ConfirmWeak { get; init; }

    /// <summary>The least lower end of an interval that confirms, in nats. Range: at least 0, finite. <value>Default 0.05.</value></summary>
    public double ConfirmThreshold { get; init; } = 0.05;

    /// <summary>The early position of the in-context-learning score, counted from 1. <value>Default 50.</value></summary>
    public int EarlyPosition { get; init; } = 50;

    /// <summary>The late position of the in-context-learning score, counted from 1. <value>Default (null): the last one.</value></summary>
    public int? LatePosition { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A setting is out of its range; the message says which, what it is and what it may be.</exception>
    public void Validate()
    {
        Setting.Require(Sequences is >= 2 and <= MostSequences, Sequences, "from 2 to 10,000");
        Setting.Require(Period is null or >= 2, Period, "at least 2 tokens, or null");
        Setting.Require(Repeats >= 2, Repeats, "at least 2");
        Setting.Require(Alpha is > 0 and < 1, Alpha, "strictly between 0 and 1");
        Setting.Require(Threshold is >= 0 and <= 1, Threshold, "between 0 and 1");
        Setting.Require(WeakThreshold >= 0 && WeakThreshold <= Threshold, WeakThreshold, $"between 0 and the threshold, {Threshold}");
        Setting.Require(Resamples >= 100, Resamples, "at least 100");
        Setting.Require(BatchRows is null or >= 1, BatchRows, "at least 1, or null");
        Setting.Require(double.IsFinite(ConfirmThreshold) && ConfirmThreshold >= 0, ConfirmThreshold, "at least 0 and finite");
        Setting.Require(EarlyPosition >= 1, EarlyPosition, "at least 1");
        Setting.Require(LatePosition is null || LatePosition > EarlyPosition, LatePosition, $"after the early position, {EarlyPosition}, or null");
    }
}
