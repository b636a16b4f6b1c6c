using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Which paths a decoder has.</summary>
internal static class PathRules
{
    /// <summary>The embedding, then heads and MLP block by block.</summary>
    public static IEnumerable<PathSender> Senders(DecoderConfig config) => Enumerable.Range(0, config.Layers)
        .SelectMany(layer => Enumerable.Range(0, config.Heads).Select(head => new PathSender(layer, head)).Concat(config.DMlp > 0 ? [new PathSender(layer, null)] : []))
        .Prepend(PathSender.Embedding);

    /// <summary>What a head reads: its queries, and its key head's keys and values.</summary>
    public static PathReceiver[] InputsOf(HeadId head, DecoderConfig config)
    {
        int keyHead = head.Head / (config.Heads / config.KeyHeads);
        return [new(PathInput.Query, head.Layer, head.Head), new(PathInput.Key, head.Layer, keyHead), new(PathInput.Value, head.Layer, keyHead)];
    }

    /// <summary>All senders that a receiver reads, in the order of the forward pass.</summary>
    public static IEnumerable<PathSender> Before(PathReceiver receiver, DecoderConfig config) =>
        Senders(config).Where(sender => Reaches(sender, receiver, config));

    /// <summary>All receivers that come after a sender, in the order of the forward pass.</summary>
    public static IReadOnlyList<PathReceiver> After(PathSender sender, DecoderConfig config)
    {
        var all = Enumerable.Range(0, config.Layers).SelectMany(layer => (PathReceiver[])
        [
            .. Enumerable.Range(0, config.Heads).Select(head => new PathReceiver(PathInput.Query, layer, head)),
            .. Enumerable.Range(0, config.KeyHeads).Select(head => new PathReceiver(PathInput.Key, layer, head)),
            .. Enumerable.Range(0, config.KeyHeads).Select(head => new PathReceiver(PathInput.Value, layer, head)),
            .. config.DMlp > 0 ? [new PathReceiver(PathInput.Mlp, layer)] : (PathReceiver[])[],
        ]).Append(new PathReceiver(PathInput.Logits));
        return [.. all.Where(receiver => Reaches(sender, receiver, config))];
    }

    /// <exception cref="ArgumentException">The edge does not exist.</exception>
    public static void Require(PathEdge edge, DecoderConfig config)
    {
        var (sender, receiver) = edge;
        Require(sender, config);
        if (SlotOf(receiver, config) is { } slot) slot.Require(config, 1);
        if (!Reaches(sender, receiver, config))
            throw new ArgumentException($"There is no path from {sender} to {receiver}: a receiver reads the residual stream after its sender wrote to it.");
    }

    /// <exception cref="ArgumentException">The sender does not exist.</exception>
    public static void Require(PathSender sender, DecoderConfig config) =>
        new PatchSlot(sender.Site.Kind, sender.Site.Layer, sender.Head).Require(config, 1);

    /// <summary>The slot that a receiver computes from what it reads; null for the logits.</summary>
    public static PatchSlot? SlotOf(PathReceiver receiver, DecoderConfig config) => receiver.Input switch
    {
        PathInput.Query => new(SiteKind.Query, receiver.Layer, receiver.Head),
        PathInput.Key => new(SiteKind.Key, receiver.Layer, receiver.Head),
        PathInput.Value => new(SiteKind.Value, receiver.Layer, receiver.Head),
        PathInput.Mlp => new(SiteKind.MlpOut, receiver.Layer),
        _ => null,
    };

    private static bool Reaches(PathSender sender, PathReceiver receiver, DecoderConfig config) => receiver.Input switch
    {
        PathInput.Logits => true,
        PathInput.Mlp when sender.Head is not null && !config.ParallelResidual => receiver.Layer >= sender.Layer,
        _ => receiver.Layer > sender.Layer,
    };
}
