using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Tests;

/// <summary>Made-up confirmations with every verdict, with control heads and without.</summary>
internal static class SampleConfirmation
{
    public static HeadDetectionResult Detection() => SampleResults.Detection() with { Confirmation = Result() };

    public static ConfirmationResult Result() => new()
    {
        Loss = 0.8,
        CopyAccuracy = 0.94,
        ReferenceSequences = 32,
        Threshold = 0.05,
        Heads =
        [
            Head(0, 1, 1.2, 1.1, ConfirmationVerdicts.Confirmed, largest: 0.3, giveBack: 2.0),
            Head(1, 0, 0.02, 0.01, ConfirmationVerdicts.ConfirmedJointly, largest: null, giveBack: 0.7),
            Head(2, 1, -0.4, -0.3, ConfirmationVerdicts.OpposesCopying, largest: 0.3, giveBack: null),
            Head(2, 3, 0.01, 0.0, ConfirmationVerdicts.NotConfirmed, largest: 0.3, giveBack: -0.01),
        ],
        Controls = [new(0, 3, 0.3), new(1, 2, -0.1), new(2, 0, 0.004)],
        Joint = new()
        {
            Heads = [new(0, 1), new(1, 0), new(2, 3)],
            Effect = 3.9,
            EffectInterval = new(3.7, 4.1),
            Specificity = 3.5,
            SpecificityInterval = new(3.3, 3.7),
            ControlEffects = [.. Enumerable.Range(0, 20).Select(i => 0.05 * i)],
            Exceeds = true,
            Loss = 4.7,
            CopyAccuracy = 0.02,
        },
    };

    private static HeadConfirmation Head(int layer, int head, double effect, double specificity, string verdict, double? largest, double? giveBack) => new()
    {
        Layer = layer,
        Head = head,
        Effect = effect,
        EffectInterval = new(effect - 0.02, effect + 0.03),
        Specificity = specificity,
        SpecificityInterval = new(specificity - 0.025, specificity + 0.035),
        ControlHeads = largest is null ? 2 : 3,
        LargestControlEffect = largest,
        GiveBack = giveBack,
        GiveBackInterval = giveBack is { } gain ? new(gain - 0.1, gain + 0.1) : null,
        CopyAccuracy = 0.9,
        Verdict = verdict,
    };
}
