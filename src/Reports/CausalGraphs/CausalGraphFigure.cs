using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.CausalGraphs;

/// <summary>A causal graph as arcs over its positions: edges that were found, and where the truth is known, those that were missed (dashed) or added (red, below).</summary>
public sealed class CausalGraphFigure : Figure
{
    private const double Node = 26, Step = Node + 18, Bottom = 56;

    private readonly EdgeMap _map;
    private readonly CausalGraph _found;
    private readonly CausalGraph? _truth;

    /// <summary>Draws a graph.</summary>
    /// <param name="map">The attention that edges are as wide as.</param>
    /// <param name="found">The edges found.</param>
    /// <param name="truth">The true graph; null where nobody knows.</param>
    public CausalGraphFigure(EdgeMap map, CausalGraph found, CausalGraph? truth = null)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(found);
        (_map, _found, _truth) = (map, found, truth);
    }

    private IEnumerable<CausalEdge> Edges => _truth is null ? _found.Edges : _found.Edges.Union(_truth.Edges).OrderBy(e => e.Child).ThenBy(e => e.Parent);

    private static double Rise(int span) => 14 + (13 * Math.Min(span, 14));

    private double Above => Edges.Where(e => !IsAdded(e)).Select(e => Rise(e.Child - e.Parent)).DefaultIfEmpty(0).Max() + 10;

    private double Below => Edges.Where(IsAdded).Select(e => Rise(e.Child - e.Parent)).DefaultIfEmpty(0).Max();

    private string Legend => _truth is null ? "width: attention" : "width: attention; dashed: missed; red, below: added";

    private protected override double ScreenScale => 1.25;

    private protected override (double Width, double Height) Size =>
        (Math.Max(20 + (_found.Length * Step), 20 + SvgCanvas.Width(Legend)), Above + Node + Below + Bottom - 20);

    private bool IsAdded(CausalEdge edge) => _truth is not null && !_truth.Has(edge);

    private protected override void Draw(SvgCanvas canvas)
    {
        foreach (var edge in Edges) DrawEdge(canvas, edge);
        for (int position = 0; position < _found.Length; position++)
        {
            double x = 10 + (position * Step) + (Node / 2);
            canvas.Circle(x, Above + (Node / 2), Node / 2, "node", Invariant($"position {position}: {CausalGraphWords.Parents(_found.Parents[position])}"));
            canvas.Text(x, Above + (Node / 2) + 4, Invariant($"{position}"), Anchor.Middle);
        }
        canvas.Text(10, Size.Height - 8, Legend, css: "muted");
    }

    private void DrawEdge(SvgCanvas canvas, CausalEdge edge)
    {
        double from = 10 + (edge.Parent * Step) + (Node / 2) + 4, to = 10 + (edge.Child * Step) + (Node / 2) - 4, attention = _map[edge.Child, edge.Parent];
        bool added = IsAdded(edge);
        double start = Above + (added ? Node : 0), top = start + ((added ? 1 : -1) * Rise(edge.Child - edge.Parent));
        canvas.Arc(from, to, start, top, added ? "against" : "edge", Math.Max(1, 5 * attention), _found.Has(edge) ? null : "3 4", Invariant($"{edge}: {Numbers.Score(attention)}"));
    }

    private protected override DataTable Data() => new(
        [new("edge"), new("attention", Numeric: true), .. _truth is null ? (Column[])[] : [new("", Meaning: "beside the true graph")]],
        [.. Edges.Select(e => (IReadOnlyList<Cell>)[e.ToString(), Numbers.Score(_map[e.Child, e.Parent]), .. _truth is null ? (Cell[])[] : [IsAdded(e) ? "added" : _found.Has(e) ? "right" : "missed"]])]);
}
