using MlNetIcl.Cli.Hosting;
using MlNetIcl.Reports.Interventions;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>Logit lens and direct logit attribution on a terminal of 80 columns.</summary>
internal static class LensTable
{
    private const int ShownParts = 12, ShownTokens = 2;

    public static void Write(CliHost host, LensStudy study, bool all)
    {
        Terminal.WriteFacts(host, LensWords.Facts(study));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, LensWords.Summary(study));

        host.Output.WriteLine();
        Terminal.WriteTable(host, [("blocks", true), ("best tokens", false), ("answer", true), ("foil", true)],
            study.Lines.Select(line => ((IReadOnlyList<string>)
                [Invariant($"{line.Blocks}"), LensWords.Best(study, line, ShownTokens, length: 9), LensWords.Token(line.Asked[0]), LensWords.Token(line.Asked[1])], false)));

        host.Output.WriteLine();
        var parts = study.PartsByStrength.ToArray();
        Terminal.WriteTable(host, [("part", false), ("logits towards the answer", true)],
            parts.Take(all ? int.MaxValue : ShownParts).Select(p => ((IReadOnlyList<string>)[p.Name, PatchWords.Signed(p.Value)], false)));
        if (!all && parts.Length > ShownParts) host.Output.WriteLine(Invariant($"\nAll {parts.Length} parts: --all, --json FILE or --html FILE."));
    }
}
