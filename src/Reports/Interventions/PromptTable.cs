using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Interventions;

/// <summary>A prompt pair, token by token.</summary>
internal static class PromptTable
{
    public static DataTable Of(IReadOnlyList<TokenLabel> clean, IReadOnlyList<TokenLabel> corrupted) => new(
        [new("position", true), new("clean"), new("corrupted"), new("clean id", true), new("corrupted id", true)],
        [.. clean.Zip(corrupted).Select((pair, i) =>
        {
            bool differs = pair.First.Id != pair.Second.Id;
            return (IReadOnlyList<Cell>)[Invariant($"{i}"), new(pair.First.Visible, Strong: differs), new(pair.Second.Visible, Strong: differs), Invariant($"{pair.First.Id}"), Invariant($"{pair.Second.Id}")];
        })])
    {
        Caption = "The tokens as the model saw them; where they differ, they stand out",
    };
}
