using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Random circuits as a control: as many edges of each kind, from the same layers to the same layers, between other heads. Never the
/// circuit itself, so there are none where it has all edges of its kinds.
/// </summary>
internal static class CircuitControls
{
    public static IEnumerable<PathEdge[]> Draw(DecoderConfig config, IReadOnlyCollection<PathEdge> circuit, int draws, int seed)
    {
        var random = new SeededRandom(seed, RandomStream.RandomCircuits);
        var kinds = PathPatching.AllEdges(config).GroupBy(KindOf).ToDictionary(g => g.Key, g => g.ToArray());
        (PathEdge[] Edges, int Count)[] wanted = [.. circuit.GroupBy(KindOf).Select(g => (kinds[g.Key], g.Count()))];
        if (wanted.All(kind => kind.Count == kind.Edges.Length)) yield break;
        var itself = circuit.ToHashSet();
        for (int draw = 0; draw < draws; draw++)
        {
            PathEdge[] edges;
            do edges = [.. wanted.SelectMany(kind => Drawn(kind.Edges, kind.Count))];
            while (itself.SetEquals(edges));
            yield return edges;
        }

        IEnumerable<PathEdge> Drawn(PathEdge[] kind, int count)
        {
            int[] order = [.. Enumerable.Range(0, kind.Length)];
            random.DrawToFront(order, count);
            return order.Take(count).Select(i => kind[i]);
        }
    }

    private static (int, bool, PathInput, int) KindOf(PathEdge edge) => (edge.Sender.Layer, edge.Sender.Head is null, edge.Receiver.Input, edge.Receiver.Layer);
}
