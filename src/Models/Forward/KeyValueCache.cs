using static TorchSharp.torch;

namespace MlNetIcl.Models;

/// <summary>Keys as they are scored (normalised and rotated) and values of a pass, by layer [batch, key_head, pos, d_head]. Owns its tensors.</summary>
/// <param name="firstLayer">The first layer that is kept.</param>
internal sealed class KeyValueCache(int firstLayer) : IDisposable
{
    private readonly Dictionary<int, (Tensor Keys, Tensor Values)> _layers = [];

    public void Add(int layer, Tensor keys, Tensor values)
    {
        if (layer < firstLayer) return;
        using var scope = NewDisposeScope();
        _layers.Add(layer, (keys.clone().DetachFromDisposeScope(), values.clone().DetachFromDisposeScope()));
    }

    /// <summary>Puts the first positions before later ones; the batch of those may be several times this one's.</summary>
    /// <param name="layer">The block.</param>
    /// <param name="count">How many positions.</param>
    /// <param name="keys">Keys of the positions from <paramref name="count"/> on [batch, key_head, pos, d_head].</param>
    /// <param name="values">Values likewise, or null where none are needed.</param>
    public (Tensor Keys, Tensor? Values) Before(int layer, int count, Tensor keys, Tensor? values)
    {
        var (earlierKeys, earlierValues) = _layers[layer];
        return (Join(earlierKeys, keys), values is null ? null : Join(earlierValues, values));

        Tensor Join(Tensor earlier, Tensor later)
        {
            using var scope = NewDisposeScope();
            long runs = later.shape[0] / earlier.shape[0];
            var repeated = earlier.narrow(2, 0, count).unsqueeze(0).expand(runs, -1, -1, -1, -1); // [run, batch, key_head, pos, d_head]
            return cat([repeated, later.view(runs, -1, later.shape[1], later.shape[2], later.shape[3])], 3).view(later.shape[0], later.shape[1], -1, later.shape[3]).MoveToOuterDisposeScope();
        }
    }

    public void Dispose()
    {
        foreach (var (keys, values) in _layers.Values)
        {
            keys.Dispose();
            values.Dispose();
        }
    }
}
