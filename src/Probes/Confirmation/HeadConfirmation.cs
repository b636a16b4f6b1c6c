namespace MlNetIcl.Probes;

/// <summary>The verdicts of causal confirmation, as results and JSON spell them.</summary>
public static class ConfirmationVerdicts
{
    /// <summary>Without this head alone the model loses more where rows repeat than where they don't, and more than without any control head.</summary>
    public const string Confirmed = "confirmed";

    /// <summary>Without this head alone the model loses less where rows repeat than where they don't.</summary>
    public const string OpposesCopying = "opposes copying";

    /// <summary>Without the detected heads together the model loses more than without as many control heads, and this head given back alone mends a part of that.</summary>
    public const string ConfirmedJointly = "confirmed jointly";

    /// <summary>None of the others.</summary>
    public const string NotConfirmed = "not confirmed";

    /// <summary>Fewer than three heads of the same and the neighbouring layers are without a verdict, so that there is nothing to hold an effect against.</summary>
    public const string NoControlHeads = "no control heads";
}

/// <summary>What one detected head does to copying. Losses and effects are in nats, means over sequences.</summary>
public sealed record HeadConfirmation
{
    /// <summary>The block, from 0.</summary>
    public required int Layer { get; init; }

    /// <summary>The head within its block, from 0.</summary>
    public required int Head { get; init; }

    /// <summary>The head's name, as <c>L5.H1</c>.</summary>
    public string Name => new HeadId(Layer, Head).ToString();

    /// <summary>Increase of the second repeat's loss when the head's output is replaced by its mean at each position over fresh repeated sequences.</summary>
    public required double Effect { get; init; }

    /// <summary>95 % interval of <see cref="Effect"/> over sequences.</summary>
    public required Interval EffectInterval { get; init; }

    /// <summary><see cref="Effect"/> minus the increase at the same positions of the matched controls, which do not repeat.</summary>
    public required double Specificity { get; init; }

    /// <summary>95 % interval of <see cref="Specificity"/> over sequences.</summary>
    public required Interval SpecificityInterval { get; init; }

    /// <summary>How many heads of the same and the neighbouring layers have no verdict of any kind.</summary>
    public required int ControlHeads { get; init; }

    /// <summary>The largest effect of these; null where they are fewer than three.</summary>
    public double? LargestControlEffect { get; init; }

    /// <summary><see cref="ConfirmationVerdicts.NoControlHeads"/> where control heads are fewer than three, else null.</summary>
    public string? Remark => LargestControlEffect is null ? ConfirmationVerdicts.NoControlHeads : null;

    /// <summary>How much this head alone, given back to the jointly ablated set, lowers the second repeat's loss; null for a head that is not in the set.</summary>
    public double? GiveBack { get; init; }

    /// <summary>95 % interval of <see cref="GiveBack"/> over sequences.</summary>
    public Interval? GiveBackInterval { get; init; }

    /// <summary>Copy accuracy without the head.</summary>
    public required double CopyAccuracy { get; init; }

    /// <summary>One of <see cref="ConfirmationVerdicts"/>.</summary>
    public required string Verdict { get; init; }
}

/// <summary>What a head without a verdict does to copying.</summary>
/// <param name="Layer">The block, from 0.</param>
/// <param name="Head">The head within its block, from 0.</param>
/// <param name="Effect">Increase of the second repeat's loss without it, in nats.</param>
public sealed record ControlHeadEffect(int Layer, int Head, double Effect);

/// <summary>What the detected heads together do to copying, those left out that oppose it. Effects are in nats, means over sequences.</summary>
public sealed record JointConfirmation
{
    /// <summary>The heads that are ablated together, in layer order.</summary>
    public required IReadOnlyList<HeadId> Heads { get; init; }

    /// <summary>Increase of the second repeat's loss.</summary>
    public required double Effect { get; init; }

    /// <summary>95 % interval of <see cref="Effect"/> over sequences.</summary>
    public required Interval EffectInterval { get; init; }

    /// <summary><see cref="Effect"/> minus the increase at the same positions of the matched controls.</summary>
    public required double Specificity { get; init; }

    /// <summary>95 % interval of <see cref="Specificity"/> over sequences.</summary>
    public required Interval SpecificityInterval { get; init; }

    /// <summary>The effects of 20 different draws of as many control heads; empty where there are too few control heads for as many.</summary>
    public required IReadOnlyList<double> ControlEffects { get; init; }

    /// <summary>Whether <see cref="Effect"/> exceeds the second largest of <see cref="ControlEffects"/>; where there are none, whether the lower end of <see cref="SpecificityInterval"/> reaches the threshold.</summary>
    public required bool Exceeds { get; init; }

    /// <summary>Loss of the second repeat (targets R+1..2R) without the heads.</summary>
    public required double Loss { get; init; }

    /// <summary>Copy accuracy (argmax over the vocabulary, targets R+2..2R) without the heads.</summary>
    public required double CopyAccuracy { get; init; }
}

/// <summary>
/// Whether the detected induction heads cause copying: each ablated alone, and together, against matched controls and heads without a
/// verdict. Immutable.
/// </summary>
/// <remarks>
/// A head scores high by where it looks; what the model loses without it is another question, and one that redundant heads hide from
/// each other. The protocol is in docs/metrics.md.
/// </remarks>
public sealed record ConfirmationResult
{
    /// <summary>Loss of the second repeat (targets R+1..2R), nothing ablated.</summary>
    public required double Loss { get; init; }

    /// <summary>Copy accuracy (argmax over the vocabulary, targets R+2..2R), nothing ablated.</summary>
    public required double CopyAccuracy { get; init; }

    /// <summary>The heads that were asked about, in layer order; none where none was detected.</summary>
    public required IReadOnlyList<HeadConfirmation> Heads { get; init; }

    /// <summary>The heads without a verdict in the same and the neighbouring layers, in layer order, each ablated alone.</summary>
    public required IReadOnlyList<ControlHeadEffect> Controls { get; init; }

    /// <summary>The heads ablated together; null where there is none, or where all oppose copying.</summary>
    public JointConfirmation? Joint { get; init; }

    /// <summary>How many fresh sequences the means are taken over.</summary>
    public required int ReferenceSequences { get; init; }

    /// <summary>The least lower end of an interval that counts, in nats.</summary>
    public required double Threshold { get; init; }

    /// <summary>The control heads of a layer: those of it and of its neighbours.</summary>
    public IEnumerable<ControlHeadEffect> ControlsOf(int layer) => Controls.Where(c => Math.Abs(c.Layer - layer) <= 1);
}
