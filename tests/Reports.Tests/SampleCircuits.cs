using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Tests;

/// <summary>Made-up circuits: all kinds of nodes and inputs, a shared key head, an edge that hinders, and what was not measured.</summary>
internal static class SampleCircuits
{
    public static Circuit Found(string model = "sample", bool tested = true)
    {
        CircuitEdge Edge(PathSender sender, PathReceiver receiver, double effect, EdgeComposition? composition = null) => new()
        {
            Path = new PathEdge(sender, receiver),
            Effect = effect,
            Interval = tested ? new(effect - 0.01, effect + 0.02) : null,
            P = tested ? 1e-4 : null,
            Q = tested ? 2e-4 : null,
            Composition = composition,
            Removal = effect / 2,
        };
        return new Circuit
        {
            Model = model,
            Metric = "copy_logit_difference",
            Verdict = CircuitVerdicts.Found,
            Clean = 11.25,
            Corrupted = 0.25,
            DifferenceInterval = tested ? new(10.5, 11.5) : null,
            DifferenceP = tested ? 1e-3 : null,
            Nodes =
            [
                new(CircuitNodeKind.Embedding), new(CircuitNodeKind.Head, 0, 1) { Role = HeadKind.PreviousToken }, new(CircuitNodeKind.Mlp, 0),
                new(CircuitNodeKind.Head, 2, 0) { Role = HeadKind.Induction }, new(CircuitNodeKind.Head, 2, 1), new(CircuitNodeKind.Logits),
            ],
            Edges =
            [
                Edge(new(2, 0), new(PathInput.Logits), 0.8), Edge(new(2, 1), new(PathInput.Logits), -0.125), Edge(new(0, null), new(PathInput.Query, 2, 1), 0.25),
                Edge(new(0, 1), new(PathInput.Key, 2, 0), 0.75, new(0.25, 16.5)), Edge(PathSender.Embedding, new(PathInput.Value, 0, 0), 0.5), Edge(PathSender.Embedding, new(PathInput.Mlp, 0), 0.0625),
            ],
            Evaluation = new CircuitEvaluation
            {
                Faithfulness = 0.9375,
                FaithfulnessInterval = tested ? new(0.9, 0.97) : null,
                Completeness = 0.99,
                Minimality = -0.0625,
                Random = tested ? new(20, 0.125, 0.5, 0) : null,
            },
            ModelEdges = 222,
            PatchedEdges = 60,
            ScreenedEdges = 12,
            Rows = tested ? 32 : 1,
            HeadsPerKeyHead = 2,
            Options = new(),
        };
    }

    public static Circuit Nothing(string model = "sample") => Found(model) with { Verdict = CircuitVerdicts.NoDifference, Nodes = [], Edges = [], Evaluation = null };
}
