using System.Globalization;
using System.Text;

namespace MlNetIcl.Probes;

/// <summary>
/// The results file of a sweep: a line that says which sweep it is, then one line per finished stack, in their order: its number and
/// its values, written so that they read back exactly.
/// </summary>
internal sealed class SweepFile : IDisposable
{
    private const int LongestNumber = 26; // a space, sign, 17 digits, point and exponent

    private readonly FileStream _file;
    private readonly List<double[]> _finished = [];

    /// <param name="path">The file; made where there is none.</param>
    /// <param name="identity">Its first line.</param>
    /// <param name="sizes">How many values each stack has.</param>
    /// <exception cref="InvalidDataException">The file is another sweep's, or damaged.</exception>
    /// <exception cref="IOException">The file cannot be read or written, or another sweep writes to it.</exception>
    public SweepFile(string path, string identity, IReadOnlyList<int> sizes)
    {
        byte[] head = Encoding.UTF8.GetBytes(identity + "\n");
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            long most = head.Length + sizes.Sum(size => LongestNumber * (size + 1L));
            byte[] content = new byte[Math.Min(most, _file.Length)];
            _file.ReadExactly(content);
            if (!content.AsSpan().StartsWith(head) && !head.AsSpan().StartsWith(content)) throw Foreign(path, identity, content);
            if (_file.Length > most) throw new InvalidDataException($"'{path}' is longer than the results of this sweep can be: {_file.Length} bytes, expected at most {most}. Delete it, or name another file.");
            long end = content.Length < head.Length ? 0 : Read(path, content, head.Length, sizes);
            _file.SetLength(end); // a torn line goes
            _file.Position = end;
            if (end == 0) Write(head);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The values of the stacks that are done.</summary>
    public IReadOnlyList<double[]> Finished => _finished;

    /// <summary>Adds the next stack.</summary>
    public void Append(IEnumerable<double> values)
    {
        _finished.Add([.. values]);
        Write(Encoding.ASCII.GetBytes(Line(_finished.Count - 1, _finished[^1])));
    }

    public void Dispose() => _file.Dispose();

    private void Write(byte[] bytes)
    {
        _file.Write(bytes);
        _file.Flush();
    }

    private static string Line(int stack, double[] values) =>
        string.Create(CultureInfo.InvariantCulture, $"{stack} ") + string.Join(' ', values.Select(v => v.ToString("R", CultureInfo.InvariantCulture))) + "\n";

    /// <summary>Reads what is complete; returns where it ends.</summary>
    private int Read(string path, byte[] content, int at, IReadOnlyList<int> sizes)
    {
        while (content.AsSpan(at).IndexOf((byte)'\n') is >= 0 and var length)
        {
            int stack = _finished.Count;
            string[] fields = Encoding.ASCII.GetString(content, at, length).Split(' ');
            double[] values = [.. fields.Skip(1).Select(field => double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : throw Damaged())];
            if (stack >= sizes.Count || values.Length != sizes[stack] || fields[0] != stack.ToString(CultureInfo.InvariantCulture)) throw Damaged();
            _finished.Add(values);
            at += length + 1;

            InvalidDataException Damaged() => new($"'{path}', line {stack + 2}: expected the number {stack} of a stack and its values. The file is damaged; delete it, or name another.");
        }
        return at;
    }

    private static InvalidDataException Foreign(string path, string identity, byte[] content)
    {
        int end = content.AsSpan().IndexOf((byte)'\n');
        string first = Encoding.UTF8.GetString(content, 0, end < 0 ? content.Length : end);
        return new($"'{path}' holds {SweepIdentity.Difference(identity, first)}, so this sweep cannot go on from it. Repeat the sweep that wrote it, or name another file; it was left as it is.");
    }
}
