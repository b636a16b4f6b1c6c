using System.Globalization;
using System.Text;
using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Circuits;

/// <summary>A circuit in the DOT language of Graphviz: paths run upwards from the embedding to the logits, one rank for each layer, and an edge is as wide as its effect is large.</summary>
public static class CircuitDot
{
    private const double Widest = 5, Thinnest = 0.5;

    /// <summary>The graph, ending in a line feed. A circuit without edges is a graph without nodes, whose label says so.</summary>
    public static string ToText(Circuit circuit)
    {
        ArgumentNullException.ThrowIfNull(circuit);
        var dot = new StringBuilder("digraph circuit {\n");
        dot.Append(CultureInfo.InvariantCulture, $"  graph [rankdir=BT, label={Quote(Title(circuit))}, labelloc=t];\n");
        dot.Append("  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10];\n");
        foreach (var rank in circuit.Nodes.GroupBy(node => (node.Kind, node.Layer)))
        {
            dot.Append("  { rank=same;");
            foreach (var node in rank)
                dot.Append(CultureInfo.InvariantCulture, $" {Quote(node.Name)}{(node.Role is { } role ? $" [label={Quote($"{node.Name}\n{HeadVerdicts.Of(role).Replace('_', ' ')}")}]" : "")};");
            dot.Append(" }\n");
        }
        foreach (var edge in circuit.Edges)
            foreach (var end in circuit.Ends(edge))
                dot.Append(CultureInfo.InvariantCulture, $"  {Quote(circuit.Start(edge).Name)} -> {Quote(end.Name)} [{Attributes(edge)}];\n");
        return dot.Append("}\n").ToString();
    }

    private static string Title(Circuit circuit) => $"{circuit.Model}: {circuit.Metric}\n" + (circuit.Evaluation is { } evaluation
        ? $"{Numbers.Count(circuit.Edges.Count)} of {Numbers.Count(circuit.ModelEdges)} edges, faithfulness {Numbers.Score(evaluation.Faithfulness)}"
        : circuit.Verdict);

    private static string Attributes(CircuitEdge edge)
    {
        string input = edge.Path.Receiver.Input is PathInput.Logits or PathInput.Mlp ? "" : edge.Path.Receiver.Input.ToString().ToLowerInvariant() + " ";
        double width = Math.Clamp(Widest * Math.Abs(edge.Effect), Thinnest, Widest);
        return string.Create(CultureInfo.InvariantCulture, $"label={Quote(input + Numbers.Score(edge.Effect))}, penwidth={width:0.00}{(edge.Effect < 0 ? ", style=dashed" : "")}");
    }

    /// <summary>A quoted string on one line: line feeds are written as escapes, other control characters are replaced.</summary>
    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
            quoted.Append(rune.Value switch
            {
                '\n' => "\\n",
                '\\' => "\\\\",
                '"' => "\\\"",
                _ => (Rune.IsControl(rune) ? Rune.ReplacementChar : rune).ToString(),
            });
        return quoted.Append('"').ToString();
    }
}
