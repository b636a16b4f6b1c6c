using MlNetIcl.Cli.Hosting;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Interventions;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>Ablation on a terminal of 80 columns: the settings, what was found, the strongest effects.</summary>
internal static class AblateTable
{
    private const int Shown = 12;

    public static void Write(CliHost host, AblationStudy study, bool all)
    {
        Terminal.WriteFacts(host, AblationWords.Facts(study));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, AblationWords.Summary(study));

        HeadEffect[] shown = [.. study.Together is { } together ? [together] : Array.Empty<HeadEffect>(), .. study.ByStrength.Take(all ? int.MaxValue : Shown)];
        Terminal.WriteTable(host,
            [("head", false), (study.Rows.Sequences > 1 ? "change, 95 %" : "change", true), ("without it", true)],
            shown.Select(e => ((IReadOnlyList<string>)
                [e == study.Together ? "all together" : e.Heads[0].ToString(), AblationWords.Change(e), Numbers.Score(study.Base + e.Change)], e == study.Together)));
        if (!all && study.Effects.Count > Shown) host.Output.WriteLine(Invariant($"\nAll {study.Effects.Count} heads: --all, --json FILE or --html FILE."));
    }
}
