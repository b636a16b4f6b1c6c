using MlNetIcl.Reports.Parts;

namespace MlNetIcl.Reports.Figures;

/// <summary>A bar of a <see cref="BarChart"/>.</summary>
/// <param name="Label">What it stands for.</param>
/// <param name="Value">Its length; NaN is drawn as missing.</param>
/// <param name="Low">Lower end of its interval; NaN for none.</param>
/// <param name="High">Upper end of its interval; NaN for none.</param>
public readonly record struct Bar(string Label, double Value, double Low = double.NaN, double High = double.NaN)
{
    /// <summary>Numbers to hold the bar against, as the effects of control heads; each is drawn as a small line across. Default: none.</summary>
    public IReadOnlyList<double>? Marks { get; init; }
}

/// <summary>Numbers as bars from zero to both sides, as effects or contributions; with whiskers where they have intervals.</summary>
public sealed class BarChart : Figure
{
    private const double PlotWidth = 330, Row = 17, Thickness = 11, Top = 6, Right = 16;
    private const int LabelLength = 28;

    /// <summary>Draws these bars, from top to bottom.</summary>
    /// <param name="bars">At least one.</param>
    /// <exception cref="ArgumentException">There is no bar.</exception>
    public BarChart(params IReadOnlyList<Bar> bars)
    {
        ArgumentNullException.ThrowIfNull(bars);
        if (bars.Count == 0) throw new ArgumentException("A chart needs at least one bar.", nameof(bars));
        Bars = bars;
    }

    /// <summary>The bars, from top to bottom.</summary>
    public IReadOnlyList<Bar> Bars { get; }

    /// <summary>What the length is, with its unit.</summary>
    public required string ValueName { get; init; }

    /// <summary>What a bar stands for, as head or component. Default: head.</summary>
    public string BarName { get; init; } = "head";

    /// <summary>What <see cref="Bar.Marks"/> are, below the chart. Default: nothing.</summary>
    public string? MarkName { get; init; }

    /// <summary>Lines up at known values, as a threshold. Default: none.</summary>
    public IReadOnlyList<double> Lines { get; init; } = [];

    private double Left => 14 + Bars.Max(b => SvgCanvas.Width(Short(b.Label)));

    private double Bottom => Top + Bars.Count * Row + 4;

    private protected override (double Width, double Height) Size => (Left + PlotWidth + Right, Bottom + 44 + (MarkName is null ? 0 : 18));

    private protected override void Draw(SvgCanvas canvas)
    {
        var axis = new Axis(Bars.SelectMany(b => new[] { b.Value, b.Low, b.High }.Concat(b.Marks ?? [])).Concat(Lines).Append(0));
        double left = Left, bottom = Bottom;
        double At(double value) => left + axis.Place(value) * PlotWidth;
        foreach (double tick in axis.Ticks)
        {
            canvas.Line(At(tick), Top, At(tick), bottom, "grid");
            canvas.Text(At(tick), bottom + 16, axis.Label(tick), Anchor.Middle);
        }
        foreach (double line in Lines) canvas.Line(At(line), Top, At(line), bottom, "mark");
        canvas.Text(left + PlotWidth / 2, bottom + 36, ValueName, Anchor.Middle, "muted");
        if (MarkName is not null) DrawLegend(canvas, bottom + 54, MarkName);
        for (int i = 0; i < Bars.Count; i++)
        {
            var bar = Bars[i];
            double middle = Top + (i + 0.5) * Row, zero = At(0);
            canvas.Text(left - 7, middle + 4, Short(bar.Label), Anchor.End, title: bar.Label);
            if (double.IsFinite(bar.Value))
            {
                canvas.Rectangle(Math.Min(zero, At(bar.Value)), middle - Thickness / 2, Math.Abs(At(bar.Value) - zero), Thickness, bar.Value < 0 ? "neg" : "pos", 0.75);
                if (HasInterval(bar)) DrawWhisker(canvas, At(bar.Low), At(bar.High), middle);
            }
            foreach (double mark in bar.Marks ?? []) DrawMark(canvas, At(mark), middle);
            canvas.Rectangle(left, middle - Row / 2, PlotWidth, Row, "hit", title: Sentence(bar));
        }
        canvas.Line(At(0), Top, At(0), bottom, "axis");
    }

    private void DrawLegend(SvgCanvas canvas, double y, string name)
    {
        double start = Left + (PlotWidth - SvgCanvas.Width(name)) / 2;
        DrawMark(canvas, start - 6, y - 4);
        canvas.Text(start, y, name, Anchor.Start, "muted");
    }

    private static void DrawMark(SvgCanvas canvas, double x, double y) => canvas.Line(x, y - Thickness / 2, x, y + Thickness / 2, "series c1");

    private static void DrawWhisker(SvgCanvas canvas, double low, double high, double y)
    {
        canvas.Line(low, y, high, y, "whisker");
        foreach (double end in new[] { low, high }) canvas.Line(end, y - 3, end, y + 3, "whisker");
    }

    private protected override DataTable Data() => new(
        [new(BarName), new(ValueName, Numeric: true), .. MarkName is null ? [] : (Column[])[new(MarkName)]],
        [.. Bars.Select(bar => (IReadOnlyList<Cell>)[bar.Label, Numbers.Interval(bar.Value, bar.Low, bar.High), .. MarkName is null ? [] : (Cell[])[Marks(bar)]])]);

    private string Sentence(Bar bar) => $"{bar.Label}: {Numbers.Interval(bar.Value, bar.Low, bar.High)}{(MarkName is null || bar.Marks is not { Count: > 0 } ? "" : $"; {MarkName}: {Marks(bar)}")}";

    private static string Marks(Bar bar) => bar.Marks is { Count: > 0 } marks
        ? marks.Count == 1 ? Numbers.Score(marks[0]) : $"{Numbers.Score(marks.Min())} to {Numbers.Score(marks.Max())}"
        : Numbers.Missing;

    private static bool HasInterval(Bar bar) => double.IsFinite(bar.Low) && double.IsFinite(bar.High);

    private static string Short(string label) => VisibleText.Shorten(label, LabelLength);
}
