using MlNetIcl.Cli.Hosting;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Copying;

namespace MlNetIcl.Cli.Commands;

/// <summary>The ablation of the copying circuit on a terminal of 80 columns.</summary>
internal static class RestoreTable
{
    private const int Shown = 6; // heads given back, of each way, without --all

    public static void Write(CliHost host, CopyAblationResult result, bool all)
    {
        Terminal.WriteFacts(host, CopyAblationWords.Facts(result));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, CopyAblationWords.Summary(result));
        if (result.Rows.Count == 0) return;

        var shown = result.Rows.GroupBy(r => (r.Intervention, OfHead: r.Head is not null))
            .SelectMany(g => g.Key.OfHead && !all ? g.OrderByDescending(r => r.Measure.Accuracy).Take(Shown) : g).ToArray();
        Terminal.WriteTable(host,
            [("heads", false), ("copied, 95 %", true), ("change", true), ("article", true)],
            shown.Select(r => ((IReadOnlyList<string>)
                [CopyAblationWords.Of(r), CopyAblationWords.Accuracy(r.Measure), CopyAblationWords.Percent(r.RelativeChange ?? double.NaN), r.Claim is { } claim ? CopyAblationWords.Percent(claim) : ""], r.Claim is not null)));
        foreach (var row in shown.Where(r => CopyAblationWords.Verdict(r).Length > 0))
            host.Output.WriteLine($"{CopyAblationWords.Of(row)}: {CopyAblationWords.Verdict(row)}");
        if (shown.Length < result.Rows.Count) host.Output.WriteLine("\nAll heads: --all. Losses and every interval: --json FILE or --html FILE.");
    }
}
