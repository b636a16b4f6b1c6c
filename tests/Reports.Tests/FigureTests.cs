using System.Globalization;
using System.Xml.Linq;
using MlNetIcl.Reports.Figures;

namespace MlNetIcl.Reports.Tests;

public class FigureTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private static XElement Draw(Figure figure) => XDocument.Parse(figure.ToSvg()).Root!;

    private static double Number(XElement element, string name) => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    private static IEnumerable<XElement> WithClass(XElement svg, string css) => svg.Descendants().Where(e => ((string?)e.Attribute("class"))?.Split(' ').Contains(css) == true);

    private static void AssertInside(XElement svg)
    {
        double width = Number(svg, "width"), height = Number(svg, "height");
        foreach (var rectangle in svg.Descendants(Svg + "rect"))
        {
            Assert.InRange(Number(rectangle, "x"), 0, width - Number(rectangle, "width"));
            Assert.InRange(Number(rectangle, "y"), 0, height - Number(rectangle, "height"));
        }
        foreach (var text in svg.Descendants(Svg + "text"))
        {
            double size = text.Attribute("font-size") is null ? 12 : Number(text, "font-size");
            string label = string.Concat(text.Nodes().OfType<XText>().Select(t => t.Value));
            double length = SvgCanvas.Width(label, size), x = Number(text, "x"), y = Number(text, "y");
            double before = (string?)text.Attribute("text-anchor") switch { "end" => length, "middle" => length / 2, _ => 0 };
            if (text.Attribute("transform") is null)
            {
                Assert.InRange(x - before, 0, width - length);
                Assert.InRange(y, size * 0.7, height);
            }
            else
            {
                Assert.InRange(y + before, length, height);
                Assert.InRange(x, size * 0.7, width);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(23)]
    [InlineData(60)]
    public void AttentionMap_OfAnySize_DrawsEveryEntryInsideTheFrame(int tokens)
    {
        var pattern = new double[tokens, tokens];
        for (int q = 0; q < tokens; q++)
            for (int k = 0; k <= q; k++) pattern[q, k] = 1.0 / (q + 1);
        var svg = Draw(new AttentionMap(pattern, [.. Enumerable.Range(0, tokens).Select(i => i % 3 == 0 ? " averyveryverylongtoken" : "の猫")]) { Title = "t" });

        AssertInside(svg);
        var cells = WithClass(svg, "pos").Where(e => e.Element(Svg + "title") is not null).ToArray();
        Assert.Equal(tokens * (tokens + 1) / 2, cells.Length);
        Assert.Equal(1.0 / tokens, Number(cells[^1], "fill-opacity"), 2);
    }

    [Fact]
    public void AttentionMap_UnseenCharacters_BecomeVisible()
    {
        var svg = Draw(new AttentionMap(new double[4, 4], [" the", "\n\t", "\u202Eevil\u200b", ""]) { Title = "t" });
        var labels = WithClass(svg, "token").Select(e => e.Nodes().OfType<XText>().Single().Value).ToHashSet();

        Assert.Equal(["·the", "↵⇥", "⟨202E⟩evil⟨20…", "∅"], labels);
    }

    [Fact]
    public void AttentionMap_WrongShape_NamesBothSides()
    {
        var error = Assert.Throws<ArgumentException>(() => new AttentionMap(new double[2, 3], ["a", "b"]) { Title = "t" });

        Assert.Contains("2 queries x 3 keys and 2 tokens", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Heatmap_MissingValue_IsNoZero()
    {
        var svg = Draw(new Heatmap(new[,] { { double.NaN, 0.0 } }) { Title = "t" });
        var titles = svg.Descendants(Svg + "title").Select(t => t.Value).ToArray();

        Assert.Contains("layer 0, head 0: not measured", titles);
        Assert.Contains("layer 0, head 1: 0.000", titles);
        Assert.Single(WithClass(svg, "missing"));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 4)]
    [InlineData(12, 12)]
    [InlineData(30, 9)]
    [InlineData(80, 64)]
    public void Heatmap_OfAnyShape_StaysInsideTheFrame(int layers, int heads) => AssertInside(Draw(new Heatmap(new double[layers, heads])
    {
        Title = "t",
        Mark = (_, _) => CellMark.Outlined,
        MarkMeanings = new Dictionary<CellMark, string> { [CellMark.Outlined] = "a meaning that is longer than the whole map is wide" },
    }));

    [Theory]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(96)]
    public void Heatmap_WithLabels_StaysInsideTheFrameAndNamesItsColumns(int columns)
    {
        string[] labels = [.. Enumerable.Range(0, columns).Select(i => i % 3 == 0 ? $"{i} averyveryverylongtokenthatgoesonandon" : $"{i} の猫")];
        var map = new Heatmap(new double[2, columns]) { Title = "t", ColumnName = "position", ColumnLabels = labels };
        var svg = Draw(map);

        AssertInside(svg);
        Assert.Equal(columns, WithClass(svg, "token").Count());
        Assert.Contains($"layer 1, position {labels[^1]}: 0.000", svg.Descendants(Svg + "title").Select(t => t.Value));
        Assert.Equal(labels, map.ToTable().Columns.Skip(1).Select(c => c.Header));
    }

    [Fact]
    public void Heatmap_WithTooFewLabels_NamesBothCounts() =>
        Assert.Contains("2 columns, got 1", Assert.Throws<ArgumentException>(() => new Heatmap(new double[1, 2]) { Title = "t", ColumnLabels = ["a"] }).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0.777461, -0.78, 0.78)]
    [InlineData(1, -1, 1)]
    [InlineData(12.34, -13, 13)]
    [InlineData(1e-9, -0.01, 0.01)]
    [InlineData(double.NaN, -0.01, 0.01)]
    public void ValueScale_Covering_HasRoundEnds(double value, double low, double high)
    {
        var scale = ValueScale.Covering([0, -value / 2, value], least: 0.01);

        Assert.Equal((low, high), (Math.Round(scale.Low, 9), Math.Round(scale.High, 9)));
    }

    [Fact]
    public void BarChart_Bars_ReachFromZeroToTheirValues()
    {
        var svg = Draw(new BarChart(new Bar("up", 2, 1, 3), new Bar("down", -1), new Bar("missing", double.NaN)) { Title = "t", ValueName = "change" });
        double Width(string css) => Number(Assert.Single(WithClass(svg, css)), "width");

        AssertInside(svg);
        Assert.Equal(2, Width("pos") / Width("neg"), 2);
        var whisker = WithClass(svg, "whisker").First();
        Assert.Equal(Width("pos"), Number(whisker, "x2") - Number(whisker, "x1"), 1);
        Assert.Equal(3, WithClass(svg, "whisker").Count());
        Assert.Contains("up: 2.000 [1.000, 3.000]", svg.Descendants(Svg + "title").Select(t => t.Value));
        Assert.Contains("missing: –", svg.Descendants(Svg + "title").Select(t => t.Value));
    }

    [Fact]
    public void BarChart_MarksAndLines_StandAtTheirValuesAndAreTold()
    {
        var chart = new BarChart(new Bar("a", 2) { Marks = [-1, 1, 4] }, new Bar("b", 1)) { Title = "t", ValueName = "effect", MarkName = "others", Lines = [-0.5, 0.5] };
        var svg = Draw(chart);
        double[] At(string css) => [.. WithClass(svg, css).Select(line => Number(line, "x1"))];

        AssertInside(svg);
        double unit = At("mark")[1] - At("mark")[0];
        var marks = At("series"); // the legend's own comes first
        Assert.Equal(4, marks.Length);
        Assert.Equal([2 * unit, 3 * unit], [marks[2] - marks[1], marks[3] - marks[2]], (a, b) => Math.Abs(a - b) < 0.1);
        Assert.Contains("a: 2.000; others: -1.000 to 4.000", svg.Descendants(Svg + "title").Select(t => t.Value));
        Assert.Contains("b: 1.000", svg.Descendants(Svg + "title").Select(t => t.Value));
        Assert.Equal(["head", "effect", "others"], chart.ToTable().Columns.Select(c => c.Header));
        Assert.Equal(["-1.000 to 4.000", "–"], chart.ToTable().Rows.Select(r => r[2].Text));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(40, -3)]
    [InlineData(300, 1e-5)]
    public void BarChart_OfAnyLength_StaysInsideTheFrame(int bars, double value) =>
        AssertInside(Draw(new BarChart([.. Enumerable.Range(0, bars).Select(i => new Bar($"a rather long label of bar number {i}", value, value - 1, value + 2))]) { Title = "t", ValueName = "change of the loss" }));

    [Fact]
    public void Heatmap_DivergingScale_TellsSignsApart()
    {
        var cells = Draw(new Heatmap(new[,] { { -2.0, 1.0 } }) { Title = "t", Scale = ValueScale.Diverging(2) }).Descendants(Svg + "rect").Where(e => e.Element(Svg + "title") is not null).ToArray();

        Assert.Equal(["neg", "pos"], cells.Select(c => c.Attribute("class")!.Value));
        Assert.Equal([1, 0.5], cells.Select(c => Number(c, "fill-opacity")));
    }

    [Fact]
    public void LineChart_ManyLines_NoTwoLookTheSame()
    {
        var svg = Draw(new LineChart([.. Enumerable.Range(0, 20).Select(i => Series.Of($"line {i}", [i, i + 1.0]))]) { Title = "t", XName = "x", YName = "y" });

        var looks = svg.Descendants(Svg + "polyline").Select(l => ((string?)l.Attribute("class"), (string?)l.Attribute("stroke-dasharray"))).ToArray();
        Assert.Equal(20, looks.Distinct().Count());
        Assert.Equal(looks, svg.Descendants(Svg + "line").Where(l => ((string?)l.Attribute("class"))!.StartsWith("series", StringComparison.Ordinal)).Select(l => ((string?)l.Attribute("class"), (string?)l.Attribute("stroke-dasharray"))));
    }

    [Fact]
    public void LineChart_YMost_CutsTheDrawingAndNotTheTable()
    {
        LineChart Of(double? most) => new(new Series("s", [new(0, 1, 0.5, 2), new(1, 50, 40, 60)])) { Title = "t", XName = "x", YName = "y", YReaches = [0], YMost = most };
        double Top(LineChart chart) => Draw(chart).Descendants(Svg + "polyline").Single().Attribute("points")!.Value.Split(' ').Min(p => double.Parse(p.Split(',')[1], CultureInfo.InvariantCulture));
        string[] Labels(LineChart chart) => [.. Draw(chart).Descendants(Svg + "text").Select(t => t.Value)];

        AssertInside(Draw(Of(4)));
        Assert.Contains("4", Labels(Of(4)));
        Assert.DoesNotContain("60", Labels(Of(4)));
        Assert.Contains("60", Labels(Of(null)));
        Assert.Equal(Top(Of(50)), Draw(Of(50)).Descendants(Svg + "line").Where(l => (string?)l.Attribute("class") == "grid").Min(l => Number(l, "y1")), 2);
        Assert.Equal(["1", "50.000 [40.000, 60.000]"], Of(4).ToTable().Rows[1].Select(c => c.Text));
    }

    [Fact]
    public void LineChart_Gap_InterruptsTheLine()
    {
        var svg = Draw(new LineChart(Series.Of("s", [1, 2, double.NaN, 4, 5, double.NaN, 7])) { Title = "t", XName = "x", YName = "y" });

        Assert.Equal(2, svg.Descendants(Svg + "polyline").Count());
        Assert.Single(WithClass(svg, "dot"));
        Assert.Equal(5, WithClass(svg, "hit").Count());
    }

    [Fact]
    public void LineChart_Heights_AreProportionalToTheValues()
    {
        var svg = Draw(new LineChart(Series.Of("s", [0, 1, 4])) { Title = "t", XName = "x", YName = "y" });
        double[] y = [.. svg.Descendants(Svg + "polyline").Single().Attribute("points")!.Value.Split(' ').Select(p => double.Parse(p.Split(',')[1], CultureInfo.InvariantCulture))];

        Assert.Equal(4, (y[0] - y[2]) / (y[0] - y[1]), 2);
    }

    [Fact]
    public void LineChart_ManySeriesReferencesAndBands_StaysInsideTheFrame()
    {
        var series = Enumerable.Range(0, 9).Select(s => new Series($"series number {s}", [.. Enumerable.Range(0, 50).Select(i => new SeriesPoint(i * 20, s + i, s + i - 2, s + i + 3))])).ToArray();
        var svg = Draw(new LineChart(series) { Title = "t", XName = "x", YName = "y", Vertical = [new(0, "at the very start"), new(980, "at the very end")], Horizontal = [new(-5, "below")] });

        AssertInside(svg);
        Assert.Equal(9, WithClass(svg, "band").Count());
        foreach (var point in svg.Descendants().Attributes("points").SelectMany(a => a.Value.Split(' ')).Select(p => p.Split(',')))
        {
            Assert.InRange(double.Parse(point[0], CultureInfo.InvariantCulture), 0, Number(svg, "width"));
            Assert.InRange(double.Parse(point[1], CultureInfo.InvariantCulture), 0, Number(svg, "height"));
        }
    }

    [Theory]
    [InlineData(new double[0])]
    [InlineData(new[] { double.NaN })]
    [InlineData(new[] { 3.0 })]
    [InlineData(new[] { -2e-9, 1e-9 })]
    [InlineData(new[] { 1e300, -1e300 })]
    [InlineData(new[] { double.PositiveInfinity, 1.0 })]
    public void LineChart_OddValues_AreDrawnInsideTheFrame(double[] values) =>
        AssertInside(Draw(new LineChart(Series.Of("s", values)) { Title = "t", XName = "x", YName = "y" }));

    [Fact]
    public void LineChart_LogX_PutsEqualRatiosEquallyFarApartAndLeavesOutWhatIsNotAboveZero()
    {
        var svg = Draw(new LineChart(new Series("s", [new(0, 9), new(1, 1), new(100, 1), new(10_000, 1)])) { Title = "t", XName = "x", YName = "y", LogX = true });
        double[] x = [.. WithClass(svg, "series").Single(e => e.Attribute("points") is not null).Attribute("points")!.Value.Split(' ').Select(p => double.Parse(p.Split(',')[0], CultureInfo.InvariantCulture))];

        AssertInside(svg);
        Assert.Equal(3, x.Length);
        Assert.Equal(x[1] - x[0], x[2] - x[1], 0.11); // coordinates are rounded to tenths
        Assert.Contains(svg.Descendants(), e => e.Value == "10,000");
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-3.7, 12.9)]
    [InlineData(0.0012, 0.0013)]
    [InlineData(1e6, 5e6)]
    public void Axis_Range_HasRoundTicksThatCoverIt(double low, double high)
    {
        var axis = new Axis([low, high]);
        double[] ticks = [.. axis.Ticks];

        Assert.InRange(ticks.Length, 3, 11);
        double rounding = 1e-9 * (high - low);
        Assert.True(axis.Low <= low + rounding && axis.High >= high - rounding);
        Assert.Equal(axis.Low, ticks[0], 9);
        Assert.Equal(axis.High, ticks[^1], 9);
        Assert.Equal(ticks.Length, ticks.Select(axis.Label).Distinct().Count());
        foreach (double tick in ticks.Where(t => Math.Abs(t) < 1e6))
            Assert.Equal(tick, double.Parse(axis.Label(tick), CultureInfo.InvariantCulture), 9);
    }
}
