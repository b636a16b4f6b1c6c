using Spectre.Console;
using Spectre.Console.Rendering;

namespace MlNetIcl.Cli.Hosting;

/// <summary>Tables that read the same on a terminal and in a pipe: columns by spaces, no borders, no markup taken from data.</summary>
internal static class Terminal
{
    /// <summary>A console on one of the host's writers.</summary>
    /// <param name="host">The host.</param>
    /// <param name="writer">Its output or its error.</param>
    /// <param name="styled">Whether escape sequences may be written there.</param>
    public static IAnsiConsole Create(CliHost host, TextWriter writer, bool styled)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = styled ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = styled && !host.NoColor ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = styled ? InteractionSupport.Yes : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = host.Width;
        return console;
    }

    /// <summary>Writes a paragraph, broken between words; its further lines start with <paramref name="indent"/> spaces.</summary>
    public static void WriteText(TextWriter writer, int width, string text, int indent = 0)
    {
        string line = "";
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                writer.WriteLine(line);
                line = new string(' ', indent) + word;
                continue;
            }
            line += line.Length == 0 ? word : $" {word}";
        }
        writer.WriteLine(line);
    }

    /// <summary>Writes names and values below each other; long values go on below themselves.</summary>
    public static void WriteFacts(CliHost host, IEnumerable<(string Name, string Value)> facts)
    {
        var all = facts.ToArray();
        int column = all.Max(f => f.Name.Length) + 2;
        foreach (var (name, value) in all) WriteText(host.Output, host.Width, $"{name.PadRight(column)}{value}", column);
    }

    /// <summary>Writes a table to the results.</summary>
    /// <param name="host">Where to.</param>
    /// <param name="columns">Headings, and whether the column holds numbers, which stand right-aligned.</param>
    /// <param name="rows">Cells, as plain text; a row that stands out is bold.</param>
    public static void WriteTable(CliHost host, IReadOnlyList<(string Header, bool Numeric)> columns, IEnumerable<(IReadOnlyList<string> Cells, bool Strong)> rows)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        foreach (var (header, numeric) in columns)
            table.AddColumn(new TableColumn(new Text(header, new Style(decoration: Decoration.Dim)))
            {
                Alignment = numeric ? Justify.Right : Justify.Left,
                Padding = new Padding(0, 0, 2, 0),
                NoWrap = numeric,
            });
        foreach (var (cells, strong) in rows)
            table.AddRow(cells.Select(c => (IRenderable)new Text(c, strong ? new Style(decoration: Decoration.Bold) : Style.Plain)));
        Create(host, host.Output, host.StylesOutput).Write(table);
    }
}
