using MlNetIcl.Probes;
using MlNetIcl.Reports.Interventions;
using MlNetIcl.Reports.Parts;

namespace MlNetIcl.Reports.Circuits;

/// <summary>A circuit as a report.</summary>
public static class CircuitReport
{
    /// <summary>The whole report: what was found, settings and evaluation, the drawing, the edges with their evidence.</summary>
    public static Report Of(Circuit circuit) => Of(circuit, null);

    internal static Report Of(Circuit circuit, CircuitPrompts? prompts)
    {
        ArgumentNullException.ThrowIfNull(circuit);
        return new($"A circuit in {circuit.Model}",
        [
            new("What was measured", [new KeyFacts(CircuitWords.Facts(circuit, prompts)), .. Caveats(circuit)]),
            .. circuit.Edges.Count == 0 ? Array.Empty<Section>() :
            [
                new Section("The circuit", new CircuitGraph(circuit)
                {
                    Title = "Which parts write what others read",
                    Caption = "From the embedding below to the logits above. An edge's effect is the share of the difference between clean and corrupted rows that is lost when it alone carries the corrupted value.",
                }),
                new Section("Edges", Table(circuit)),
            ],
            .. prompts is null ? Array.Empty<Section>() : [new Section("Prompts", PromptTable.Of(prompts.Pairs))],
        ])
        {
            Lead = CircuitWords.Summary(circuit),
        };
    }

    /// <summary>The edges with effect, interval, q, removal and composition, the largest effect first. What was measured for none has no column.</summary>
    internal static DataTable Table(Circuit circuit)
    {
        var columns = new (Column Column, Func<CircuitEdge, bool> IsMeasured, Func<CircuitEdge, Cell> Cell)[]
        {
            (new("from"), _ => true, e => CircuitWords.Node(circuit.Start(e))),
            (new("to"), _ => true, e => string.Join(", ", circuit.Ends(e).Select(CircuitWords.Node))),
            (new("input"), _ => true, e => CircuitWords.Input(e)),
            (new("effect", true, "share of the difference that is lost when this edge alone carries the corrupted value, with its 95 % interval over rows"), _ => true, e => new(CircuitWords.Share(e.Effect, e.Interval), Numbers.Brief(e.Effect))),
            (new("q", true, "two-sided sign-flip test, after Benjamini-Hochberg over the edges that were tested with it"), e => e.Q is not null, e => Numbers.Probability(e.Q ?? double.NaN)),
            (new("removal", true, "faithfulness that the circuit loses without this edge"), e => e.Removal is not null, e => new(Numbers.Score(e.Removal ?? double.NaN), Numbers.Brief(e.Removal ?? double.NaN))),
            (new("composition", true, "composition score of the two heads' weights"), e => e.Composition is not null, e => Numbers.Score(e.Composition?.Score ?? double.NaN)),
            (new("z", true, "the same in standard deviations of random matrices from their mean"), e => e.Composition is not null, e => e.Composition is { } c ? Numbers.Brief(Math.Round(c.ZScore, 1)) : Numbers.Missing),
        }.Where(c => circuit.Edges.Any(c.IsMeasured)).ToArray();
        return new(
            [.. columns.Select(c => c.Column)],
            [.. circuit.Edges.OrderByDescending(e => Math.Abs(e.Effect)).Select(e => (IReadOnlyList<Cell>)[.. columns.Select(c => c.Cell(e))])])
        {
            Caption = "Edges, largest effect first",
        };
    }

    private static IEnumerable<Note> Caveats(Circuit circuit)
    {
        if (circuit.Rows == 1) yield return new("One prompt pair: no interval and no test can be given, so an edge is there by the size of its effect alone, and another pair may use other edges.");
        if (circuit.ScreenedEdges > 0) yield return new("Some edges were ruled out by an estimate that is linear in the model, and were not patched.");
        if (circuit.Protocol is not null) yield return new("Positions and the first token are the same in clean and corrupted rows, so that paths which carry nothing else cannot show.");
    }
}
