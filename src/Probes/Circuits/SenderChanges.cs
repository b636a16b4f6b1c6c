using MlNetIcl.Models;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MlNetIcl.Probes;

/// <summary>What senders say in a run minus what they say in the corrupted one, kept as small as it comes: a head's z, not what becomes of it. Tensors belong to the caller's scope.</summary>
internal sealed class SenderChanges(LanguageModel model)
{
    private readonly Dictionary<PathSender, Tensor> _changes = []; // heads [batch, pos, d_head], others [batch, pos, d_model]
    private Tensor? _total; // [batch, pos, d_model]

    /// <summary>Adds the change of senders that come after all those before.</summary>
    public void Add(params IReadOnlyList<(PathSender Sender, Tensor Change)> senders)
    {
        foreach (var (sender, change) in senders) _changes.Add(sender, change);
        var sum = Write([.. senders.Select(s => s.Sender)])!;
        _total = _total is null ? sum : _total.Plus(sum);
    }

    /// <summary>Those of some senders whose change is known; the others say what they say in the corrupted run.</summary>
    public PathSender[] Among(IReadOnlySet<PathSender> senders) => [.. _changes.Keys.Where(senders.Contains)];

    /// <summary>What senders add to the residual stream together [batch, pos, d_model]; null for none.</summary>
    public Tensor? Sum(PathSender[] senders)
    {
        if (senders.Length == 0) return null;
        PathSender[] others = [.. _changes.Keys.Except(senders)];
        if (others.Length >= senders.Length) return Write(senders);
        return Write(others) is { } left ? _total! - left : _total!.alias(); // the caller disposes of its own
    }

    private Tensor? Write(PathSender[] senders)
    {
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        foreach (var layer in senders.GroupBy(s => (s.Layer, IsHead: s.Head is not null)))
        {
            Tensor[] changes = [.. layer.Select(s => _changes[s])];
            sum = layer.Key.IsHead ? Plus(sum, F.linear(cat(changes, -1), OutputOf(layer.Key.Layer, [.. layer.Select(s => (long)s.Head!.Value)])))
                : changes.Aggregate(sum, Plus);
        }
        return sum?.alias().MoveToOuterDisposeScope();

        static Tensor Plus(Tensor? a, Tensor b) => a is null ? b : a.Plus(b);
    }

    /// <summary>The columns of some heads in a block's output matrix [d_model, head * d_head].</summary>
    private Tensor OutputOf(int layer, long[] heads)
    {
        var config = model.Config;
        return model.Weights.Blocks[layer].Output.view(config.DModel, config.Heads, config.DHead)
            .index_select(1, tensor(heads, device: model.Device)).reshape(config.DModel, -1);
    }
}
