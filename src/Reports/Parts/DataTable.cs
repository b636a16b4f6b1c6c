using MlNetIcl.Reports.Markup;

namespace MlNetIcl.Reports.Parts;

/// <summary>A column of a <see cref="DataTable"/>.</summary>
/// <param name="Header">The heading.</param>
/// <param name="Numeric">Whether its cells are numbers, which stand right-aligned.</param>
/// <param name="Meaning">What the column holds, shown when the pointer rests on the heading.</param>
public sealed record Column(string Header, bool Numeric = false, string? Meaning = null);

/// <summary>A cell of a <see cref="DataTable"/>.</summary>
/// <param name="Text">What stands there.</param>
/// <param name="Title">More, shown when the pointer rests on it.</param>
/// <param name="Strong">Whether it stands out.</param>
public readonly record struct Cell(string Text, string? Title = null, bool Strong = false)
{
    /// <summary>A cell of plain text.</summary>
    public static implicit operator Cell(string text) => new(text);

    /// <summary>A cell of plain text.</summary>
    public static Cell FromString(string text) => new(text);
}

/// <summary>A table. On a narrow screen it scrolls within its own frame; the first column stays in view.</summary>
public sealed class DataTable : ReportPart
{
    /// <summary>Makes a table.</summary>
    /// <param name="columns">The columns, at least one.</param>
    /// <param name="rows">The rows; each as long as <paramref name="columns"/>.</param>
    /// <exception cref="ArgumentException">There is no column, or a row has another number of cells than there are columns.</exception>
    public DataTable(IReadOnlyList<Column> columns, IReadOnlyList<IReadOnlyList<Cell>> rows)
    {
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentNullException.ThrowIfNull(rows);
        if (columns.Count == 0) throw new ArgumentException("A table needs at least one column.", nameof(columns));
        for (int i = 0; i < rows.Count; i++)
            if (rows[i].Count != columns.Count)
                throw new ArgumentException($"Row {i} has {rows[i].Count} cells, but the table has {columns.Count} columns.", nameof(rows));
        Columns = columns;
        Rows = rows;
    }

    /// <summary>What the table shows, above it. Default: nothing.</summary>
    public string? Caption { get; init; }

    /// <summary>Whether cells that hold sentences break into lines and the table keeps to the width of the page. Default: false, every cell is one line.</summary>
    public bool Wraps { get; init; }

    /// <summary>The columns.</summary>
    public IReadOnlyList<Column> Columns { get; }

    /// <summary>The rows.</summary>
    public IReadOnlyList<IReadOnlyList<Cell>> Rows { get; }

    internal override void WriteHtml(MarkupWriter html)
    {
        // Focusable, so that a keyboard can scroll it too.
        using (html.Element("div", ("class", Wraps ? "scroll wraps" : "scroll tall"), ("tabindex", "0"), ("role", "region"), ("aria-label", Caption ?? "Table")))
        using (html.Element("table"))
        {
            if (Caption is not null)
                using (html.Element("caption"))
                    html.Leaf("span", Caption);
            using (html.Element("thead"))
            using (html.Element("tr"))
                foreach (var column in Columns)
                    html.Leaf("th", column.Header, ("scope", "col"), ("class", column.Numeric ? "num" : null), ("title", column.Meaning));
            using (html.Element("tbody"))
                foreach (var row in Rows)
                    using (html.Element("tr"))
                        for (int i = 0; i < row.Count; i++) WriteCell(html, row[i], i);
        }
    }

    private void WriteCell(MarkupWriter html, Cell cell, int column)
    {
        string css = string.Join(' ', new[] { Columns[column].Numeric ? "num" : "", cell.Strong ? "strong" : "" }.Where(c => c.Length > 0));
        html.Leaf(column == 0 ? "th" : "td", cell.Text, ("scope", column == 0 ? "row" : null), ("class", css.Length > 0 ? css : null), ("title", cell.Title));
    }

    internal override void WriteMarkdown(MarkdownWriter markdown)
    {
        if (Caption is not null) markdown.Strong(Caption);
        markdown.Table([.. Columns.Select(c => (c.Header, c.Numeric))], Rows.Select(r => r.Select(c => c.Text).ToArray()));
    }
}
