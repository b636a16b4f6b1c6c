using System.Globalization;

namespace MlNetIcl.Probes;

/// <summary>What a node of a circuit is.</summary>
public enum CircuitNodeKind
{
    /// <summary>The tokens' embedding, with the positions' where a model adds them to the residual stream: where every path starts.</summary>
    Embedding,

    /// <summary>An attention head.</summary>
    Head,

    /// <summary>A block's MLP.</summary>
    Mlp,

    /// <summary>The final norm and the unembedding, from which the metric is read: where every path ends.</summary>
    Logits,
}

/// <summary>A node of a circuit.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Layer">The block of a head or MLP, from 0; null elsewhere.</param>
/// <param name="Head">The query head, from 0; null where the node is none.</param>
public sealed record CircuitNode(CircuitNodeKind Kind, int? Layer = null, int? Head = null)
{
    /// <summary>What the head is by its attention (<see cref="HeadDetector"/>): the first kind of which it has the full verdict. Null for other heads and nodes, and where heads were not scored.</summary>
    public HeadKind? Role { get; init; }

    /// <summary><c>embedding</c>, <c>L5.H1</c>, <c>L5.MLP</c> or <c>logits</c>.</summary>
    public string Name => Kind switch
    {
        CircuitNodeKind.Embedding => "embedding",
        CircuitNodeKind.Head => new HeadId(Layer!.Value, Head!.Value).ToString(),
        CircuitNodeKind.Mlp => string.Create(CultureInfo.InvariantCulture, $"L{Layer}.MLP"),
        _ => "logits",
    };

    internal static CircuitNode Logits { get; } = new(CircuitNodeKind.Logits);

    internal static CircuitNode Of(PathSender sender) =>
        sender == PathSender.Embedding ? new(CircuitNodeKind.Embedding)
        : new(sender.Head is null ? CircuitNodeKind.Mlp : CircuitNodeKind.Head, sender.Layer, sender.Head);
}
