using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Circuits;

/// <summary>
/// Where a circuit's nodes stand: a row for each step of the forward pass that has any, the embedding below, the logits above. A path
/// that passes a row has a place of its own there, so that it does not run through nodes (layered drawing: Sugiyama et al. 1981).
/// </summary>
internal sealed class CircuitLayout
{
    public const double NodeHeight = 26, RowHeight = 92, PortSpace = 22;
    private const double Gap = 16, PassWidth = 10, Margin = 14;
    private const int Sweeps = 4;

    private readonly Dictionary<string, Place> _nodes = [];
    private readonly Dictionary<(string Sender, int Row), Place> _passes = [];

    public CircuitLayout(Circuit circuit)
    {
        var rows = circuit.Nodes.GroupBy(n => (n.Kind is CircuitNodeKind.Embedding ? -1 : n.Kind is CircuitNodeKind.Logits ? int.MaxValue : n.Layer!.Value, n.Kind is CircuitNodeKind.Mlp))
            .OrderBy(g => g.Key).Select(g => g.ToArray()).ToArray();
        var places = rows.Select(_ => new List<Place>()).ToArray();
        for (int row = 0; row < rows.Length; row++)
            foreach (var node in rows[row]) places[row].Add(_nodes[node.Name] = new Place(row, WidthOf(node)));
        foreach (var edge in circuit.Edges)
        {
            string sender = circuit.Start(edge).Name;
            foreach (var end in circuit.Ends(edge))
                for (int row = _nodes[sender].Row + 1; row < _nodes[end.Name].Row; row++)
                    if (!_passes.ContainsKey((sender, row))) places[row].Add(_passes[(sender, row)] = new Place(row, PassWidth));
        }
        foreach (var edge in circuit.Edges)
            foreach (var end in circuit.Ends(edge)) Connect(Chain(circuit.Start(edge).Name, end.Name));
        Arrange(places);
        Width = places.Max(WidthOf) + (2 * Margin);
        Height = (2 * Margin) + ((rows.Length - 1) * RowHeight) + NodeHeight;
        Assign(places);
    }

    public double Width { get; }

    public double Height { get; }

    public Place this[CircuitNode node] => _nodes[node.Name];

    /// <summary>The places between two nodes.</summary>
    public IEnumerable<Place> Between(CircuitNode sender, CircuitNode end) => Chain(sender.Name, end.Name).Skip(1).SkipLast(1);

    /// <summary>Where a row's nodes begin, from the top.</summary>
    public double Top(int row) => Height - Margin - NodeHeight - (row * RowHeight);

    private static double WidthOf(CircuitNode node) => Math.Max(node.Kind == CircuitNodeKind.Head ? 74 : 52, 14 + Figures.SvgCanvas.Width(node.Name));

    private static double WidthOf(List<Place> row) => row.Sum(p => p.Width) + (Gap * Math.Max(0, row.Count - 1));

    private IEnumerable<Place> Chain(string sender, string end) =>
        [_nodes[sender], .. Enumerable.Range(_nodes[sender].Row + 1, Math.Max(0, _nodes[end].Row - _nodes[sender].Row - 1)).Select(row => _passes[(sender, row)]), _nodes[end]];

    private static void Connect(IEnumerable<Place> chain)
    {
        foreach (var (below, above) in chain.Zip(chain.Skip(1)))
        {
            below.Neighbours.Add(above);
            above.Neighbours.Add(below);
        }
    }

    /// <summary>Orders every row by the mean place of its neighbours, upwards and downwards in turn, so that few paths cross.</summary>
    private static void Arrange(List<Place>[] rows)
    {
        void Number(List<Place> row)
        {
            for (int i = 0; i < row.Count; i++) row[i].Order = (i + 0.5) / row.Count;
        }

        foreach (var row in rows) Number(row);
        for (int sweep = 0; sweep < Sweeps; sweep++)
            foreach (int at in sweep % 2 == 0 ? Enumerable.Range(0, rows.Length) : Enumerable.Range(0, rows.Length).Reverse())
            {
                bool Counts(Place neighbour) => sweep % 2 == 0 ? neighbour.Row < at : neighbour.Row > at;
                rows[at] = [.. rows[at].OrderBy(p => p.Neighbours.Where(Counts).Select(n => n.Order).DefaultIfEmpty(p.Order).Average())];
                Number(rows[at]);
            }
    }

    private void Assign(List<Place>[] rows)
    {
        foreach (var row in rows)
        {
            double x = (Width - WidthOf(row)) / 2;
            foreach (var place in row)
            {
                place.X = x + (place.Width / 2);
                x += place.Width + Gap;
            }
        }
    }

    /// <summary>A node's place, or that of a path in a row that it passes.</summary>
    internal sealed class Place(int row, double width)
    {
        public int Row { get; } = row;

        public double Width { get; } = width;

        /// <summary>The middle.</summary>
        public double X { get; set; }

        /// <summary>Where it stands in its row, from 0 to 1.</summary>
        public double Order { get; set; }

        public List<Place> Neighbours { get; } = [];
    }
}
