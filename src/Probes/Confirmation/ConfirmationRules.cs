namespace MlNetIcl.Probes;

/// <summary>From effects and intervals to the verdicts of causal confirmation.</summary>
/// <param name="threshold">The least lower end of an interval that counts, in nats.</param>
internal sealed class ConfirmationRules(double threshold)
{
    /// <summary>Fewer control heads than this are none.</summary>
    public const int FewestControlHeads = 3;

    /// <summary>Whether a head is confirmed by what happens without it alone.</summary>
    /// <param name="effect">Its effect.</param>
    /// <param name="specificity">The interval of its specificity.</param>
    /// <param name="controls">The effects of its control heads; all of them, however few.</param>
    public bool IsConfirmed(double effect, Interval specificity, IReadOnlyCollection<double> controls) =>
        specificity.Low >= threshold && (controls.Count < FewestControlHeads || effect > controls.Max());

    /// <summary>Whether the model copies better without a head.</summary>
    public bool Opposes(Interval specificity) => specificity.High <= -threshold;

    /// <summary>Whether the heads together do more than as many control heads.</summary>
    /// <param name="effect">The joint effect.</param>
    /// <param name="specificity">The interval of its specificity.</param>
    /// <param name="draws">The effects of draws of as many control heads; empty where there are too few to draw from.</param>
    public bool Exceeds(double effect, Interval specificity, IReadOnlyCollection<double> draws) =>
        draws.Count > 0 ? effect > draws.OrderDescending().Skip(1).First() : specificity.Low >= threshold;

    /// <summary>The first verdict that holds.</summary>
    /// <param name="effect">The head's effect.</param>
    /// <param name="specificity">The interval of its specificity.</param>
    /// <param name="controls">The effects of its control heads.</param>
    /// <param name="jointExceeds">What <see cref="Exceeds"/> says of the joint set.</param>
    /// <param name="giveBack">By how much the head alone, given back, lowers the loss: the interval; null for a head outside the joint set.</param>
    public string Verdict(double effect, Interval specificity, IReadOnlyCollection<double> controls, bool jointExceeds, Interval? giveBack) =>
        IsConfirmed(effect, specificity, controls) ? ConfirmationVerdicts.Confirmed
        : Opposes(specificity) ? ConfirmationVerdicts.OpposesCopying
        : jointExceeds && giveBack?.Low >= threshold ? ConfirmationVerdicts.ConfirmedJointly
        : ConfirmationVerdicts.NotConfirmed;
}
