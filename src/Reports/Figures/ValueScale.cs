namespace MlNetIcl.Reports.Figures;

/// <summary>How a number becomes a shade: none at the low end (or at zero), full at the high end. Immutable.</summary>
public sealed record ValueScale
{
    private ValueScale(double low, double high, bool isDiverging) => (Low, High, IsDiverging) = (low, high, isDiverging);

    /// <summary>The value without shade (sequential), or the negative value with full shade (diverging).</summary>
    public double Low { get; }

    /// <summary>The value with full shade.</summary>
    public double High { get; }

    /// <summary>Whether zero is the middle and the sign a colour.</summary>
    public bool IsDiverging { get; }

    /// <summary>From 0 to 1: scores and attention.</summary>
    public static ValueScale Unit { get; } = Sequential(0, 1);

    /// <summary>From <paramref name="low"/> to <paramref name="high"/>; what lies outside takes the shade of the nearer end.</summary>
    /// <exception cref="ArgumentException">The ends are not finite or not in order.</exception>
    public static ValueScale Sequential(double low, double high) => double.IsFinite(low) && double.IsFinite(high) && low < high
        ? new(low, high, false)
        : throw new ArgumentException($"A scale needs finite ends, the low one first; got {low} and {high}.");

    /// <summary>From -<paramref name="extent"/> over 0 to <paramref name="extent"/>: differences and effects.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The extent is not a positive finite number.</exception>
    public static ValueScale Diverging(double extent) => double.IsFinite(extent) && extent > 0
        ? new(-extent, extent, true)
        : throw new ArgumentOutOfRangeException(nameof(extent), extent, "A scale needs a positive, finite extent.");

    /// <summary>A diverging scale that just covers these numbers, with round ends.</summary>
    /// <param name="values">The numbers; those that are not finite do not count.</param>
    /// <param name="least">The least extent: what is smaller must not look like something.</param>
    internal static ValueScale Covering(IEnumerable<double> values, double least)
    {
        double extent = Math.Max(least, values.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max());
        double unit = Math.Pow(10, Math.Floor(Math.Log10(extent)) - 1);
        return Diverging(Math.Ceiling(extent / unit - 1e-9) * unit);
    }

    internal double Shade(double value) => Math.Clamp(IsDiverging ? Math.Abs(value) / High : (value - Low) / (High - Low), 0, 1);

    internal string Css(double value) => IsDiverging && value < 0 ? "neg" : "pos";

    /// <summary>Draws the shades with the numbers that they stand for.</summary>
    internal void DrawLegend(SvgCanvas canvas, double x, double y)
    {
        const int steps = 24;
        const double width = LegendWidth / steps, height = 10;
        canvas.Rectangle(x, y, LegendWidth, height, "back");
        for (int i = 0; i < steps; i++)
        {
            double value = Low + (High - Low) * (i + 0.5) / steps;
            canvas.Rectangle(x + i * width, y, width + 0.3, height, Css(value), Shade(value));
        }
        canvas.Text(x, y + height + 14, Numbers.Brief(Low), css: "muted");
        canvas.Text(x + LegendWidth / 2, y + height + 14, Numbers.Brief((Low + High) / 2), Anchor.Middle, "muted");
        canvas.Text(x + LegendWidth, y + height + 14, Numbers.Brief(High), Anchor.End, "muted");
    }

    internal const double LegendWidth = 132;

    internal const double LegendHeight = 28;
}
