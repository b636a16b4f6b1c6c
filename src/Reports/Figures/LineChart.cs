using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Figures;

/// <summary>A point of a <see cref="Series"/>.</summary>
/// <param name="X">Where it stands.</param>
/// <param name="Y">The value; NaN interrupts the line.</param>
/// <param name="Low">Lower end of its interval; NaN for none.</param>
/// <param name="High">Upper end of its interval; NaN for none.</param>
public readonly record struct SeriesPoint(double X, double Y, double Low = double.NaN, double High = double.NaN);

/// <summary>A line of a <see cref="LineChart"/>.</summary>
/// <param name="Name">What it shows, in the legend.</param>
/// <param name="Points">Its points, by ascending x. Where all have an interval, it is drawn as a band.</param>
public sealed record Series(string Name, IReadOnlyList<SeriesPoint> Points)
{
    /// <summary>A line through values at 0, 1, 2, ….</summary>
    public static Series Of(string name, IEnumerable<double> values, double first = 0) => new(name, [.. values.Select((y, i) => new SeriesPoint(first + i, y))]);
}

/// <summary>A line across the chart at a known value, as chance level or the start of the second repeat.</summary>
/// <param name="Value">Where it stands.</param>
/// <param name="Name">What it is, beside it.</param>
public sealed record ReferenceLine(double Value, string Name);

/// <summary>Several lines over one x, as emergence over training steps or loss by position. Lines differ in colour and in dashes.</summary>
public sealed class LineChart : Figure
{
    private const double Width = 490, PlotHeight = 210, Right = 16, LegendRow = 20;
    private const int MostHoverPoints = 160;
    private static readonly string?[] Dashes = [null, "7 3", "2 3", "9 3 2 3", "12 4", "4 2"];

    /// <summary>Draws these lines.</summary>
    /// <param name="series">At least one.</param>
    /// <exception cref="ArgumentException">There is no series.</exception>
    public LineChart(params IReadOnlyList<Series> series)
    {
        ArgumentNullException.ThrowIfNull(series);
        if (series.Count == 0) throw new ArgumentException("A chart needs at least one series.", nameof(series));
        Series = series;
    }

    /// <summary>The lines.</summary>
    public IReadOnlyList<Series> Series { get; }

    /// <summary>What x is, with its unit.</summary>
    public required string XName { get; init; }

    /// <summary>What y is, with its unit.</summary>
    public required string YName { get; init; }

    /// <summary>Values that the y axis must reach, as 0 and 1 for a share. Default: none.</summary>
    public IReadOnlyList<double> YReaches { get; init; } = [];

    /// <summary>Where the drawing ends above, so that a few large values do not flatten all others: what is larger is drawn there, and stands in the table as it is. Default (null): nowhere.</summary>
    public double? YMost { get; init; }

    /// <summary>Whether x is drawn by its logarithm, as steps of a training whose events come ever later; points whose x is not above 0 are left out of the drawing. Default: false.</summary>
    public bool LogX { get; init; }

    /// <summary>Lines across at known y, as chance. Default: none.</summary>
    public IReadOnlyList<ReferenceLine> Horizontal { get; init; } = [];

    /// <summary>Whether the names of <see cref="Horizontal"/> stand at the left end, as where curves stay high there. Default: at the right end.</summary>
    public bool NamesAtStart { get; init; }

    /// <summary>Lines up at known x, as a step or a position. Default: none.</summary>
    public IReadOnlyList<ReferenceLine> Vertical { get; init; } = [];

    private protected override double ScreenScale => 1.25;

    private protected override (double Width, double Height) Size => (Width, Top + PlotHeight + 50);

    // Beside the axis there is room for its name and its longest label.
    private double Left => 28 + Y.Ticks.Max(tick => SvgCanvas.Width(Y.Label(tick)));

    private Axis Y => field ??= new(Series.SelectMany(s => s.Points).SelectMany(p => new[] { p.Y, p.Low, p.High }).Concat(YReaches).Concat(Horizontal.Select(h => h.Value)).Select(Drawn));

    private double Top => LegendPlaces()[^1].Y + 24 + (Vertical.Count > 0 ? 14 : 0);

    private protected override void Draw(SvgCanvas canvas)
    {
        var x = new Axis(Series.SelectMany(s => s.Points).Select(p => p.X).Concat(Vertical.Select(v => v.Value)), fitted: true, LogX);
        var y = Y;
        double left = Left, top = Top, right = Width - Right, bottom = top + PlotHeight;
        double AtX(double value) => left + x.Place(value) * (right - left);
        double AtY(double value) => bottom - y.Place(Drawn(value)) * PlotHeight;

        foreach (double tick in y.Ticks)
        {
            canvas.Line(left, AtY(tick), right, AtY(tick), "grid");
            canvas.Text(left - 7, AtY(tick) + 4, y.Label(tick), Anchor.End);
        }
        foreach (double tick in x.Ticks)
        {
            canvas.Line(AtX(tick), bottom, AtX(tick), bottom + 4, "axis");
            // The last label stays inside the figure.
            canvas.Text(Math.Min(AtX(tick), Width - (SvgCanvas.Width(x.Label(tick)) / 2)), bottom + 18, x.Label(tick), Anchor.Middle);
        }
        canvas.Line(left, bottom, right, bottom, "axis");
        canvas.Text((left + right) / 2, bottom + 38, XName, Anchor.Middle, "muted");
        canvas.Text(14, top + PlotHeight / 2, YName, Anchor.Middle, "muted", turn: -90);
        foreach (var line in Vertical)
        {
            double place = AtX(line.Value);
            canvas.Line(place, top, place, bottom, "mark");
            // The name stays inside the chart, whichever end the line is at.
            double half = SvgCanvas.Width(line.Name) / 2;
            canvas.Text(Math.Clamp(place, left + half, Math.Max(left + half, right - half)), top - 5, line.Name, Anchor.Middle, "muted");
        }
        foreach (var line in Horizontal)
        {
            canvas.Line(left, AtY(line.Value), right, AtY(line.Value), "mark");
            canvas.Text(NamesAtStart ? left + 3 : right - 3, AtY(line.Value) - 4, line.Name, NamesAtStart ? Anchor.Start : Anchor.End, "muted");
        }
        for (int i = 0; i < Series.Count; i++) DrawBand(canvas, Series[i], Css(i), AtX, AtY);
        for (int i = 0; i < Series.Count; i++) DrawLine(canvas, i, AtX, AtY);
        DrawLegend(canvas);
    }

    private double Drawn(double y) => Math.Min(y, YMost ?? double.PositiveInfinity);

    private bool IsDrawn(SeriesPoint point) => double.IsFinite(point.Y) && (!LogX || point.X > 0);

    private void DrawBand(SvgCanvas canvas, Series series, string css, Func<double, double> atX, Func<double, double> atY)
    {
        var points = series.Points.Where(p => IsDrawn(p) && double.IsFinite(p.Low) && double.IsFinite(p.High)).ToArray();
        if (points.Length < 2) return;
        canvas.Polygon([.. points.Select(p => (atX(p.X), atY(p.High))), .. Enumerable.Reverse(points).Select(p => (atX(p.X), atY(p.Low)))], $"band {css}");
    }

    private void DrawLine(SvgCanvas canvas, int index, Func<double, double> atX, Func<double, double> atY)
    {
        var run = new List<(double, double)>();
        foreach (var point in Series[index].Points)
            if (IsDrawn(point)) run.Add((atX(point.X), atY(point.Y)));
            else Flush();
        Flush();
        int every = (Series[index].Points.Count + MostHoverPoints - 1) / MostHoverPoints;
        for (int i = 0; i < Series[index].Points.Count; i += every)
            if (Series[index].Points[i] is { } point && IsDrawn(point))
                canvas.Circle(atX(point.X), atY(point.Y), 5, "hit", Sentence(Series[index], point));

        void Flush()
        {
            if (run.Count == 1) canvas.Circle(run[0].Item1, run[0].Item2, 2.5, $"dot {Css(index)}");
            else if (run.Count > 1) canvas.Polyline(run, $"series {Css(index)}", DashesOf(index));
            run.Clear();
        }
    }

    private void DrawLegend(SvgCanvas canvas)
    {
        var places = LegendPlaces();
        for (int i = 0; i < Series.Count; i++)
        {
            var (x, y) = places[i];
            canvas.Line(x, y, x + 24, y, $"series {Css(i)}", DashesOf(i));
            canvas.Text(x + 30, y + 4, Series[i].Name);
        }
    }

    // Entries from left to right, in as many rows as they need.
    private (double X, double Y)[] LegendPlaces()
    {
        var places = new (double X, double Y)[Series.Count];
        double left = Left, x = left, y = 12;
        for (int i = 0; i < Series.Count; i++)
        {
            double width = 48 + SvgCanvas.Width(Series[i].Name);
            if (x > left && x + width > Width) (x, y) = (left, y + LegendRow);
            places[i] = (x, y);
            x += width;
        }
        return places;
    }

    private protected override DataTable Data()
    {
        var byX = Series.Select(s => s.Points.GroupBy(p => p.X).ToDictionary(g => g.Key, g => g.First())).ToArray();
        return new(
            [new(XName, Numeric: true), .. Series.Select(s => new Column(s.Name, Numeric: true))],
            [.. byX.SelectMany(points => points.Keys).Distinct().Order().Select(x => (IReadOnlyList<Cell>)
                [Numbers.Brief(x), .. byX.Select(points => (Cell)(points.TryGetValue(x, out var p) ? Numbers.Interval(p.Y, p.Low, p.High) : Numbers.Missing))])]);
    }

    private string Sentence(Series series, SeriesPoint point) =>
        Invariant($"{series.Name}, {XName} {Numbers.Brief(point.X)}: {Numbers.Interval(point.Y, point.Low, point.High)}");

    private static string Css(int index) => Invariant($"c{index % 6}");

    // Where colours come again, dashes are other ones.
    private static string? DashesOf(int index) => Dashes[(index + (index / 6)) % Dashes.Length];
}
