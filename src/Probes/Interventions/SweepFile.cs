using System.Globalization;
using System.Text;

namespace MlNetIcl.Probes;

/// <summary>
/// The results file of a sweep, or of work that consists of several: a line that says which work it is, then one line per finished
/// stack, in their order: its number and its values, written so that they read back exactly.
/// </summary>
internal sealed class SweepFile : IDisposable
{
    private const int LongestNumber = 26; // a space, sign, 17 digits, point and exponent

    private readonly string _path;
    private readonly FileStream _file;
    private readonly List<double[]> _lines = [];
    private int _taken;

    /// <param name="path">The file; made where there is none.</param>
    /// <param name="identity">Its first line.</param>
    /// <param name="mostNumbers">The most numbers that its other lines can hold, those of the lines included.</param>
    /// <exception cref="InvalidDataException">The file is another sweep's, or damaged.</exception>
    /// <exception cref="IOException">The file cannot be read or written, or another sweep writes to it.</exception>
    public SweepFile(string path, string identity, long mostNumbers)
    {
        byte[] head = Encoding.UTF8.GetBytes(identity + "\n");
        _path = path;
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            long most = head.Length + (LongestNumber * mostNumbers);
            byte[] content = new byte[Math.Min(most, _file.Length)];
            _file.ReadExactly(content);
            if (!content.AsSpan().StartsWith(head) && !head.AsSpan().StartsWith(content)) throw Foreign(path, identity, content);
            if (_file.Length > most) throw new InvalidDataException($"'{path}' is longer than the results of this sweep can be: {_file.Length} bytes, expected at most {most}. Delete it, or name another file.");
            long end = content.Length < head.Length ? 0 : Read(content, head.Length);
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

    /// <summary>The numbers in the lines of stacks.</summary>
    /// <param name="sizes">How many values each stack has.</param>
    public static long NumbersOf(IEnumerable<int> sizes) => sizes.Sum(size => size + 1L);

    /// <summary>Of the stacks that come next, those that are done already.</summary>
    /// <param name="sizes">How many values each of them has.</param>
    /// <exception cref="InvalidDataException">The file holds other numbers of values.</exception>
    public double[][] Take(IReadOnlyList<int> sizes)
    {
        double[][] values = [.. _lines.Skip(_taken).Take(sizes.Count)];
        for (int i = 0; i < values.Length; i++)
            if (values[i].Length != sizes[i]) throw Damaged(_taken + i);
        _taken += values.Length;
        return values;
    }

    /// <summary>Adds the next stack, once all that the file held are taken.</summary>
    public void Append(IEnumerable<double> values)
    {
        if (_taken < _lines.Count) throw Damaged(_taken);
        _lines.Add([.. values]);
        Write(Encoding.ASCII.GetBytes(Line(_taken, _lines[_taken])));
        _taken++;
    }

    /// <summary>Says that no stack comes any more.</summary>
    /// <exception cref="InvalidDataException">The file holds more.</exception>
    public void End()
    {
        if (_taken < _lines.Count) throw Damaged(_taken);
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
    private int Read(byte[] content, int at)
    {
        while (content.AsSpan(at).IndexOf((byte)'\n') is >= 0 and var length)
        {
            int stack = _lines.Count;
            string[] fields = Encoding.ASCII.GetString(content, at, length).Split(' ');
            double[] values = [.. fields.Skip(1).Select(field => double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : throw Damaged(stack))];
            if (values.Length == 0 || fields[0] != stack.ToString(CultureInfo.InvariantCulture)) throw Damaged(stack);
            _lines.Add(values);
            at += length + 1;
        }
        return at;
    }

    private InvalidDataException Damaged(int stack) =>
        new($"'{_path}', line {stack + 2}: expected the number {stack} of a stack and its values. The file is damaged; delete it, or name another.");

    private static InvalidDataException Foreign(string path, string identity, byte[] content)
    {
        int end = content.AsSpan().IndexOf((byte)'\n');
        string first = Encoding.UTF8.GetString(content, 0, end < 0 ? content.Length : end);
        return new($"'{path}' holds {SweepIdentity.Difference(identity, first)}, so it cannot go on from there. Repeat the command that wrote it, or name another file; it was left as it is.");
    }
}
