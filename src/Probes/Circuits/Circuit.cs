namespace MlNetIcl.Probes;

/// <summary>What a search for a circuit came to, as results and JSON spell it.</summary>
public static class CircuitVerdicts
{
    /// <summary>There is a circuit; its evaluation says how much of the behaviour it is.</summary>
    public const string Found = "found";

    /// <summary>Clean and corrupted rows hardly differ in the metric: there is nothing to trace.</summary>
    public const string NoDifference = "no difference";

    /// <summary>They differ, but no single edge to the logits carries enough of it.</summary>
    public const string NoEdges = "no edges";
}

/// <summary>Circuits of as many edges, drawn at random, beside the one that was found.</summary>
/// <param name="Draws">How many.</param>
/// <param name="Mean">Their mean faithfulness.</param>
/// <param name="Max">Their highest.</param>
/// <param name="AsFaithful">Share of them that are at least as faithful as the circuit, in [0, 1].</param>
public sealed record RandomCircuits(int Draws, double Mean, double Max, double AsFaithful);

/// <summary>How much of a behaviour a circuit is (<see cref="CircuitPatching"/>).</summary>
public sealed record CircuitEvaluation
{
    /// <summary>The share of the metric's difference that the circuit keeps when all other edges carry corrupted values; 1: all of it. May lie outside [0, 1].</summary>
    public required double Faithfulness { get; init; }

    /// <summary>95 % interval of <see cref="Faithfulness"/> over rows; null with fewer than two rows.</summary>
    public Interval? FaithfulnessInterval { get; init; }

    /// <summary>The share that is lost when the circuit's edges alone carry corrupted values; 1: the rest of the model does none of it.</summary>
    public required double Completeness { get; init; }

    /// <summary>95 % interval of <see cref="Completeness"/>, likewise.</summary>
    public Interval? CompletenessInterval { get; init; }

    /// <summary>The least <see cref="CircuitEdge.Removal"/>: at or below 0 there is an edge that the circuit does not need.</summary>
    public required double Minimality { get; init; }

    /// <summary>The control; null where none were asked for, or the circuit has all edges of its kinds, so that no other is like it.</summary>
    public RandomCircuits? Random { get; init; }
}

/// <summary>The part of a model that carries a behaviour, as a typed graph, with the evidence for it. Immutable.</summary>
public sealed record Circuit
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The metric's name.</summary>
    public required string Metric { get; init; }

    /// <summary>One of <see cref="CircuitVerdicts"/>.</summary>
    public required string Verdict { get; init; }

    /// <summary>Metric of the clean run, mean over the rows.</summary>
    public required double Clean { get; init; }

    /// <summary>The clean rows' metric read from the corrupted run, mean over the rows.</summary>
    public required double Corrupted { get; init; }

    /// <summary>95 % interval of clean minus corrupted over rows; null with fewer than two rows.</summary>
    public Interval? DifferenceInterval { get; init; }

    /// <summary>Two-sided p-value of the sign-flip test of clean minus corrupted; null where there are too few rows.</summary>
    public double? DifferenceP { get; init; }

    /// <summary>The nodes, in the order of the forward pass, embedding first and logits last; none where there are no edges.</summary>
    public required IReadOnlyList<CircuitNode> Nodes { get; init; }

    /// <summary>The edges, by receiver from the logits backwards, then by sender.</summary>
    public required IReadOnlyList<CircuitEdge> Edges { get; init; }

    /// <summary>How much of the behaviour the circuit is; null where there is none.</summary>
    public CircuitEvaluation? Evaluation { get; init; }

    /// <summary>All edges of the model.</summary>
    public required int ModelEdges { get; init; }

    /// <summary>Edges that were patched exactly.</summary>
    public required int PatchedEdges { get; init; }

    /// <summary>Edges that an estimate ruled out before, see <see cref="CircuitOptions.MaxPatchedEdges"/>.</summary>
    public required int ScreenedEdges { get; init; }

    /// <summary>Number of rows, n.</summary>
    public required int Rows { get; init; }

    /// <summary>The rows' origin where they were drawn; null for the caller's own.</summary>
    public SequenceProtocol? Protocol { get; init; }

    /// <summary>The settings of the search.</summary>
    public required CircuitOptions Options { get; init; }

    /// <summary>How many of the model's query heads share a key head; 1 where each has its own.</summary>
    public int HeadsPerKeyHead { get; init; } = 1;

    /// <summary>The node where an edge starts.</summary>
    public CircuitNode Start(CircuitEdge edge)
    {
        ArgumentNullException.ThrowIfNull(edge);
        return Nodes.Single(node => node.Name == CircuitNode.Of(edge.Path.Sender).Name);
    }

    /// <summary>The nodes where an edge ends: one, or the circuit's query heads that share the key head whose keys or values it feeds.</summary>
    public IReadOnlyList<CircuitNode> Ends(CircuitEdge edge)
    {
        ArgumentNullException.ThrowIfNull(edge);
        var receiver = edge.Path.Receiver;
        return [.. Nodes.Where(node => receiver.Input switch
        {
            PathInput.Logits => node.Kind == CircuitNodeKind.Logits,
            PathInput.Mlp => node.Kind == CircuitNodeKind.Mlp && node.Layer == receiver.Layer,
            PathInput.Query => node.Kind == CircuitNodeKind.Head && node.Layer == receiver.Layer && node.Head == receiver.Head,
            _ => node.Kind == CircuitNodeKind.Head && node.Layer == receiver.Layer && node.Head / HeadsPerKeyHead == receiver.Head,
        })];
    }
}
