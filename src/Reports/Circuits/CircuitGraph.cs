using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;

namespace MlNetIcl.Reports.Circuits;

/// <summary>A circuit as a drawing: paths run upwards from the embedding to the logits, an edge is as wide as its effect is large, and a head has an input each for queries, keys and values.</summary>
public sealed class CircuitGraph : Figure
{
    private const double Widest = 8, Thinnest = 1.2;
    private const double LegendHeight = 30;

    private readonly Circuit _circuit;
    private readonly CircuitLayout _layout;
    private readonly double _largest;

    /// <summary>Draws a circuit.</summary>
    /// <param name="circuit">The circuit; it has edges.</param>
    /// <exception cref="ArgumentException">The circuit has no edges.</exception>
    public CircuitGraph(Circuit circuit)
    {
        ArgumentNullException.ThrowIfNull(circuit);
        if (circuit.Edges.Count == 0) throw new ArgumentException($"A graph needs edges, but the verdict is '{circuit.Verdict}'.", nameof(circuit));
        (_circuit, _layout) = (circuit, new CircuitLayout(circuit));
        _largest = circuit.Edges.Max(e => Math.Abs(e.Effect));
    }

    private double LegendWidth => 20 + SvgCanvas.Width(Legend);

    private string Legend => $"width: share of the difference, at most {Numbers.Score(_largest)}"
        + (_circuit.Edges.Any(e => e.Effect < 0) ? "; dashed: against the behaviour" : "")
        + (_circuit.Nodes.Any(n => n.Role is not null) ? "; filled: heads with a verdict" : "");

    private protected override double ScreenScale => 1.25;

    private protected override (double Width, double Height) Size => (Math.Max(_layout.Width, LegendWidth), _layout.Height + LegendHeight);

    private double Left => (Size.Width - _layout.Width) / 2;

    private protected override void Draw(SvgCanvas canvas)
    {
        // The strongest last, on top.
        foreach (var edge in _circuit.Edges.OrderBy(e => Math.Abs(e.Effect)))
            foreach (var end in _circuit.Ends(edge)) DrawEdge(canvas, edge, end);
        foreach (var node in _circuit.Nodes) DrawNode(canvas, node);
        canvas.Text(10, Size.Height - 10, Legend, css: "muted");
    }

    private List<(double X, double Y)> PathOf(CircuitEdge edge, CircuitNode end)
    {
        var start = _circuit.Start(edge);
        var from = _layout[start];
        var points = new List<(double, double)> { (Left + from.X, _layout.Top(from.Row)) };
        foreach (var pass in _layout.Between(start, end)) points.Add((Left + pass.X, _layout.Top(pass.Row) + (CircuitLayout.NodeHeight / 2)));
        var to = _layout[end];
        points.Add((Left + to.X + Port(edge.Path.Receiver.Input), _layout.Top(to.Row) + CircuitLayout.NodeHeight));
        return points;
    }

    private void DrawEdge(SvgCanvas canvas, CircuitEdge edge, CircuitNode end) => canvas.Curve(
        PathOf(edge, end), edge.Effect < 0 ? "against" : "edge", Math.Max(Thinnest, Widest * Math.Abs(edge.Effect) / _largest), CircuitWords.Line(_circuit, edge));

    private void DrawNode(SvgCanvas canvas, CircuitNode node)
    {
        var place = _layout[node];
        double x = Left + place.X, top = _layout.Top(place.Row);
        string title = CircuitWords.Node(node);
        canvas.Rectangle(x - (place.Width / 2), top, place.Width, CircuitLayout.NodeHeight, node.Role is null ? "node" : "found", title: title);
        canvas.Text(x, top + (node.Kind == CircuitNodeKind.Head ? 12.5 : 17), node.Name, Anchor.Middle, title: title);
        if (node.Kind != CircuitNodeKind.Head) return;
        foreach (var (input, letter) in new[] { (PathInput.Query, "q"), (PathInput.Key, "k"), (PathInput.Value, "v") })
            canvas.Text(x + Port(input), top + 23, letter, Anchor.Middle, "muted", size: 9);
    }

    private static double Port(PathInput input) => input switch
    {
        PathInput.Query => -CircuitLayout.PortSpace,
        PathInput.Value => CircuitLayout.PortSpace,
        _ => 0,
    };

    private protected override DataTable Data() => CircuitReport.Table(_circuit);
}
