using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>One attention entry that a measure reads, and its weight in the measure's sum.</summary>
internal readonly record struct PatternEntry(int Measure, int Query, int Key, double Weight);

/// <summary>
/// Reads attention patterns: every score but the entropy is a weighted sum of some entries, so one gather and one product take all
/// scores of all rows and heads of a layer, and the pattern can go.
/// </summary>
internal sealed class PatternReadout : IDisposable
{
    // Entries of a row that are gathered at one time: rows that hold one token over and over have entries by the square of their length.
    private const int MaxEntries = 1 << 15;

    private readonly int _length, _measures, _most;
    private readonly IReadOnlyList<IReadOnlyList<PatternEntry>> _entries;
    private readonly Device _device;
    private readonly Tensor? _index;   // [batch, entry], flat (query, key); made beforehand where one gather takes all
    private readonly Tensor? _weights; // [batch, entry, measure]
    private readonly Tensor? _queries; // [batch, 1, query]: 1 for a row's own queries, 0 for padding
    private readonly bool _total, _entropy;

    /// <summary>Prepares the readout of a batch.</summary>
    /// <param name="entries">[row]: the entries of each row.</param>
    /// <param name="lengths">[row]: tokens in each row; rows are padded to the longest.</param>
    /// <param name="measures">Number of measures that entries name.</param>
    /// <param name="device">Where the patterns are.</param>
    /// <param name="total">Appends one more measure: all attention of the row's queries.</param>
    /// <param name="entropy">Appends one more measure: the mean entropy of the row's queries, in nats.</param>
    public PatternReadout(IReadOnlyList<IReadOnlyList<PatternEntry>> entries, IReadOnlyList<int> lengths, int measures, Device device, bool total = false, bool entropy = false)
    {
        (_length, _total, _entropy) = (lengths.Max(), total, entropy);
        (_entries, _measures, _most, _device) = (entries, measures, Math.Max(1, entries.Max(e => e.Count)), device);
        if (_most <= MaxEntries)
        {
            (_index, _weights) = Block(0);
            _index.DetachFromDisposeScope();
            _weights.DetachFromDisposeScope();
        }
        int batch = entries.Count;
        if (!total && !entropy) return;
        using var scope = NewDisposeScope();
        var own = tensor(lengths.Select(l => (long)l).ToArray(), [batch, 1, 1], device: device);
        _queries = Kept.Range(_length, device).lt(own).to_type(ScalarType.Float32).DetachFromDisposeScope();
    }

    /// <summary>[batch, head, query, key] to [batch, head, measure], float64.</summary>
    public Tensor Apply(Tensor pattern)
    {
        using var scope = NewDisposeScope();
        long batch = _entries.Count, heads = pattern.shape[1];
        if (pattern.dim() != 4 || pattern.shape[0] != batch || pattern.shape[2] != _length || pattern.shape[3] != _length)
            throw new ArgumentException($"Expected a pattern [batch {batch}, head, query {_length}, key {_length}], got [{string.Join(", ", pattern.shape)}].", nameof(pattern));
        var flat = pattern.reshape(batch, heads, (long)_length * _length);
        var sums = zeros([batch, heads, _measures], ScalarType.Float64, _device); // [batch, head, measure]
        for (int from = 0; from < _most; from += MaxEntries)
        {
            using var block = NewDisposeScope();
            var (index, weights) = _index is null ? Block(from) : (_index, _weights!);
            var read = flat.gather(2, index.unsqueeze(1).expand(batch, heads, index.shape[1])).to_type(ScalarType.Float64); // [batch, head, entry]
            sums.add_(bmm(read, weights), Kept.One);
        }
        List<Tensor> measures = [sums];
        if (_total) measures.Add(SumOfQueries(pattern.sum([-1])));
        if (_entropy) measures.Add(SumOfQueries(special.entr(pattern).sum([-1])) / _queries!.sum([-1], keepdim: true));
        return cat(measures, -1).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _index?.Dispose();
        _weights?.Dispose();
        _queries?.Dispose();
    }

    /// <summary>The entries of every row from one on: their places [batch, entry] and weights [batch, entry, measure], 0 where a row has no more.</summary>
    private (Tensor Index, Tensor Weights) Block(int from)
    {
        int batch = _entries.Count, size = Math.Min(MaxEntries, _most - from);
        var index = new long[batch * size];
        var weights = new double[batch * size * _measures];
        for (int row = 0; row < batch; row++)
            for (int e = from; e < Math.Min(from + size, _entries[row].Count); e++)
            {
                var (measure, query, key, weight) = _entries[row][e];
                int at = row * size + e - from;
                index[at] = (long)query * _length + key;
                weights[at * _measures + measure] = weight;
            }
        return (tensor(index, [batch, size], device: _device), tensor(weights, [batch, size, _measures], device: _device));
    }

    /// <summary>[batch, head, query] to [batch, head, 1].</summary>
    private Tensor SumOfQueries(Tensor values) => (values * _queries!).sum([-1], keepdim: true, type: ScalarType.Float64);
}
