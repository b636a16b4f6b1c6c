using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// The run that patches take values from, row by row the partner of the run they are written into. A sweep loads it for the rows that it
/// is at, so that no more of it exists at one time. Owns its tensors; for one sweep.
/// </summary>
internal sealed class SourceRows : IDisposable
{
    private readonly LanguageModel _model;
    private readonly TokenBatch _tokens;
    private readonly Site[] _sites;
    private readonly CancellationToken _cancellation;
    private ForwardResult? _run;
    private int _first, _count;

    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows.</param>
    /// <param name="sites">The sites that patches take values from.</param>
    /// <param name="cancellation">Checked before every block of every pass.</param>
    public SourceRows(LanguageModel model, TokenBatch tokens, IEnumerable<Site> sites, CancellationToken cancellation)
    {
        (_model, _tokens, _sites, _cancellation) = (model, tokens, [.. sites.Distinct()], cancellation);
        BytesPerRow = _sites.Sum(site => SweepMemory.BytesOf(site.Kind, model.Config, tokens.MaxLength));
    }

    /// <summary>What is held for each row.</summary>
    public double BytesPerRow { get; }

    /// <summary>The metric of each row, read some rows at a time; keeps the values where all rows are one block.</summary>
    public double[] Measure(PatchMetric metric, SweepOptions options)
    {
        _tokens.Validate(_model.Config);
        metric.Validate(_model.Config, _tokens);
        int rows = options.RowsFor(new SweepMemory(_model.Config, _tokens.MaxLength, [], keepsKeys: false) { Source = BytesPerRow }, _tokens.Count, _tokens.MaxLength);
        var values = new List<double>();
        for (int first = 0; first < _tokens.Count; first += rows)
        {
            var block = _tokens.Block(first, rows);
            var plan = rows < _tokens.Count ? new ForwardPlan() : new ForwardPlan().Capture(_sites);
            var (run, measured) = PatchSweep.Measure(_model, block, plan, metric.ForRows(first, block.Count), _cancellation);
            if (rows < _tokens.Count) run.Dispose();
            else (_run, _first, _count) = (run, 0, rows);
            values.AddRange(measured);
        }
        metric.RequireFinite(_model, values);
        return [.. values];
    }

    /// <summary>Has the values of some rows at hand, and of no others.</summary>
    public void Load(int first, int count)
    {
        if (_sites.Length == 0 || (_run is not null && (first, count) == (_first, _count))) return;
        _run?.Dispose();
        _run = null;
        _run = _model.Run(_tokens.Block(first, count), new ForwardPlan().Capture(_sites), _cancellation);
        (_first, _count) = (first, count);
    }

    /// <summary>What a window of the rows at hand shows of a site's value: a view.</summary>
    public Tensor Of(Site site, SiteWindow window) => (window with { FirstRow = 0 }).Of(site.Kind, _run![site]);

    public void Dispose() => _run?.Dispose();
}
