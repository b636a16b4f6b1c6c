using MlNetIcl.Probes;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Claims;

/// <summary>The ledger of claims as a report: one table of all claims, then the figures of each.</summary>
public static class ClaimsReport
{
    /// <summary>The whole report.</summary>
    public static Report Of(IReadOnlyList<ClaimResult> results, ClaimsOptions options)
    {
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(options);
        return new("Claims about in-context learning, measured",
        [
            new("Ledger", Table(results)),
            .. results.Select(result => Details(result, options)),
        ])
        {
            Lead = $"{ClaimWords.Summary(results)} {(options.Quick ? "Quick" : "Full")} run, seed {Invariant($"{options.Seed}")}. A verdict follows from the figures by the rule that stands with them; 'depends' is one, too.",
        };
    }

    /// <summary>One row for each claim.</summary>
    public static DataTable Table(IReadOnlyList<ClaimResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        return new(
            [new("claim"), new("verdict"), new("first figure"), new("claimed, or held against"), new("source")],
            [.. results.Select(r => (IReadOnlyList<Cell>)
            [
                Invariant($"{r.Claim.Number}. {r.Claim.Text}"),
                new(ClaimWords.Verdict(r), r.Finding?.Rule ?? ClaimWords.Failure(r), Strong: true),
                r.Finding is { Figures: [var first, ..] } ? $"{first.Name}: {ClaimWords.Value(first)}" : ClaimWords.Failure(r),
                r.Finding is { Figures: [{ Reference: { } reference }, ..] } ? reference : "",
                r.Claim.Source ?? ClaimWords.NoSource,
            ])])
        {
            Caption = "Brackets are 95 % intervals",
            Wraps = true,
        };
    }

    private static Section Details(ClaimResult result, ClaimsOptions options)
    {
        string title = Invariant($"{result.Claim.Number}. {result.Claim.Text}");
        (string Name, string Text)[] frame = [("source", result.Claim.Source ?? ClaimWords.NoSource), ("run again", ClaimWords.Command(result.Claim, options))];
        if (result.Finding is not { } finding) return new(title, Facts("failed", [("why", ClaimWords.Failure(result)), .. frame]));
        return new(title,
            Facts(ClaimWords.Verdict(result), [("means", finding.Explanation), ("rule", finding.Rule), ("run", finding.Ran), .. frame]),
            new DataTable([new("figure"), new("value", true), new("claimed, or held against")],
                [.. finding.Figures.Select(f => (IReadOnlyList<Cell>)[f.Name, new(ClaimWords.Value(f), Numbers.Brief(f.Value)), f.Reference ?? ""])])
            { Wraps = true });
    }

    private static DataTable Facts(string verdict, IEnumerable<(string Name, string Text)> facts) =>
        new([new("verdict"), new(verdict)], [.. facts.Select(f => (IReadOnlyList<Cell>)[f.Name, f.Text])]) { Wraps = true };
}
