namespace MlNetIcl.Probes;

/// <summary>How well attention shows a known graph. What has no value, as precision without a found edge, is NaN. Immutable.</summary>
public sealed record CausalGraphMetrics
{
    /// <summary>Mean attention of children to their parents, over edges (Nichani, Damian &amp; Lee 2024, section 6), in [0, 1].</summary>
    public required double EdgeAttention { get; init; }

    /// <summary>Positions with parents of whose earlier positions, which alone can be parents, the heads attend most to exactly these.</summary>
    public required int ArgmaxRight { get; init; }

    /// <summary>The same with the position itself among those that a head can attend to most: at most <see cref="ArgmaxRight"/>.</summary>
    public required int ArgmaxRightWithSelf { get; init; }

    /// <summary>What <see cref="ArgmaxRight"/> would be on average if each head chose one of the earlier positions at random.</summary>
    public required double ArgmaxByChance { get; init; }

    /// <summary>Positions with parents.</summary>
    public required int Children { get; init; }

    /// <summary>Whether <see cref="ArgmaxRight"/> counts every position with parents.</summary>
    public bool AllArgmaxRight => ArgmaxRight == Children;

    /// <summary>Structural Hamming distance: edges of one of the two graphs alone, missing and added ones.</summary>
    public required int StructuralHammingDistance { get; init; }

    /// <summary>Right ones among the edges found, in [0, 1].</summary>
    public required double Precision { get; init; }

    /// <summary>Found ones among the graph's edges, in [0, 1].</summary>
    public required double Recall { get; init; }

    /// <summary>Chance that an edge has more attention than a pair without one, equals counting half, in [0, 1].</summary>
    public required double Auroc { get; init; }

    /// <summary>Measures.</summary>
    /// <param name="graph">The true graph.</param>
    /// <param name="heads">The attention of each head, of the graph's length. Of several, an edge has the largest.</param>
    /// <param name="last">The last position whose parents count; from 1.</param>
    /// <param name="threshold">The least attention of a found edge.</param>
    /// <exception cref="ArgumentException">Lengths differ, or there is no head.</exception>
    public static CausalGraphMetrics Of(CausalGraph graph, IReadOnlyList<EdgeMap> heads, int last, double threshold = 0.5)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(heads);
        var map = EdgeMap.Largest(heads);
        if (map.Length != graph.Length) throw new ArgumentException($"Expected attention over {graph.Length} positions, as the graph has, got {map.Length}.", nameof(heads));
        CausalEdge[] edges = [.. graph.Edges.Where(e => e.Child <= last)];
        var found = map.Graph(threshold, last);
        int foundCount = found.Edges.Count(), right = edges.Count(found.Has);
        int[] children = [.. edges.Select(e => e.Child).Distinct()];
        return new()
        {
            EdgeAttention = edges.Length == 0 ? double.NaN : edges.Average(e => map[e.Child, e.Parent]),
            ArgmaxRight = children.Count(child => heads.Select(h => h.LargestParent(child)).ToHashSet().SetEquals(graph.Parents[child])),
            ArgmaxRightWithSelf = children.Count(child => heads.Select(h => h.LargestKey(child)).ToHashSet().SetEquals(graph.Parents[child])),
            ArgmaxByChance = children.Sum(child => Surjections(heads.Count, graph.Parents[child].Count) / Math.Pow(child, heads.Count)),
            Children = children.Length,
            StructuralHammingDistance = edges.Length + foundCount - (2 * right),
            Precision = foundCount == 0 ? double.NaN : (double)right / foundCount,
            Recall = edges.Length == 0 ? double.NaN : (double)right / edges.Length,
            Auroc = AreaUnderCurve(graph, map, last),
        };
    }

    /// <summary>In how many ways heads can choose among parents so that each is chosen: by inclusion and exclusion.</summary>
    private static double Surjections(int heads, int parents)
    {
        double ways = 0, choices = 1; // (-1)^k times the number of ways to leave k parents out
        for (int left = 0; left <= parents; choices *= -(double)(parents - left) / ++left) ways += choices * Math.Pow(parents - left, heads);
        return ways;
    }

    private static double AreaUnderCurve(CausalGraph graph, EdgeMap map, int last)
    {
        var pairs = Enumerable.Range(1, last).SelectMany(child => Enumerable.Range(0, child).Select(parent => new CausalEdge(parent, child)))
            .ToLookup(graph.Has, e => map[e.Child, e.Parent]);
        double[] edges = [.. pairs[true]], others = [.. pairs[false]];
        if (edges.Length == 0 || others.Length == 0) return double.NaN;
        return edges.Average(e => others.Average(o => e > o ? 1 : e == o ? 0.5 : 0));
    }
}
