using MlNetIcl.Cli.Hosting;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.CausalGraphs;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>Causal graphs as tables on a terminal.</summary>
internal static class CausalTable
{
    public static void Write(CliHost host, CausalGraphResult result)
    {
        Head(host, result.Options, result.Heads, CausalGraphWords.Summary(result));
        Terminal.WriteTable(host, [("seed", true), ("attention", true), ("right", true), ("SHD", true), ("precision", true), ("recall", true), ("AUROC", true), ("from step", true), ("loss", true)],
            result.Runs.Select(r => Row(
                Invariant($"{r.Seed}"), Numbers.Score(r.Metrics.EdgeAttention), Invariant($"{r.Metrics.ArgmaxRight}/{r.Metrics.Children}"), Invariant($"{r.Metrics.StructuralHammingDistance}"), Numbers.Score(r.Metrics.Precision),
                Numbers.Score(r.Metrics.Recall), Numbers.Score(r.Metrics.Auroc), CausalGraphWords.Step(r.StepsToArgmax), Numbers.Score(r.Loss))));
        if (result.Runs.Count == 1) Positions(host, result.Runs[0]);
        host.Output.WriteLine("\nThe graph by the least attention of an edge, mean over seeds:");
        Terminal.WriteTable(host, [("edge from", true), ("SHD", true), ("precision", true), ("recall", true)],
            result.Runs[0].ByThreshold.Select((t, i) => (((IReadOnlyList<string>)
            [
                Numbers.Brief(t.Threshold), CausalGraphWords.Of(result.Mean(r => r.ByThreshold[i].Metrics.StructuralHammingDistance)), CausalGraphWords.Of(result.Mean(r => r.ByThreshold[i].Metrics.Precision)),
                CausalGraphWords.Of(result.Mean(r => r.ByThreshold[i].Metrics.Recall)),
            ]), t.Threshold == result.Options.Threshold)));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, CausalGraphWords.Reading);
    }

    public static void Write(CliHost host, CausalGraphSweepResult sweep)
    {
        Head(host, sweep.Options, sweep.Points[0].Result.Heads, CausalGraphWords.Summary(sweep));
        Terminal.WriteTable(host, [(CausalGraphWords.Of(sweep.Variable), true), ("nats", true), ("attention, 95 %", true), ("right", true), ("SHD", true), ("from step", true), ("loss", true)],
            sweep.Points.Select(p => Row(
                Numbers.Brief(p.Value), Numbers.Score(p.Result.Runs.Average(r => r.Information)), CausalGraphWords.Of(p.Result.Mean(r => r.Metrics.EdgeAttention)), Invariant($"{p.Result.AllArgmaxRight}/{p.Result.Runs.Count}"),
                Invariant($"{p.Result.Runs.Average(r => r.Metrics.StructuralHammingDistance):0.0}"), CausalGraphReport.Steps(p.Result), Numbers.Score(p.Result.Runs.Average(r => r.Loss)))));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, "nats: what a child tells of its parents. right: seeds with the parents of all positions right, and from which step on (mean). " + CausalGraphWords.Reading);
    }

    private static void Head(CliHost host, CausalGraphOptions options, int heads, string summary)
    {
        Terminal.WriteFacts(host, CausalGraphWords.Facts(options, heads));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, summary);
        host.Output.WriteLine();
    }

    private static void Positions(CliHost host, CausalGraphRun run)
    {
        var map = EdgeMap.Largest(run.Heads);
        host.Output.WriteLine("\nPosition by position:");
        Terminal.WriteTable(host, [("position", true), ("parents", false), ("found", false), ("attention to parents", true), .. run.Heads.Count == 1 ? ((string, bool)[])[("most to", true)] : [.. run.Heads.Select((_, h) => (Invariant($"head {h} most to"), true))]],
            Enumerable.Range(1, run.Graph.Length - 2).Select(child => Row(
            [
                Invariant($"{child}"), CausalGraphWords.Parents(run.Graph.Parents[child]), CausalGraphWords.Parents(run.Found.Parents[child]),
                run.Graph.Parents[child].Count == 0 ? Numbers.Missing : string.Join(" ", run.Graph.Parents[child].Select(parent => Numbers.Score(map[child, parent]))),
                .. run.Heads.Select(head => Invariant($"{head.LargestKey(child)}")),
            ])));
    }

    private static (IReadOnlyList<string>, bool) Row(params string[] cells) => (cells, false);
}
