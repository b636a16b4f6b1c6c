using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;

namespace MlNetIcl.Reports.Heads;

/// <summary>Causal confirmation as a section of <see cref="HeadReport"/>.</summary>
internal static class ConfirmationReport
{
    public static Section SectionOf(ConfirmationResult result) => new("Causal confirmation", result.Heads.Count == 0
        ? [new Prose(ConfirmationWords.Summary(result)), new KeyFacts(ConfirmationWords.Facts(result))]
        :
        [
            new Prose(ConfirmationWords.Summary(result)),
            Table(result),
            new Prose(ConfirmationWords.Measures(result)),
            new Prose(ConfirmationWords.Verdicts(result)),
            Effects(result),
            Specificities(result),
            .. result.Joint is { } joint ? [Together(result, joint)] : Array.Empty<ReportPart>(),
            new KeyFacts(ConfirmationWords.Facts(result)),
        ]);

    private static DataTable Table(ConfirmationResult result) => new(
        [
            new("head"),
            new("verdict"),
            new("effect", true, "increase of the second repeat's loss without the head, nats, with its 95 % interval over sequences"),
            new("controls", true, "the largest effect of a head without a verdict in the same and the neighbouring layers"),
            new("specificity", true, "effect minus the same on sequences that do not repeat"),
            new("given back", true, "by how much this head alone, given back to the jointly ablated set, lowers the loss"),
            new("copy accuracy", true, "without the head"),
        ],
        [.. result.Heads.Select(h => (IReadOnlyList<Cell>)
        [
            new(h.Name, Strong: IsConfirmed(h)),
            new(h.Verdict, Strong: IsConfirmed(h)),
            new(HeadWords.Interval(h.Effect, h.EffectInterval), Numbers.Brief(h.Effect)),
            new(ConfirmationWords.Controls(h), $"{Numbers.Count(h.ControlHeads)} heads without a verdict"),
            new(HeadWords.Interval(h.Specificity, h.SpecificityInterval), Numbers.Brief(h.Specificity)),
            new(HeadWords.Interval(h.GiveBack, h.GiveBackInterval), h.GiveBack is { } gain ? Numbers.Brief(gain) : "not in the joint set"),
            Numbers.Score(h.CopyAccuracy),
        ])])
    {
        Caption = "What each detected head does to copying; brackets are 95 % intervals over sequences",
    };

    private static BarChart Effects(ConfirmationResult result) => new([.. result.Heads.Select(h => new Bar(h.Name, h.Effect, h.EffectInterval.Low, h.EffectInterval.High)
    {
        Marks = [.. result.ControlsOf(h.Layer).Select(c => c.Effect)],
    })])
    {
        Title = "Effect of each head alone",
        Caption = "By how much the loss of the second repeat rises without the head; redundant heads hide each other.",
        ValueName = "effect (nats)",
        MarkName = "heads without a verdict, same and neighbouring layers",
    };

    private static BarChart Specificities(ConfirmationResult result) => new([.. result.Heads.Select(h => new Bar(h.Name, h.Specificity, h.SpecificityInterval.Low, h.SpecificityInterval.High))])
    {
        Title = "Specificity of each head alone",
        Caption = "The effect minus the same on sequences that do not repeat. Confirmed needs an interval to the right of the right line; opposing copying is one to the left of the left line.",
        ValueName = "specificity (nats)",
        Lines = [-result.Threshold, result.Threshold],
    };

    private static BarChart Together(ConfirmationResult result, JointConfirmation joint) => new(
    [
        new Bar(joint.Heads.Count == 1 ? "ablated" : $"all {joint.Heads.Count} ablated", joint.Effect, joint.EffectInterval.Low, joint.EffectInterval.High) { Marks = joint.ControlEffects },
        .. result.Heads.Where(h => h.GiveBack is not null).Select(h => new Bar($"{h.Name} given back", h.GiveBack!.Value, h.GiveBackInterval!.Value.Low, h.GiveBackInterval.Value.High)),
    ])
    {
        Title = "Effect of the heads together, and what each one mends",
        Caption = "First bar: by how much the loss of the second repeat rises without all of them. Below: by how much each head alone, given back, lowers it again.",
        ValueName = "nats",
        BarName = "ablation",
        MarkName = joint.ControlEffects.Count > 0 ? $"{joint.ControlEffects.Count} draws of as many heads without a verdict" : null,
    };

    private static bool IsConfirmed(HeadConfirmation head) => head.Verdict is ConfirmationVerdicts.Confirmed or ConfirmationVerdicts.ConfirmedJointly;
}
