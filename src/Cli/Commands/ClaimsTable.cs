using MlNetIcl.Cli.Hosting;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Claims;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>The ledger of claims on a terminal of 80 columns.</summary>
internal static class ClaimsTable
{
    private const int Indent = 9;

    public static void Write(CliHost host, IReadOnlyList<ClaimResult> results, ClaimsOptions options)
    {
        foreach (var result in results)
        {
            Terminal.WriteText(host.Output, host.Width, Invariant($"Claim {result.Claim.Number}: {result.Claim.Text}"), Indent);
            Line("verdict", ClaimWords.Verdict(result));
            Line("source", result.Claim.Source ?? ClaimWords.NoSource);
            if (result.Failure is not null) Line("why", ClaimWords.Failure(result));
            if (result.Finding is { } finding)
            {
                Line("run", finding.Ran);
                foreach (var figure in finding.Figures)
                    Line("figure", $"{figure.Name}: {ClaimWords.Value(figure)}{(figure.Reference is { } reference ? $" ({reference})" : "")}");
                Line("rule", finding.Rule);
                Line("means", finding.Explanation);
            }
            Line("again", ClaimWords.Command(result.Claim, options));
            host.Output.WriteLine();
        }
        Terminal.WriteTable(host, [("claim", false), ("verdict", false)],
            results.Select(r => ((IReadOnlyList<string>)[Invariant($"{r.Claim.Number,2}. {r.Claim.Text}"), ClaimWords.Verdict(r)], false)));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, ClaimWords.Summary(results));

        void Line(string name, string text) => Terminal.WriteText(host.Output, host.Width, $"{name.PadRight(Indent)}{text}", Indent);
    }
}
