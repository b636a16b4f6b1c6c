using MlNetIcl.Models.Training;

namespace MlNetIcl.Probes.Tests.Circuits;

public sealed class CircuitTracerTests
{
    /// <summary>The edges by which the hand-built circuit copies. Its previous-token head looks by position and its rest on BOS is the same in all rows: no exchange between rows shows those.</summary>
    internal static readonly PathEdge[] HandBuilt =
    [
        new(new PathSender(1, 0), new PathReceiver(PathInput.Logits)),
        new(PathSender.Embedding, new PathReceiver(PathInput.Query, 1, 0)),
        new(new PathSender(0, 0), new PathReceiver(PathInput.Key, 1, 0)),
        new(PathSender.Embedding, new PathReceiver(PathInput.Value, 1, 0)),
        new(PathSender.Embedding, new PathReceiver(PathInput.Value, 0, 0)),
    ];

    [Theory]
    [InlineData(64, 64, 0)]
    [InlineData(40, 24, 1)]
    [InlineData(100, 32, 2)]
    public void TraceCopying_HandBuiltCircuit_FindsEveryEdgeAndNoOther(int vocabulary, int context, int seed)
    {
        using var model = InductionCircuit.Build(vocabulary, context);

        var circuit = CircuitTracer.TraceCopying(model, options: new CircuitOptions { Seed = seed });

        Assert.Equal(CircuitVerdicts.Found, circuit.Verdict);
        Assert.Equal(HandBuilt.ToHashSet(), circuit.Edges.Select(e => e.Path).ToHashSet());
        Assert.Equal(1, circuit.Evaluation!.Faithfulness, 1e-6);
        Assert.Equal(1, circuit.Evaluation.Completeness, 1e-6);
    }
}
