using Microsoft.ML.Data;
using MlNetIcl.Probes;

namespace MlNetIcl.Samples;

/// <summary>States of a plant's stations, in their order along the line. A station mostly has its parent's state, one step worse or better.</summary>
internal sealed class Plant
{
    private static readonly string[] Names = ["idle", "running", "warning", "fault"];

    [VectorType(8)]
    public string[] States { get; set; } = [];

    public static IEnumerable<Plant> Rows(CausalGraph graph, int count, int seed)
    {
        var random = new Random(seed);
        for (int row = 0; row < count; row++)
        {
            int[] states = new int[graph.Length];
            for (int station = 0; station < states.Length; station++)
            {
                double chance = random.NextDouble();
                states[station] = graph.Parents[station] is [var parent] && chance < 0.7 ? (states[parent] + (chance < 0.1 ? 1 : 0)) % Names.Length : random.Next(Names.Length);
            }
            yield return new Plant { States = [.. states.Select(state => Names[state])] };
        }
    }
}
