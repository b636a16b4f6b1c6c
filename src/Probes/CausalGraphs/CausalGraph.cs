using static System.FormattableString;

namespace MlNetIcl.Probes;

/// <summary>An edge of a causal graph over positions, from the position that decides to the one that is decided.</summary>
/// <param name="Parent">The earlier position, from 0.</param>
/// <param name="Child">The later position.</param>
public readonly record struct CausalEdge(int Parent, int Child)
{
    /// <summary>The edge as <c>X3-&gt;X7</c>.</summary>
    public override string ToString() => Invariant($"X{Parent}->X{Child}");
}

/// <summary>
/// Which positions of a sequence decide which (Nichani, Damian &amp; Lee 2024, section 2): each position has its parents, all of them earlier;
/// one without is a root. Immutable; thread-safe.
/// </summary>
public sealed class CausalGraph
{
    private readonly int[][] _parents;

    /// <summary>Makes a graph.</summary>
    /// <param name="parents">The parents of each position.</param>
    /// <exception cref="ArgumentException">There is no position, or a parent is not earlier than its child or named twice.</exception>
    public CausalGraph(IEnumerable<IReadOnlyList<int>> parents)
    {
        ArgumentNullException.ThrowIfNull(parents);
        _parents = [.. parents.Select(p => p.Order().ToArray())];
        if (_parents.Length == 0) throw new ArgumentException("A causal graph needs at least one position, got none.", nameof(parents));
        for (int child = 0; child < _parents.Length; child++)
            for (int i = 0; i < _parents[child].Length; i++)
                if (_parents[child][i] is var parent && (parent < 0 || parent >= child || (i > 0 && parent == _parents[child][i - 1])))
                    throw new ArgumentException(Invariant($"Expected different parents of position {child} from 0 to {child - 1}, got {string.Join(", ", _parents[child])}."), nameof(parents));
    }

    /// <summary>Number of positions.</summary>
    public int Length => _parents.Length;

    /// <summary>The parents of each position, ascending; none for a root.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Parents => _parents;

    /// <summary>All edges, by child and then by parent.</summary>
    public IEnumerable<CausalEdge> Edges => _parents.SelectMany((parents, child) => parents.Select(parent => new CausalEdge(parent, child)));

    /// <summary>Most parents of a position.</summary>
    public int MostParents => _parents.Max(p => p.Length);

    /// <summary>Whether an edge is one of the graph's.</summary>
    public bool Has(CausalEdge edge) => edge.Child >= 0 && edge.Child < Length && _parents[edge.Child].Contains(edge.Parent);

    /// <summary>Each position with a parent, the one before it.</summary>
    /// <param name="length">Number of positions, at least 1.</param>
    public static CausalGraph Chain(int length) => Single(length, i => i - 1);

    /// <summary>The binary tree: the parent of i is (i - 1) / 2, rounded down.</summary>
    /// <param name="length">Number of positions, at least 1.</param>
    public static CausalGraph Tree(int length) => Single(length, i => i == 0 ? -1 : (i - 1) / 2);

    /// <summary>Pairs: each odd position follows the one before it, each even one is a root, as an induction head wants it.</summary>
    /// <param name="length">Number of positions, at least 1.</param>
    public static CausalGraph Pairs(int length) => Single(length, i => i % 2 == 1 ? i - 1 : -1);

    /// <summary>A random tree or forest: the parent of i is uniform among none and the i earlier positions.</summary>
    /// <param name="length">Number of positions, at least 1.</param>
    /// <param name="seed">Decides the graph.</param>
    public static CausalGraph Random(int length, int seed)
    {
        var random = new SeededRandom(seed, RandomStream.CausalGraph);
        return Single(length, i => random.Next(i + 1) - 1);
    }

    /// <summary>Several parents: of position i from <paramref name="parents"/> on, (i - 1) j / parents rounded down for j = 1 to parents; earlier ones are roots.</summary>
    /// <param name="length">Number of positions, at least 1.</param>
    /// <param name="parents">Parents of a position, at least 1.</param>
    public static CausalGraph SeveralParents(int length, int parents)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(parents, 1);
        return new(Enumerable.Range(0, length).Select(i => (IReadOnlyList<int>)(i < parents ? [] : [.. Enumerable.Range(1, parents).Select(j => (i - 1) * j / parents)])));
    }

    private static CausalGraph Single(int length, Func<int, int> parentOf)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        return new(Enumerable.Range(0, length).Select(i => (IReadOnlyList<int>)(parentOf(i) is >= 0 and var parent ? [parent] : [])).ToArray());
    }
}
