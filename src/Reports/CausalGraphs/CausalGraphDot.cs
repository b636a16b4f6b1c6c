using System.Globalization;
using System.Text;
using MlNetIcl.Probes;

namespace MlNetIcl.Reports.CausalGraphs;

/// <summary>
/// Causal graphs in the DOT language of Graphviz: found edges solid and as wide as their attention, true ones that were missed dashed, added ones
/// dotted and red. With several runs each is a cluster.
/// </summary>
public static class CausalGraphDot
{
    private const double Widest = 4, Thinnest = 0.5;

    /// <summary>The graphs of all runs, ending in a line feed.</summary>
    public static string ToText(CausalGraphResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var dot = Begin();
        foreach (var run in result.Runs)
        {
            bool single = result.Runs.Count == 1;
            string prefix = single ? "" : string.Create(CultureInfo.InvariantCulture, $"s{run.Seed}_").Replace('-', 'm');
            if (!single) dot.Append(CultureInfo.InvariantCulture, $"  subgraph cluster_{prefix} {{\n  label=\"seed {run.Seed}: SHD {run.Metrics.StructuralHammingDistance}\";\n");
            Append(dot, EdgeMap.Largest(run.Heads), run.Found, new(run.Graph.Parents.Select((p, child) => child > run.Graph.Length - 2 ? [] : p)), prefix);
            if (!single) dot.Append("  }\n");
        }
        return dot.Append("}\n").ToString();
    }

    /// <summary>One found graph, ending in a line feed.</summary>
    /// <param name="map">The attention that edges are as wide as.</param>
    /// <param name="found">The edges found.</param>
    /// <param name="truth">The true graph, where it is known.</param>
    public static string ToText(EdgeMap map, CausalGraph found, CausalGraph? truth = null)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(found);
        var dot = Begin();
        Append(dot, map, found, truth ?? found, "");
        return dot.Append("}\n").ToString();
    }

    private static StringBuilder Begin() => new("digraph causal {\n  graph [rankdir=LR];\n  node [shape=circle, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10];\n");

    private static void Append(StringBuilder dot, EdgeMap map, CausalGraph found, CausalGraph truth, string prefix)
    {
        for (int position = 0; position < found.Length; position++) dot.Append(CultureInfo.InvariantCulture, $"  {prefix}X{position} [label=\"X{position}\"];\n");
        foreach (var edge in found.Edges.Union(truth.Edges).OrderBy(e => e.Child).ThenBy(e => e.Parent))
        {
            double attention = map[edge.Child, edge.Parent];
            string style = !found.Has(edge) ? ", style=dashed, color=gray40" : !truth.Has(edge) ? ", style=dotted, color=red" : "";
            dot.Append(CultureInfo.InvariantCulture, $"  {prefix}X{edge.Parent} -> {prefix}X{edge.Child} [label=\"{Numbers.Score(attention)}\", penwidth={Math.Max(Thinnest, Widest * attention):0.00}{style}];\n");
        }
    }
}
