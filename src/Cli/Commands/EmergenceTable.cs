using MlNetIcl.Cli.Hosting;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Emergence;

namespace MlNetIcl.Cli.Commands;

/// <summary>Emergence on a terminal of 80 columns.</summary>
internal static class EmergenceTable
{
    public static void Write(CliHost host, EmergenceResult result)
    {
        Terminal.WriteFacts(host, EmergenceWords.Facts(result));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, EmergenceWords.Summary(result));
        Terminal.WriteTable(host, [("shape", false), ("formed", true), ("onset", true), ("midpoint", true), ("completion", true)],
            result.Groups.Select(g => ((IReadOnlyList<string>)
                [EmergenceWords.Short(g.Size), EmergenceWords.Formed(g), EmergenceWords.Steps(g.Change?.Onset), EmergenceWords.Steps(g.Change?.Midpoint), EmergenceWords.Steps(g.Change?.Completion)], ReferenceEquals(g, result.Groups[0]))));
        host.Output.WriteLine();
        Terminal.WriteTable(host, [("run", false), ("induction", true), ("previous", true), ("copied", true), ("ICL score", true), ("midpoint", true)],
            result.Groups.SelectMany(g => g.Runs.Select(r => ((IReadOnlyList<string>)
                [EmergenceWords.RunName(g, r), Numbers.Score(r.Points[^1].Induction), Numbers.Score(r.Points[^1].PreviousToken), Numbers.Score(r.Points[^1].Losses.CopyAccuracy ?? double.NaN),
                    Numbers.Score(r.Points[^1].Losses.InContextLearningScore ?? double.NaN), EmergenceWords.Steps(r.Change?.Midpoint)], r.InductionHeads.Count > 0))));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, EmergenceWords.Caveat);
    }
}
