using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Means of sites over reference rows, fed batch by batch: what is held is one sum for each site and position, whatever the number of
/// rows. Positions where a row has no token do not count.
/// </summary>
internal sealed class ReferenceMeans(IReadOnlyCollection<Site> sites) : IDisposable
{
    private readonly Dictionary<Site, Tensor> _sums = []; // [pos, …], float64
    private long[] _rows = []; // by position, the rows that reach it: falls along the positions

    /// <summary>Takes rows in. A row of n tokens counts at the positions 0 to n - 1.</summary>
    public void Add(LanguageModel model, TokenBatch rows, CancellationToken cancellation)
    {
        int positions = Math.Max(_rows.Length, rows.MaxLength);
        var plan = new ForwardPlan();
        foreach (var site in sites) plan.Observe(site, value => Add(site, value, rows, positions));
        model.Run(rows, plan, cancellation).Dispose();
        Array.Resize(ref _rows, positions);
        foreach (int[] row in rows.Rows)
            for (int pos = 0; pos < row.Length; pos++) _rows[pos]++;
    }

    /// <summary>The number of first positions that at least <paramref name="rows"/> rows reach.</summary>
    public int PositionsOf(int rows) => _rows.TakeWhile(reached => reached >= rows).Count();

    /// <summary>The mean at each of the first positions [pos, …], float32; in the current dispose scope.</summary>
    public Tensor PerPosition(Site site, int positions)
    {
        using var scope = NewDisposeScope();
        var sum = _sums[site];
        var counts = tensor(_rows.AsSpan(0, positions).ToArray(), device: sum.device).view([positions, .. Enumerable.Repeat(1L, (int)sum.dim() - 1)]);
        return (sum.narrow(0, 0, positions) / counts).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>The mean over all rows and positions, the same at each of a number of positions [pos, …], float32; in the current dispose scope.</summary>
    public Tensor Pooled(Site site, int positions)
    {
        using var scope = NewDisposeScope();
        var sum = _sums[site];
        return sum.sum([0], keepdim: true).Over(_rows.Sum()).to_type(ScalarType.Float32).expand([positions, .. sum.shape[1..]]).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var sum in _sums.Values) sum.Dispose();
    }

    private void Add(Site site, Tensor value, TokenBatch rows, int positions)
    {
        using var scope = NewDisposeScope();
        long[] shape = [rows.Count, rows.MaxLength, .. Enumerable.Repeat(1L, (int)value.dim() - 2)];
        var lengths = tensor([.. rows.Rows.Select(r => (long)r.Length)], device: value.device).unsqueeze(1);
        var padding = Kept.Range(rows.MaxLength, value.device).unsqueeze(0).ge(lengths).view(shape); // [batch, pos, 1…]
        var sum = zeros([positions, .. value.shape[2..]], ScalarType.Float64, value.device);
        sum.narrow(0, 0, rows.MaxLength).add_(value.masked_fill(padding, Kept.Scalar(0)).sum([0], type: ScalarType.Float64), Kept.One);
        if (_sums.Remove(site, out var before))
            using (before)
                sum.narrow(0, 0, before.shape[0]).add_(before, Kept.One);
        _sums[site] = sum.DetachFromDisposeScope();
    }
}
