using MlNetIcl.Probes;
using static System.FormattableString;

namespace MlNetIcl.Reports.Interventions;

/// <summary>The sentences of logit lens and direct logit attribution, the same on a page and on a terminal.</summary>
internal static class LensWords
{
    /// <summary>What was found, in two sentences.</summary>
    public static string Summary(LensStudy study)
    {
        var last = study.Lines[^1];
        var best = last.Best[0];
        // The first line from which on the model's own prediction stays the best.
        int since = study.Lines.Count - 1;
        while (since > 0 && study.Lines[since - 1].Best[0].Id == best.Id) since--;
        string from = since == 0 ? "from the embedding on" : Invariant($"from {since} of {study.Lines.Count - 1} blocks on");
        var strongest = study.PartsByStrength.First();
        return $"The model predicts {PatchWords.Name(study.Names[best.Id])} with probability {Numbers.Probability(best.Probability)}, and the lens shows it as the best token {from}. "
            + $"Of the logit difference {Numbers.Score(study.Attribution.LogitDifference)} between {PatchWords.Name(study.Answer)} and {PatchWords.Name(study.Foil)}, the largest part is written by {Component(strongest.Name)}: {PatchWords.Signed(strongest.Value)}.";
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(LensStudy study) =>
    [
        ("Model", study.Model),
        ("Prompt (n)", Invariant($"1, of {study.Tokens.Count} tokens; read at the last, '{study.Tokens[^1].Short}'")),
        ("Answer", PatchWords.Name(study.Answer)),
        ("Foil", PatchWords.Name(study.Foil)),
        ("Logit difference", Numbers.Score(study.Attribution.LogitDifference)),
        ("Norm in the lens", study.FreezeScale ? "the scale at the end of the run" : "each stream by its own scale"),
    ];

    /// <summary>The best tokens of a line with their probabilities.</summary>
    public static string Best(LensStudy study, LensLine line, int most, int length = 16) =>
        string.Join(", ", line.Best.Take(most).Select(t => $"{VisibleText.Shorten(study.Names[t.Id].Visible, length)} {Numbers.Probability(t.Probability)}"));

    public static string Token(LensToken token) => $"{Numbers.Probability(token.Probability)} (rank {Numbers.Count(token.Rank)})";

    private static string Component(string name) => name is "embedding" or "biases" ? $"the {name}" : name;
}
