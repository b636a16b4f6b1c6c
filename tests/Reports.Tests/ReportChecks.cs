using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace MlNetIcl.Reports.Tests;

/// <summary>What holds for the report and the JSON of any result.</summary>
internal static class ReportChecks
{
    private static readonly XNamespace Html = "http://www.w3.org/1999/xhtml";

    /// <summary>The page is well-formed, loads and runs nothing, and every table has cells for all columns.</summary>
    public static XDocument AssertSelfContained(Report report)
    {
        string html = report.ToHtml();
        var page = XDocument.Parse(html);
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName is "script" or "link" or "iframe" or "img" or "image" or "use" or "object" or "form");
        Assert.DoesNotContain(page.Descendants().Attributes(), a => a.Name.LocalName is "src" or "href" || a.Name.LocalName.StartsWith("on", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("url(", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("@import", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("NaN", page.Root!.Value, StringComparison.Ordinal);
        Assert.DoesNotContain("∞", page.Root.Value, StringComparison.Ordinal);
        foreach (var table in page.Descendants(Html + "table"))
        {
            int columns = table.Element(Html + "thead")!.Element(Html + "tr")!.Elements().Count();
            Assert.All(table.Element(Html + "tbody")!.Elements(), row => Assert.Equal(columns, row.Elements().Count()));
            Assert.NotEmpty(table.Element(Html + "tbody")!.Elements());
        }
        Assert.All(page.Descendants().Where(e => e.Name.LocalName == "svg").Descendants().Attributes(),
            a => Assert.False(a.Value.Contains("NaN", StringComparison.Ordinal) || a.Value.Contains('∞', StringComparison.Ordinal), $"{a.Name} is {a.Value}"));
        return page;
    }

    /// <summary>ASCII, one object, ending in one line feed.</summary>
    public static JsonObject AssertJson(string text)
    {
        Assert.All(text, c => Assert.True(c is '\n' or (>= ' ' and <= '~'), $"U+{(int)c:X4}"));
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>Every finite number of a result stands in its JSON as it is.</summary>
    /// <param name="json">The JSON.</param>
    /// <param name="result">The result.</param>
    /// <param name="but">Paths, or ends of paths, of numbers that need not.</param>
    public static void AssertHolds(JsonNode json, object result, params string[] but)
    {
        var written = NumbersOf(json).ToHashSet();
        Assert.DoesNotContain(NumbersOf(result, ""), n => !written.Contains(n.Value) && !but.Any(end => IsAt(n.Path, end)));
    }

    /// <summary>Every finite number of a result is shown on its page, in one of the ways in which numbers are shown.</summary>
    /// <inheritdoc cref="AssertHolds"/>
    public static void AssertShows(XDocument page, object result, params string[] but)
    {
        string text = string.Join('\n', page.Descendants().Where(e => e.Name.LocalName is not ("style" or "svg")).SelectMany(e => e.Nodes().OfType<XText>()).Select(t => t.Value));
        bool Shown(double value) => new[] { Numbers.Score(value), Numbers.Brief(value), Numbers.Probability(value), value.ToString("0.0000", CultureInfo.InvariantCulture), value == Math.Round(value) ? Numbers.Count((long)value) : Numbers.Brief(value) }
            .Any(shown => text.Contains(shown, StringComparison.Ordinal));
        Assert.DoesNotContain(NumbersOf(result, ""), n => !Shown(n.Value) && !but.Any(end => IsAt(n.Path, end)));
    }

    /// <summary>The cells of a table's body.</summary>
    public static string[][] Rows(XDocument page, Func<XElement, bool> table) =>
        [.. page.Descendants(Html + "table").First(table).Element(Html + "tbody")!.Elements().Select(row => row.Elements().Select(c => c.Value).ToArray())];

    /// <summary>Whether a table's headings begin so.</summary>
    public static Func<XElement, bool> Headed(params string[] headings) => table => table.Element(Html + "thead")!.Descendants(Html + "th").Select(h => h.Value).Take(headings.Length).SequenceEqual(headings);

    private static bool IsAt(string path, string end) => path.EndsWith(end, StringComparison.Ordinal) || path.Contains(end + ".", StringComparison.Ordinal) || path.Contains(end + "[", StringComparison.Ordinal);

    private static IEnumerable<double> NumbersOf(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(p => NumbersOf(p.Value)),
        JsonArray a => a.SelectMany(NumbersOf),
        JsonValue v when v.GetValueKind() == JsonValueKind.Number => [v.GetValue<double>()],
        _ => [],
    };

    private static IEnumerable<(string Path, double Value)> NumbersOf(object? value, string path) => value switch
    {
        null or string or bool or Enum or TimeSpan => [],
        double or float or int or long => Convert.ToDouble(value, CultureInfo.InvariantCulture) is var number && double.IsFinite(number) ? [(path, number)] : [],
        ITuple tuple => Enumerable.Range(0, tuple.Length).SelectMany(i => NumbersOf(tuple[i], $"{path}[{i}]")),
        IEnumerable items => items.Cast<object?>().SelectMany((item, i) => NumbersOf(item, $"{path}[{i}]")),
        _ => value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetIndexParameters().Length == 0).SelectMany(p => NumbersOf(p.GetValue(value), $"{path}.{p.Name}")),
    };
}

/// <summary>Numbers of which no two are the same, to three decimals, so that one that is left out cannot hide behind another.</summary>
internal sealed class DifferentNumbers
{
    private int _next;

    public double Next() => 0.101 + (0.001 * _next++);

    public Probes.Estimate Estimate() => new(Next(), new(Next(), Next()));
}
