using MlNetIcl.Cli.Hosting;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Circuits;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>A circuit on a terminal of 80 columns: the settings, the evaluation, the edges.</summary>
internal static class CircuitTable
{
    private const int Shown = 16;

    public static void Write(CliHost host, Circuit circuit, CircuitPrompts? prompts, bool all)
    {
        Terminal.WriteFacts(host, CircuitWords.Facts(circuit, prompts));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, CircuitWords.Summary(circuit));
        if (circuit.Edges.Count == 0) return;

        WriteRoles(host, circuit);
        host.Output.WriteLine();
        bool tested = circuit.Edges.Any(e => e.Q is not null);
        (string, bool)[] columns = [("from", false), ("to", false), ("input", false), ("effect", true), .. tested ? [("q", true)] : Array.Empty<(string, bool)>(), ("removal", true), ("z", true)];
        Terminal.WriteTable(host, columns, circuit.Edges.OrderByDescending(e => Math.Abs(e.Effect)).Take(all ? int.MaxValue : Shown).Select(e => ((IReadOnlyList<string>)
        [
            circuit.Start(e).Name, CircuitWords.Ends(circuit, e), CircuitWords.Input(e), CircuitWords.Share(e.Effect, e.Interval),
            .. tested ? [Numbers.Probability(e.Q ?? double.NaN)] : Array.Empty<string>(),
            Numbers.Score(e.Removal ?? double.NaN), e.Composition is { } c ? Numbers.Brief(Math.Round(c.ZScore, 1)) : Numbers.Missing,
        ], false)));
        host.Output.WriteLine();
        string more = all || circuit.Edges.Count <= Shown ? "" : Invariant($" All {circuit.Edges.Count} edges: --all.");
        Terminal.WriteText(host.Output, host.Width, $"removal: what the circuit loses without the edge; z: composition of the heads' weights.{more}");
    }

    private static void WriteRoles(CliHost host, Circuit circuit)
    {
        var roles = circuit.Nodes.Where(n => n.Role is not null).GroupBy(n => n.Role!.Value).OrderBy(g => g.Key).ToArray();
        if (roles.Length == 0) return;
        host.Output.WriteLine();
        foreach (var role in roles)
            Terminal.WriteText(host.Output, host.Width, $"{Reports.Heads.HeadWords.Of(role.Key)} heads: {string.Join(", ", role.Select(n => n.Name))}", indent: 2);
    }
}
