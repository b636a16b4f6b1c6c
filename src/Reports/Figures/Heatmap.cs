using System.Globalization;
using MlNetIcl.Reports.Parts;

namespace MlNetIcl.Reports.Figures;

/// <summary>How a cell is marked.</summary>
public enum CellMark
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>With a solid outline: what was looked for.</summary>
    Outlined,

    /// <summary>With a dashed outline: a weaker case of it.</summary>
    Dashed,
}

/// <summary>One number per row and column as shades, as of every head of every layer. NaN is drawn as missing, not as zero.</summary>
public sealed class Heatmap : Figure
{
    private const int LabelLength = 22;

    // The shade at which light ink reads better than dark ink, in both themes.
    private const double InkFlips = 0.6;
    private readonly double[,] _values;

    /// <summary>Draws these numbers.</summary>
    /// <param name="values">[row, column], at least one of each; NaN where nothing was measured. Copied.</param>
    /// <exception cref="ArgumentException">There is no row or no column.</exception>
    public Heatmap(double[,] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Length == 0) throw new ArgumentException($"A heatmap needs rows and columns, got {values.GetLength(0)} x {values.GetLength(1)}.", nameof(values));
        _values = (double[,])values.Clone();
    }

    /// <summary>The shades. Default: 0 to 1.</summary>
    public ValueScale Scale { get; init; } = ValueScale.Unit;

    /// <summary>What a row is. Default: layer.</summary>
    public string RowName { get; init; } = "layer";

    /// <summary>What a column is. Default: head.</summary>
    public string ColumnName { get; init; } = "head";

    /// <summary>What stands at each column, as the token at each position; unseen characters are the caller's to make visible. Default: its number, from 0.</summary>
    /// <exception cref="ArgumentException">There are not as many labels as columns.</exception>
    public IReadOnlyList<string>? ColumnLabels
    {
        get;
        init => field = value is null || value.Count == Columns ? value : throw new ArgumentException($"Expected a label for each of {Columns} columns, got {value.Count}.", nameof(value));
    }

    /// <summary>The mark of a cell. Default: none.</summary>
    public Func<int, int, CellMark> Mark { get; init; } = (_, _) => CellMark.None;

    /// <summary>What marks mean, in the legend. Default: nothing.</summary>
    public IReadOnlyDictionary<CellMark, string> MarkMeanings { get; init; } = new Dictionary<CellMark, string>();

    /// <summary>What hovering over a cell says. Default: row, column and number.</summary>
    public Func<int, int, string>? Describe { get; init; }

    private int Rows => _values.GetLength(0);

    private int Columns => _values.GetLength(1);

    private double CellSize => Math.Max(Rows, Columns) switch { <= 8 => 36, <= 14 => 28, <= 24 => 20, <= 40 => 14, _ => 10 };

    private double Left => 34 + SvgCanvas.Width(Index(Rows - 1));

    // Labels that do not fit beside each other stand upright.
    private bool TurnsLabels => ColumnLabels?.Any(l => SvgCanvas.Width(l) + 4 > CellSize) ?? false;

    private double LabelSize => CellSize < 12 ? 9 : 11;

    private double Top => TurnsLabels ? 30 + ColumnLabels!.Max(l => SvgCanvas.Width(Short(l), LabelSize)) : 44;

    private double LegendLeft => Left;

    private double LegendTop => Top + Rows * CellSize + 16;

    private (CellMark Mark, string Meaning)[] Meanings => [.. MarkMeanings.Where(m => m.Key != CellMark.None).OrderBy(m => m.Key).Select(m => (m.Key, m.Value))];

    private protected override (double Width, double Height) Size
    {
        get
        {
            double legend = Math.Max(ValueScale.LegendWidth, Meanings.Select(m => 26 + SvgCanvas.Width(m.Meaning)).DefaultIfEmpty().Max());
            return (Math.Max(Left + Columns * CellSize, LegendLeft + legend) + 8, LegendTop + ValueScale.LegendHeight + Meanings.Length * 20 + 8);
        }
    }

    private protected override void Draw(SvgCanvas canvas)
    {
        double size = CellSize;
        DrawAxes(canvas, size);
        for (int row = 0; row < Rows; row++)
            for (int column = 0; column < Columns; column++)
                DrawCell(canvas, row, column, Left + column * size, Top + row * size, size);
        // Outlines last, so that no neighbour covers them.
        for (int row = 0; row < Rows; row++)
            for (int column = 0; column < Columns; column++)
                DrawMark(canvas, Mark(row, column), Left + column * size, Top + row * size, size);
        DrawLegend(canvas);
    }

    private void DrawAxes(SvgCanvas canvas, double size)
    {
        canvas.Text(Left + Columns * size / 2, 14, ColumnName, Anchor.Middle, "muted");
        canvas.Text(14, Top + Rows * size / 2, RowName, Anchor.Middle, "muted", turn: -90);
        if (ColumnLabels is { } labels) DrawLabels(canvas, labels, size);
        else
            for (int column = 0; column < Columns; column += Every(Columns - 1, size))
                canvas.Text(Left + (column + 0.5) * size, Top - 8, Index(column), Anchor.Middle);
        for (int row = 0; row < Rows; row += size < 13 ? 2 : 1)
            canvas.Text(Left - 7, Top + (row + 0.5) * size + 4, Index(row), Anchor.End);
    }

    private void DrawLabels(SvgCanvas canvas, IReadOnlyList<string> labels, double size)
    {
        for (int column = 0; column < Columns; column++)
        {
            double middle = Left + (column + 0.5) * size;
            if (TurnsLabels) canvas.Text(middle + LabelSize * 0.35, Top - 6, Short(labels[column]), css: "token", turn: -90, size: LabelSize, title: labels[column]);
            else canvas.Text(middle, Top - 8, labels[column], Anchor.Middle);
        }
    }

    private void DrawCell(SvgCanvas canvas, int row, int column, double x, double y, double size)
    {
        double value = _values[row, column];
        string title = Describe?.Invoke(row, column) ?? Sentence(row, column);
        canvas.Rectangle(x + 0.5, y + 0.5, size - 1, size - 1, "back");
        if (!double.IsFinite(value))
        {
            canvas.Rectangle(x + 0.5, y + 0.5, size - 1, size - 1, "hit", title: title);
            canvas.Rectangle(x + size / 2 - 3, y + size / 2 - 1, 6, 2, "missing");
            return;
        }
        double shade = Scale.Shade(value);
        canvas.Rectangle(x + 0.5, y + 0.5, size - 1, size - 1, Scale.Css(value), shade, title);
        if (size >= 28)
            canvas.Text(x + size / 2, y + size / 2 + 3.5, InCell(value), Anchor.Middle, shade > InkFlips ? "on" : null, size: size >= 36 ? 11 : 9.5, title: title);
    }

    private static void DrawMark(SvgCanvas canvas, CellMark mark, double x, double y, double size)
    {
        if (mark != CellMark.None) canvas.Rectangle(x + 1, y + 1, size - 2, size - 2, mark == CellMark.Outlined ? "outlined" : "dashed");
    }

    private void DrawLegend(SvgCanvas canvas)
    {
        Scale.DrawLegend(canvas, LegendLeft, LegendTop);
        double y = LegendTop + ValueScale.LegendHeight + 8;
        foreach (var (mark, meaning) in Meanings)
        {
            DrawMark(canvas, mark, LegendLeft, y, 15);
            canvas.Text(LegendLeft + 22, y + 11.5, meaning);
            y += 20;
        }
    }

    private protected override DataTable Data() => new(
        [new($"{RowName} \\ {ColumnName}", Numeric: true), .. Enumerable.Range(0, Columns).Select(c => new Column(Label(c), Numeric: true))],
        [.. Enumerable.Range(0, Rows).Select(row => (IReadOnlyList<Cell>)
            [Index(row), .. Enumerable.Range(0, Columns).Select(column => DataCell(row, column))])]);

    private Cell DataCell(int row, int column)
    {
        var mark = Mark(row, column);
        string sign = mark switch { CellMark.Outlined => " *", CellMark.Dashed => " (*)", _ => "" };
        return new(Numbers.Score(_values[row, column]) + sign, MarkMeanings.GetValueOrDefault(mark), mark == CellMark.Outlined);
    }

    private string Sentence(int row, int column) =>
        $"{RowName} {Index(row)}, {ColumnName} {Label(column)}: {(double.IsFinite(_values[row, column]) ? Numbers.Score(_values[row, column]) : "not measured")}";

    // Two decimals without the zero before the point: .86, -.05, 1.0.
    private static string InCell(double value)
    {
        string text = value.ToString(Math.Abs(value) >= 0.995 ? "0.0" : ".00", CultureInfo.InvariantCulture);
        return text == "-.00" ? ".00" : text;
    }

    // Every how many columns a label fits.
    private static int Every(int last, double size)
    {
        double need = SvgCanvas.Width(Index(last)) + 4;
        return need <= size ? 1 : need <= 2 * size ? 2 : need <= 5 * size ? 5 : 10;
    }

    private string Label(int column) => ColumnLabels?[column] ?? Index(column);

    private static string Short(string label) => VisibleText.Shorten(label, LabelLength);

    private static string Index(int i) => i.ToString(CultureInfo.InvariantCulture);
}
