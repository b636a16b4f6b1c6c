using MlNetIcl.Cli.Hosting;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Interventions;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>Activation patching on a terminal of 80 columns: the settings, what was found, the strongest effects.</summary>
internal static class PatchTable
{
    private const int Shown = 12;

    public static void Write(CliHost host, PatchStudy study, bool all)
    {
        Terminal.WriteFacts(host, PatchWords.Facts(study));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, PatchWords.Summary(study));

        bool tokens = study.PerPosition && study.Pairs.Count == 1;
        (string, bool)[] place = [.. study.PerPosition ? [("position", true)] : Array.Empty<(string, bool)>(), .. tokens ? [("token", false)] : Array.Empty<(string, bool)>()];
        Terminal.WriteTable(host,
            [(study.PerHead ? SiteWords.Head(study.Site) : "layer", false), .. place, (PatchWords.Metric(study.Result.Metric), true), (study.Intervals.Count > 0 ? "change, 95 %" : "change", true), ("share", true)],
            study.Strongest.Take(all ? int.MaxValue : Shown).Select(shown =>
            {
                var (e, interval) = shown;
                string[] at = e.Slot.Position is { } position ? [Invariant($"{position}"), .. tokens ? [PatchWords.Position(study, position)] : Array.Empty<string>()] : [];
                return ((IReadOnlyList<string>)[PatchWords.Part(e.Slot), .. at, Numbers.Score(e.Value), PatchWords.Change(study, e, interval), Numbers.Score(e.Normalised ?? double.NaN)], false);
            }));
        if (!all && study.Result.Effects.Count > Shown) host.Output.WriteLine(Invariant($"\nAll {study.Result.Effects.Count} effects: --all, --json FILE or --html FILE."));
    }
}
