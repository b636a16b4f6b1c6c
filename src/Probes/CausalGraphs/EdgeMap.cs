namespace MlNetIcl.Probes;

/// <summary>
/// How much positions attend to positions, [query, key], as evidence for edges from key to query: a row is a distribution over itself and what is
/// before it, or the largest of several. Immutable; thread-safe.
/// </summary>
public sealed class EdgeMap
{
    private readonly double[][] _rows;

    /// <summary>Takes attention over.</summary>
    /// <param name="rows">Of each query, the attention to each key at or before it. Copied.</param>
    /// <exception cref="ArgumentException">A row has not as many entries as it can see positions, or one that is no number in [0, 1].</exception>
    public EdgeMap(IEnumerable<IReadOnlyList<double>> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        _rows = [.. rows.Select(row => row.ToArray())];
        for (int query = 0; query < _rows.Length; query++)
        {
            if (_rows[query].Length != query + 1) throw new ArgumentException(FormattableString.Invariant($"Expected {query + 1} entries in row {query}, got {_rows[query].Length}."), nameof(rows));
            foreach (double entry in _rows[query])
                if (!(entry is >= 0 and <= 1 + 1e-6)) throw new ArgumentException(FormattableString.Invariant($"Expected attention in [0, 1], got {entry} in row {query}."), nameof(rows));
        }
    }

    /// <summary>Number of positions.</summary>
    public int Length => _rows.Length;

    /// <summary>Of each query, the attention to each key up to itself.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Rows => _rows;

    /// <summary>The attention of a query to a key at or before it.</summary>
    public double this[int query, int key] => _rows[query][key];

    /// <summary>The largest entries of several maps.</summary>
    /// <exception cref="ArgumentException">There is none, or their lengths differ.</exception>
    public static EdgeMap Largest(IReadOnlyList<EdgeMap> maps)
    {
        ArgumentNullException.ThrowIfNull(maps);
        if (maps.Count == 0 || maps.Any(m => m.Length != maps[0].Length)) throw new ArgumentException("Expected maps of one length, at least one.", nameof(maps));
        return new(Enumerable.Range(0, maps[0].Length).Select(query => Enumerable.Range(0, query + 1).Select(key => maps.Max(m => m[query, key])).ToArray()));
    }

    /// <summary>The key that a query attends to most, itself among them; the earliest of equals.</summary>
    public int LargestKey(int query) => Array.IndexOf(_rows[query], _rows[query].Max());

    /// <summary>The likeliest parent of a query: the key before it that it attends to most; the earliest of equals.</summary>
    /// <param name="query">From 1: the first position has nothing before it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The map has no such position, or nothing is before it.</exception>
    public int LargestParent(int query)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(query, Length);
        return Array.IndexOf(_rows[query], _rows[query].AsSpan(0, query).ToArray().Max());
    }

    /// <summary>The graph of all edges with at least so much attention; a position without one is a root.</summary>
    /// <param name="threshold">The least attention, in (0, 1].</param>
    /// <param name="last">The last position that may have parents. Default (null): the last.</param>
    public CausalGraph Graph(double threshold, int? last = null) => new(Enumerable.Range(0, Length).Select(query =>
        (IReadOnlyList<int>)[.. Enumerable.Range(0, query <= (last ?? Length) ? query : 0).Where(key => _rows[query][key] >= threshold)]));
}
