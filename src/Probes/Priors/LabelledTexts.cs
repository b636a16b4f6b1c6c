using System.Text;

namespace MlNetIcl.Probes;

/// <summary>Texts with one of a few labels each. Immutable; thread-safe.</summary>
public sealed class LabelledTexts
{
    private const long MostBytes = 1L << 28;
    private const int MostLabels = 100;

    /// <summary>Puts a set together.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="labels">Of each text, the place of its label in <paramref name="labelNames"/>.</param>
    /// <param name="labelNames">The labels, at least two.</param>
    /// <exception cref="ArgumentException">The lists have different lengths, or there are fewer than two labels.</exception>
    public LabelledTexts(IReadOnlyList<string> texts, IReadOnlyList<int> labels, IReadOnlyList<string> labelNames)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(labelNames);
        if (texts.Count != labels.Count) throw new ArgumentException($"Expected a label for each of {texts.Count} texts, got {labels.Count}.", nameof(labels));
        if (labelNames.Count < 2) throw new ArgumentException($"Expected at least two labels, got {labelNames.Count}.", nameof(labelNames));
        if (labels.Any(l => (uint)l >= (uint)labelNames.Count)) throw new ArgumentException($"Expected labels from 0 to {labelNames.Count - 1}.", nameof(labels));
        (Texts, Labels, LabelNames) = ([.. texts], [.. labels], [.. labelNames]);
    }

    /// <summary>The texts.</summary>
    public IReadOnlyList<string> Texts { get; }

    /// <summary>Of each text, the place of its label in <see cref="LabelNames"/>.</summary>
    public IReadOnlyList<int> Labels { get; }

    /// <summary>The labels as the file spells them, in ordinal order.</summary>
    public IReadOnlyList<string> LabelNames { get; }

    /// <summary>
    /// Reads a table with a header, in UTF-8: separated by tabs where the header has one (then quotes are text), else by commas (then cells may be
    /// quoted as in RFC 4180). Rows with an empty text are left out.
    /// </summary>
    /// <param name="path">The file, at most 256 MB.</param>
    /// <param name="textColumn">The column of texts. Default (null): the first.</param>
    /// <param name="labelColumn">The column of labels. Default (null): the last.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is too long or damaged, lacks a column, or has fewer than 2 or more than 100 different labels.</exception>
    public static LabelledTexts Read(string path, string? textColumn = null, string? labelColumn = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        var file = new FileInfo(path);
        if (!file.Exists) throw new FileNotFoundException($"There is no table of texts '{path}'.", path);
        if (file.Length > MostBytes) throw new InvalidDataException($"'{path}' has {file.Length:N0} bytes; at most {MostBytes:N0} are read.");
        var rows = Rows(File.ReadAllText(path, Encoding.UTF8).TrimStart('\uFEFF'), path);
        if (rows.Count < 2) throw new InvalidDataException($"'{path}' has no row below its header.");
        string[] header = rows[0];
        int text = Column(textColumn, 0), label = Column(labelColumn, header.Length - 1);
        if (text == label) throw new InvalidDataException($"'{path}': column '{header[text]}' cannot be both text and label.");
        var kept = new List<string[]>();
        for (int i = 1; i < rows.Count; i++)
        {
            if (rows[i].Length != header.Length) throw new InvalidDataException($"'{path}', row {i + 1}: expected {header.Length} cells, got {rows[i].Length}.");
            if (rows[i][text].Trim().Length > 0) kept.Add(rows[i]);
        }
        string[] names = [.. kept.Select(r => r[label].Trim()).Distinct().Order(StringComparer.Ordinal)];
        if (names.Length is < 2 or > MostLabels) throw new InvalidDataException($"'{path}': expected 2 to {MostLabels} different labels in column '{header[label]}', got {names.Length}.");
        return new LabelledTexts([.. kept.Select(r => r[text].Trim())], [.. kept.Select(r => Array.IndexOf(names, r[label].Trim()))], names);

        int Column(string? name, int otherwise)
        {
            if (name is null) return otherwise;
            int at = Array.IndexOf(header, name);
            return at >= 0 ? at : throw new InvalidDataException($"'{path}' has no column '{name}'; it has {string.Join(", ", header)}.");
        }
    }

    private static List<string[]> Rows(string content, string path)
    {
        int end = content.IndexOf('\n', StringComparison.Ordinal);
        if ((end < 0 ? content : content[..end]).Contains('\t', StringComparison.Ordinal))
            return [.. content.Split('\n').Select(line => line.TrimEnd('\r')).Where(line => line.Length > 0).Select(line => line.Split('\t'))];
        var rows = new List<string[]>();
        var cells = new List<string>();
        var cell = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < content.Length; i++)
        {
            char c = content[i];
            if (quoted)
            {
                if (c != '"') cell.Append(c);
                else if (i + 1 < content.Length && content[i + 1] == '"') cell.Append(content[i++]);
                else quoted = false;
            }
            else if (c == '"' && cell.Length == 0) quoted = true;
            else if (c == ',') EndCell();
            else if (c == '\n') EndRow();
            else if (c != '\r') cell.Append(c);
        }
        if (quoted) throw new InvalidDataException($"'{path}': a quoted cell does not end.");
        EndRow();
        return rows;

        void EndCell()
        {
            cells.Add(cell.ToString());
            cell.Clear();
        }

        void EndRow()
        {
            if (cells.Count == 0 && cell.Length == 0) return; // an empty line
            EndCell();
            rows.Add([.. cells]);
            cells.Clear();
        }
    }
}
