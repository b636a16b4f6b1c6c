using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Prompt pairs.</summary>
internal static class PromptTable
{
    private const int MostPairs = 300, LongestPrompt = 120;

    private static DataTable Of(IReadOnlyList<TokenLabel> clean, IReadOnlyList<TokenLabel> corrupted) => new(
        [new("position", true), new("clean"), new("corrupted"), new("clean id", true), new("corrupted id", true)],
        [.. clean.Zip(corrupted).Select((pair, i) =>
        {
            bool differs = pair.First.Id != pair.Second.Id;
            return (IReadOnlyList<Cell>)[Invariant($"{i}"), new(pair.First.Visible, Strong: differs), new(pair.Second.Visible, Strong: differs), Invariant($"{pair.First.Id}"), Invariant($"{pair.Second.Id}")];
        })])
    {
        Caption = "The tokens as the model saw them; where they differ, they stand out",
    };

    /// <summary>One pair token by token, several a line each.</summary>
    public static DataTable Of(IReadOnlyList<PromptPairTokens> pairs, IReadOnlyList<double>? clean = null, IReadOnlyList<double>? corrupted = null)
    {
        if (pairs is [var only]) return Of(only.Clean, only.Corrupted);
        Column[] values = clean is null || corrupted is null ? [] : [new("clean run", true), new("corrupted run", true)];
        return new(
            [new("pair", true), new("clean"), new("corrupted"), new("answer"), new("foil"), .. values],
            [.. pairs.Take(MostPairs).Select((pair, i) => (IReadOnlyList<Cell>)
            [
                Invariant($"{i + 1}"), Text(pair.Clean), Text(pair.Corrupted), pair.Answer.Visible, pair.Foil.Visible,
                .. values.Length == 0 ? Array.Empty<Cell>() : [Numbers.Score(clean![i]), Numbers.Score(corrupted![i])],
            ])])
        {
            Caption = pairs.Count <= MostPairs ? "The pairs as the model saw them" : Invariant($"The first {MostPairs} of {pairs.Count} pairs; the JSON has all"),
        };
    }

    private static string Text(IReadOnlyList<TokenLabel> tokens) => VisibleText.Shorten(string.Join(' ', tokens.Select(t => t.Visible)), LongestPrompt);
}
