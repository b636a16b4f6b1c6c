using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Heads;

/// <summary>The sentences of causal confirmation.</summary>
internal static class ConfirmationWords
{
    /// <summary>What was ablated, and what is compared with what.</summary>
    public static string Measures(ConfirmationResult result) =>
        $"Each head's output is replaced by its mean at each position over {Numbers.Count(result.ReferenceSequences)} other sequences of the same kind. "
        + "Effect: by how much that raises the loss of the second repeat. Specificity: the effect minus the same on the matched controls, which do not repeat. "
        + "Controls: the largest effect of a head without any verdict in the same and the neighbouring layers. Given back: by how much the head alone, given back to the jointly ablated set, lowers the loss.";

    /// <summary>What makes a verdict.</summary>
    public static string Verdicts(ConfirmationResult result)
    {
        string threshold = Numbers.Brief(result.Threshold);
        return $"{Capital(ConfirmationVerdicts.Confirmed)}: specificity at least {threshold} nats (lower end), and a larger effect than every control head, where there are three. "
            + $"{Capital(ConfirmationVerdicts.OpposesCopying)}: specificity at most -{threshold} (upper end). Heads that stand in for each other hide each other's effect, so all but the opposing ones are also ablated together. "
            + $"{Capital(ConfirmationVerdicts.ConfirmedJointly)}: that costs more than all but one of 20 draws of as many control heads (where there are too few to draw from: specificity at least {threshold}), and this head alone, given back, lowers the loss by at least {threshold} (lower end).";
    }

    /// <summary>What was found, in a few sentences.</summary>
    public static string Summary(ConfirmationResult result)
    {
        if (result.Heads.Count == 0) return "No induction head was detected, so there is nothing to confirm.";
        string verdicts = string.Join("; ", result.Heads.GroupBy(h => h.Verdict).OrderBy(g => Order(g.Key)).Select(g => $"{g.Key}: {Names(g.Select(h => h.Name))}"));
        return $"By ablation, {verdicts}.{(result.Joint is { } joint ? " " + Together(result, joint) : "")}";
    }

    /// <summary>What the joint ablation does.</summary>
    public static string Together(ConfirmationResult result, JointConfirmation joint)
    {
        string who = joint.Heads.Count == 1 ? joint.Heads[0].ToString() : $"the {joint.Heads.Count} heads {Names(joint.Heads.Select(h => h.ToString()))} together";
        return $"Without {who} the loss of the second repeat goes from {Numbers.Score(result.Loss)} to {Numbers.Score(joint.Loss)} nats and copy accuracy from {Numbers.Score(result.CopyAccuracy)} to {Numbers.Score(joint.CopyAccuracy)}.";
    }

    /// <summary>Names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(ConfirmationResult result) =>
    [
        ("Nothing ablated", $"loss {Numbers.Score(result.Loss)} nats, copy accuracy {Numbers.Score(result.CopyAccuracy)}"),
        .. result.Joint is { } joint
            ? [
                ("Ablated together", $"{string.Join(", ", joint.Heads)}: loss {Numbers.Score(joint.Loss)} nats, copy accuracy {Numbers.Score(joint.CopyAccuracy)}"),
                ("Joint effect", $"{HeadWords.Interval(joint.Effect, joint.EffectInterval)} nats"),
                ("Joint specificity", $"{HeadWords.Interval(joint.Specificity, joint.SpecificityInterval)} nats"),
                ("Draws of control heads", Draws(joint)),
            ]
            : Array.Empty<(string, string)>(),
        ("Control heads", result.Controls.Count == 0 ? "none" : $"{Numbers.Count(result.Controls.Count)}, effects {Numbers.Score(result.Controls.Min(c => c.Effect))} to {Numbers.Score(result.Controls.Max(c => c.Effect))} nats"),
    ];

    /// <summary>The largest effect of a head's control heads, or that there are none.</summary>
    public static string Controls(HeadConfirmation head) => head.LargestControlEffect is { } largest ? Numbers.Score(largest) : "none";

    private static string Draws(JointConfirmation joint)
    {
        if (joint.ControlEffects.Count == 0) return "too few control heads to draw from";
        double[] sorted = [.. joint.ControlEffects.OrderDescending()];
        return $"{sorted.Length}, the largest effects {Numbers.Score(sorted[0])} and {Numbers.Score(sorted[1])} nats";
    }

    private static int Order(string verdict) => verdict switch
    {
        ConfirmationVerdicts.Confirmed => 0,
        ConfirmationVerdicts.ConfirmedJointly => 1,
        ConfirmationVerdicts.OpposesCopying => 2,
        _ => 3,
    };

    private static string Names(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return all.Length <= 8 ? string.Join(", ", all) : $"{string.Join(", ", all.Take(8))} and {all.Length - 8} more";
    }

    private static string Capital(string text) => HeadWords.Capital(text);
}
