using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Circuits;
using MlNetIcl.Reports.Interventions;

namespace MlNetIcl.Reports.Tests;

public partial class CircuitReportTests
{
    private static readonly XNamespace Html = "http://www.w3.org/1999/xhtml", Svg = "http://www.w3.org/2000/svg";

    private static XElement Draw(Circuit circuit) => XDocument.Parse(new CircuitGraph(circuit) { Title = "t" }.ToSvg()).Root!;

    private static double Number(XElement element, string name) => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    private static (double Left, double Top, double Right, double Bottom)[] Boxes(XElement svg) =>
        [.. svg.Elements(Svg + "rect").Where(r => (string?)r.Attribute("class") is "node" or "found").Select(r => (Number(r, "x"), Number(r, "y"), Number(r, "x") + Number(r, "width"), Number(r, "y") + Number(r, "height")))];

    /// <summary>The points that a path runs through, first and last included.</summary>
    private static (double X, double Y)[] Points(XElement path)
    {
        double[] numbers = [.. Numeral().Matches(path.Attribute("d")!.Value).Select(m => double.Parse(m.Value, CultureInfo.InvariantCulture))];
        return [(numbers[0], numbers[1]), .. Enumerable.Range(0, (numbers.Length - 2) / 6).Select(i => (numbers[(6 * i) + 6], numbers[(6 * i) + 7]))];
    }

    private static CircuitNode NodeOf(PathSender sender) => sender == PathSender.Embedding
        ? new(CircuitNodeKind.Embedding)
        : new(sender.Head is null ? CircuitNodeKind.Mlp : CircuitNodeKind.Head, sender.Layer, sender.Head);

    /// <summary>A circuit of any size with paths over many layers.</summary>
    private static Circuit Random(int layers, int heads, int edges)
    {
        var random = new Random(2);
        var paths = new HashSet<PathEdge>();
        while (paths.Count < edges)
        {
            int from = random.Next(layers), to = random.Next(layers + 1);
            var sender = random.Next(5) == 0 ? PathSender.Embedding : new PathSender(from, random.Next(4) == 0 ? null : random.Next(heads));
            if (to == layers) paths.Add(new(sender, new(PathInput.Logits)));
            else if (to > sender.Layer) paths.Add(new(sender, new((PathInput)random.Next(3), to, random.Next(heads))));
        }
        CircuitNode[] nodes =
        [
            new(CircuitNodeKind.Embedding),
            .. paths.SelectMany(p => (CircuitNode[])[NodeOf(p.Sender), .. p.Receiver.Head is { } head ? [new CircuitNode(CircuitNodeKind.Head, p.Receiver.Layer, head)] : Array.Empty<CircuitNode>()])
                .Where(n => n.Kind != CircuitNodeKind.Embedding).Distinct(),
            new(CircuitNodeKind.Logits),
        ];
        return SampleCircuits.Found() with
        {
            Nodes = nodes,
            Edges = [.. paths.Select(p => new CircuitEdge { Path = p, Effect = random.NextDouble() - 0.2 })],
            HeadsPerKeyHead = 1,
        };
    }

    [Fact]
    public void Graph_OfACircuit_HasABoxPerNodeAndAPathPerEnd()
    {
        var circuit = SampleCircuits.Found();
        var svg = Draw(circuit);

        Assert.Equal(circuit.Nodes.Count, Boxes(svg).Length);
        Assert.Equal(2, svg.Elements(Svg + "rect").Count(r => (string?)r.Attribute("class") == "found"));
        var paths = svg.Elements(Svg + "path").ToArray();
        Assert.Equal(circuit.Edges.Sum(e => circuit.Ends(e).Count), paths.Length);
        foreach (var edge in circuit.Edges.Where(e => circuit.Ends(e).Count > 0))
        {
            var path = paths.First(p => p.Value == CircuitWords.Line(circuit, edge));
            Assert.Equal(edge.Effect < 0 ? "against" : "edge", (string?)path.Attribute("class"));
            Assert.Equal(Math.Max(1.2, 8 * Math.Abs(edge.Effect) / 0.8), Number(path, "stroke-width"), 2);
        }
        // Keys are read at the middle of a head, here of both heads that share them; queries to its left.
        double[] Ends(string words) => [.. paths.Where(p => p.Value.Contains(words, StringComparison.Ordinal)).Select(p => Points(p)[^1].X)];
        double[] middles = [.. Boxes(svg).Skip(3).Take(2).Select(b => (b.Left + b.Right) / 2)];
        Assert.All(middles.Zip(Ends("L2.H1 keys")), pair => Assert.Equal(pair.First, pair.Second, 1));
        Assert.True(Assert.Single(Ends("L2.H1 queries")) < middles[1]);
    }

    [Theory]
    [InlineData(2, 4, 20)]
    [InlineData(30, 9, 60)]
    [InlineData(48, 25, 250)]
    public void Graph_OfAnySize_KeepsBoxesApartAndPathsOutOfThem(int layers, int heads, int edges)
    {
        var svg = Draw(Random(layers, heads, edges));
        var boxes = Boxes(svg);
        double width = Number(svg, "width"), height = Number(svg, "height");

        Assert.All(boxes, b => Assert.True(b.Left >= 0 && b.Top >= 0 && b.Right <= width && b.Bottom <= height));
        for (int i = 0; i < boxes.Length; i++)
            for (int j = 0; j < i; j++)
                Assert.True(boxes[i].Right <= boxes[j].Left || boxes[j].Right <= boxes[i].Left || boxes[i].Bottom <= boxes[j].Top || boxes[j].Bottom <= boxes[i].Top, $"Boxes {i} and {j} overlap.");
        foreach (var points in svg.Elements(Svg + "path").Select(Points))
        {
            Assert.All(points.Zip(points.Skip(1)), pair => Assert.True(pair.First.Y > pair.Second.Y, "A path runs downwards."));
            foreach (var (x, y) in points[1..^1])
                Assert.DoesNotContain(boxes, b => x > b.Left && x < b.Right && y > b.Top && y < b.Bottom);
        }
    }

    [Fact]
    public void Of_ACircuit_ShowsItsEvidence()
    {
        var circuit = SampleCircuits.Found(model: SampleResults.HostileName);
        var page = XDocument.Parse(CircuitReport.Of(circuit).ToHtml());
        string text = page.Root!.Value;

        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName == "script");
        Assert.Contains("6 of 222 edges, between 6 nodes, keep 0.938 [0.900, 0.970]", text, StringComparison.Ordinal);
        Assert.Contains("Random circuits of as many edges keep 0.125 on average, 0.500 at most", text, StringComparison.Ordinal);
        Assert.Contains("L0.H1 (previous-token)", text, StringComparison.Ordinal);
        var rows = page.Descendants(Html + "table").Last().Element(Html + "tbody")!.Elements().Select(r => r.Elements().Select(c => c.Value).ToArray()).ToArray();
        Assert.Equal(["L0.H1 (previous-token)", "L2.H0 (induction), L2.H1", "keys", "0.750 [0.740, 0.770]", "2e-4", "0.375", "0.250", "16.5"], rows[1]);
    }

    [Fact]
    public void Of_OnePair_HasNoIntervalsAndShowsThePrompts()
    {
        TokenLabel[] clean = [new(1, "<script>"), new(2, " a")], corrupted = [new(1, "<script>"), new(3, " b")];
        var page = XDocument.Parse(CircuitReport.Of(SampleCircuits.Found(tested: false), new CircuitPrompts([new(clean, corrupted, new(2, " a"), new(3, " b"))])).ToHtml());

        Assert.Contains("One prompt pair", page.Root!.Value, StringComparison.Ordinal);
        Assert.Contains("logit of '·a' (id 2) minus logit of '·b' (id 3)", page.Root.Value, StringComparison.Ordinal);
        Assert.DoesNotContain("[", page.Descendants(Html + "p").First().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_NoCircuit_SaysSoWithoutAGraph()
    {
        var page = XDocument.Parse(CircuitReport.Of(SampleCircuits.Nothing()).ToHtml());

        Assert.Empty(page.Descendants(Html + "figure"));
        Assert.Contains("nothing to trace", page.Root!.Value, StringComparison.Ordinal);
        Assert.Contains("no difference", Assert.Throws<ArgumentException>(() => new CircuitGraph(SampleCircuits.Nothing()) { Title = "t" }).Message, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"-?\d+(\.\d+)?")]
    private static partial Regex Numeral();
}
