using System.Globalization;
using MlNetIcl.Reports.Markup;

namespace MlNetIcl.Reports.Figures;

/// <summary>The few shapes that figures are drawn with. Coordinates in pixels at natural size; classes are those of figure.css.</summary>
internal sealed class SvgCanvas(MarkupWriter markup)
{
    public const double FontSize = 12;

    public void Rectangle(double x, double y, double width, double height, string css, double? opacity = null, string? title = null)
    {
        ReadOnlySpan<(string, string?)> attributes =
            [("x", Px(x)), ("y", Px(y)), ("width", Px(width)), ("height", Px(height)), ("class", css), ("fill-opacity", opacity is { } o ? Px(o) : null)];
        if (title is null) markup.Empty("rect", attributes);
        else
            using (markup.Element("rect", attributes)) markup.Leaf("title", title);
    }

    public void Circle(double x, double y, double radius, string css, string? title = null)
    {
        using (markup.Element("circle", ("cx", Px(x)), ("cy", Px(y)), ("r", Px(radius)), ("class", css)))
            if (title is not null) markup.Leaf("title", title);
    }

    public void Line(double x1, double y1, double x2, double y2, string css, string? dashes = null) =>
        markup.Empty("line", ("x1", Px(x1)), ("y1", Px(y1)), ("x2", Px(x2)), ("y2", Px(y2)), ("class", css), ("stroke-dasharray", dashes));

    public void Polyline(IEnumerable<(double X, double Y)> points, string css, string? dashes = null) =>
        markup.Empty("polyline", ("points", Points(points)), ("class", css), ("stroke-dasharray", dashes));

    public void Polygon(IEnumerable<(double X, double Y)> points, string css) =>
        markup.Empty("polygon", ("points", Points(points)), ("class", css));

    /// <summary>A line through points from bottom to top that leaves and meets each of them upright.</summary>
    public void Curve(IReadOnlyList<(double X, double Y)> points, string css, double width, string title)
    {
        string path = $"M{Px(points[0].X)} {Px(points[0].Y)}" + string.Concat(points.Zip(points.Skip(1), (from, to) =>
        {
            double middle = (from.Y + to.Y) / 2;
            return $"C{Px(from.X)} {Px(middle)} {Px(to.X)} {Px(middle)} {Px(to.X)} {Px(to.Y)}";
        }));
        using (markup.Element("path", ("d", path), ("class", css), ("stroke-width", Px(width)))) markup.Leaf("title", title);
    }

    /// <summary>An arc from one point to another at the same height, by way of a top above or below them, with a head at its end.</summary>
    public void Arc(double from, double to, double y, double top, string css, double width, string? dashes, string title)
    {
        double control = y + ((top - y) * 4 / 3), tip = Math.Sign(top - y) * (4 + width);
        using (markup.Element("path", ("d", $"M{Px(from)} {Px(y)}C{Px(from)} {Px(control)} {Px(to)} {Px(control)} {Px(to)} {Px(y)}"), ("class", css), ("stroke-width", Px(width)), ("stroke-dasharray", dashes)))
            markup.Leaf("title", title);
        Polyline([(to - 3 - (width / 2), y + tip), (to, y), (to + 3 + (width / 2), y + tip)], css);
    }

    /// <summary>Text with its baseline at y. <paramref name="turn"/>: degrees clockwise about its anchor.</summary>
    public void Text(double x, double y, string text, Anchor anchor = Anchor.Start, string? css = null, double turn = 0, double? size = null, string? title = null)
    {
        string? transform = turn == 0 ? null : $"rotate({Px(turn)} {Px(x)} {Px(y)})";
        string? name = anchor switch { Anchor.Middle => "middle", Anchor.End => "end", _ => null };
        using (markup.Element("text", ("x", Px(x)), ("y", Px(y)), ("text-anchor", name), ("class", css), ("transform", transform), ("font-size", size is { } s ? Px(s) : null)))
        {
            if (title is not null) markup.Leaf("title", title);
            markup.Text(text);
        }
    }

    /// <summary>About how wide a text is: no font is at hand, so a generous average, with full-width characters counted as such.</summary>
    public static double Width(string text, double size = FontSize) =>
        text.EnumerateRunes().Sum(r => r.Value >= 0x1100 ? 1.05 : 0.62) * size;

    private static string Points(IEnumerable<(double X, double Y)> points) => string.Join(' ', points.Select(p => $"{Px(p.X)},{Px(p.Y)}"));

    private static string Px(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}

/// <summary>Which part of a text stands at its coordinates.</summary>
internal enum Anchor
{
    Start,
    Middle,
    End,
}
