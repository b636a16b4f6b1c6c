using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Random circuits as a control: as many edges of each kind, from the same layers to the same layers, between other heads.</summary>
internal static class CircuitControls
{
    public static IEnumerable<PathEdge[]> Draw(DecoderConfig config, IEnumerable<PathEdge> circuit, int draws, int seed)
    {
        var random = new SeededRandom(seed, RandomStream.RandomCircuits);
        var kinds = PathPatching.AllEdges(config).GroupBy(KindOf).ToDictionary(g => g.Key, g => g.ToArray());
        (PathEdge[] Edges, int Count)[] wanted = [.. circuit.GroupBy(KindOf).Select(g => (kinds[g.Key], g.Count()))];
        for (int draw = 0; draw < draws; draw++)
        {
            var edges = new List<PathEdge>();
            foreach (var (kind, count) in wanted)
            {
                int[] order = [.. Enumerable.Range(0, kind.Length)];
                random.DrawToFront(order, count);
                edges.AddRange(order.Take(count).Select(i => kind[i]));
            }
            yield return [.. edges];
        }
    }

    private static (int, bool, PathInput, int) KindOf(PathEdge edge) => (edge.Sender.Layer, edge.Sender.Head is null, edge.Receiver.Input, edge.Receiver.Layer);
}
