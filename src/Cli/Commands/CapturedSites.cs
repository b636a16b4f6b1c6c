using MlNetIcl.Cli.Hosting;
using MlNetIcl.Models;
using static System.FormattableString;
using static TorchSharp.torch;

namespace MlNetIcl.Cli.Commands;

/// <summary>The values of sites over all rows of a token file, in float32; NaN beyond the end of a shorter row. Owns its tensors.</summary>
internal sealed class CapturedSites : IDisposable
{
    /// <summary>What stands for a masked attention score: finite, as not every reader of the file takes infinities.</summary>
    public const double MaskedScore = -1e30;

    // A pass over about this many tokens keeps both cores busy; more would only take memory.
    private const int TokensPerPass = 2048;

    private readonly Dictionary<Site, Tensor> _values = [];
    private readonly TokenBatch _rows;
    private readonly Tensor _lengths;

    private CapturedSites(TokenBatch rows)
    {
        _rows = rows;
        _lengths = tensor(rows.Rows.Select(r => (long)r.Length).ToArray());
    }

    public static CapturedSites Run(LanguageModel model, TokenBatch rows, IReadOnlyCollection<Site> sites, IProgress<double> progress, CancellationToken cancellation)
    {
        var captured = new CapturedSites(rows);
        try
        {
            int rowsPerPass = Math.Max(1, TokensPerPass / rows.MaxLength), done = 0;
            foreach (int[][] chunk in rows.Rows.Chunk(rowsPerPass))
            {
                using var result = model.Run(new TokenBatch(chunk), new ForwardPlan().Capture(sites), cancellation);
                if (done == 0) captured.Allocate(result, sites, chunk);
                foreach (var site in sites) captured.Store(site, result[site], chunk, done);
                done += chunk.Length;
                progress.Report((double)done / rows.Count);
            }
            return captured;
        }
        catch
        {
            captured.Dispose();
            throw;
        }
    }

    /// <summary>The tensors under their sites' names, and <c>lengths</c> where rows are ragged.</summary>
    public IEnumerable<(string Name, Tensor Value)> Named()
    {
        foreach (var (site, value) in _values) yield return (site.ToString(), value);
        if (!_rows.IsRectangular) yield return ("lengths", _lengths);
    }

    public void Dispose()
    {
        foreach (var value in _values.Values) value.Dispose();
        _lengths.Dispose();
    }

    private void Allocate(ForwardResult result, IReadOnlyCollection<Site> sites, int[][] chunk)
    {
        int length = chunk.Max(r => r.Length);
        var shapes = sites.ToDictionary(site => site, site => Shape(site, result[site], length));
        double bytes = shapes.Values.Sum(shape => shape.Aggregate(4.0, (product, size) => product * size));
        double available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
            throw new InputException(Invariant($"These sites of {_rows.Count} rows take {bytes / (1L << 30):0.0} GiB; {available / (1L << 30):0.0} GiB are there. Capture fewer sites, or fewer rows at a time."));
        foreach (var (site, shape) in shapes) _values[site] = full(shape, Kept.Scalar(float.NaN), ScalarType.Float32);
    }

    // [batch, …] of one pass to [row, …] of all, every axis of positions as long as the longest row.
    private long[] Shape(Site site, Tensor value, int passLength)
    {
        long[] shape = [.. value.shape];
        shape[0] = _rows.Count;
        foreach (int axis in PositionAxes(site))
        {
            if (shape[axis] != passLength) throw new InvalidOperationException($"Expected axis {axis} of '{site}' to have {passLength} positions, got {shape[axis]}.");
            shape[axis] = _rows.MaxLength;
        }
        return shape;
    }

    private void Store(Site site, Tensor value, int[][] chunk, int first)
    {
        for (int i = 0; i < chunk.Length; i++)
        {
            using var scope = NewDisposeScope();
            Tensor from = value[i], to = _values[site][first + i];
            foreach (int axis in PositionAxes(site))
            {
                from = from.narrow(axis - 1, 0, chunk[i].Length);
                to = to.narrow(axis - 1, 0, chunk[i].Length);
            }
            to.copy_(site.Kind == SiteKind.Scores ? from.clamp_min(Kept.Scalar(MaskedScore)) : from);
        }
    }

    // [batch, head, query, key] has two axes of positions, everything else is [batch, pos, …].
    private static int[] PositionAxes(Site site) => site.Kind is SiteKind.Pattern or SiteKind.Scores ? [2, 3] : [1];
}
