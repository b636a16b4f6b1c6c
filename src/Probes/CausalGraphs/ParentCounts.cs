namespace MlNetIcl.Probes;

/// <summary>
/// What follows what in one row, by attention: a position counts for a parent's value as far as it attends to that parent. Used again for row after row; not
/// thread-safe.
/// </summary>
internal sealed class ParentCounts(int length, int vocabulary)
{
    private readonly double[] _sent = new double[length * vocabulary]; // [pos, value]: how far the position's parent has the value
    private readonly double[] _counts = new double[vocabulary * vocabulary], _totals = new double[vocabulary], _tokens = new double[vocabulary]; // [value of the parent, value], …
    private readonly double[] _followed = new double[length], _children = new double[length]; // of a position as a parent: children of its own value, and all

    /// <summary>Counts a row.</summary>
    public void Count(double[][] attention, ReadOnlySpan<int> row)
    {
        foreach (double[] count in new[] { _sent, _counts, _totals, _tokens, _followed, _children }) Array.Clear(count);
        for (int child = 0; child < length; child++)
        {
            _tokens[row[child]]++;
            for (int parent = 0; parent < child; parent++)
            {
                double share = attention[child][parent];
                _sent[(child * vocabulary) + row[parent]] += share;
                _counts[(row[parent] * vocabulary) + row[child]] += share;
                _totals[row[parent]] += share;
                _children[parent] += share;
                if (row[parent] == row[child]) _followed[parent] += share;
            }
        }
    }

    /// <summary>How often the parent's value was followed by the child's, and by any, the child itself left out as child and as parent.</summary>
    public (double Count, double Total) Of(ReadOnlySpan<int> row, int child, int parent)
    {
        int given = row[parent], value = row[child];
        double own = _sent[(child * vocabulary) + given];
        double count = _counts[(given * vocabulary) + value] - own, total = _totals[given] - own;
        if (given == value) (count, total) = (count - _followed[child], total - _children[child]);
        return (Math.Max(0, count), Math.Max(0, total));
    }

    /// <summary>How often the row has a value at other positions than one that has it.</summary>
    public double Elsewhere(int value) => _tokens[value] - 1;
}
