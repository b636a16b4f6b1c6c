using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>The run without a patch on some rows, with what patched runs take from it. Owns its tensors.</summary>
internal sealed class BaseRun : IBaseRun
{
    private readonly LanguageModel _model;
    private readonly PatchMetric _metric;
    private readonly KeyValueCache? _cache;
    private readonly ForwardResult _run;
    private readonly double[] _values; // [row * pos]: what each position gives to the metric
    private readonly int[] _reads, _counts;

    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows.</param>
    /// <param name="metric">The metric on these rows.</param>
    /// <param name="stacks">What will be run.</param>
    /// <param name="cancellation">Checked before every block.</param>
    public BaseRun(LanguageModel model, TokenBatch tokens, PatchMetric metric, IReadOnlyCollection<SweepStack> stacks, CancellationToken cancellation)
    {
        (_model, Tokens, _metric) = (model, tokens, metric);
        (_reads, _counts) = (metric.Reads(tokens), metric.Counts(tokens));
        var plan = new ForwardPlan().Capture(stacks.SelectMany(s => s.Entry.Sites).Distinct());
        if (stacks.Any(s => s.First > 0)) plan.Keep(_cache = new KeyValueCache(stacks.Min(s => s.Entry.Layer)));
        try
        {
            (_run, _values) = Read(tokens, plan, [.. Enumerable.Range(0, tokens.MaxLength)], cancellation);
        }
        catch
        {
            _cache?.Dispose();
            throw;
        }
        Metric = [.. Enumerable.Range(0, tokens.Count).Select(row => Before(row, tokens.MaxLength) / _counts[row])];
    }

    /// <summary>The rows.</summary>
    public TokenBatch Tokens { get; }

    /// <summary>The metric of each row.</summary>
    public double[] Metric { get; }

    /// <summary>[patch * row]: one pass for all patches of a stack.</summary>
    public double[] Run(SweepStack stack, Patch[] patches, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var config = _model.Config;
        var cone = ConeOf(stack, patches);
        var plan = new ForwardPlan().Within(cone).StartFrom(stack.Entry.Layer, stack.Entry.Given.ToDictionary(kind => kind, kind => Given(new Site(kind, stack.Entry.Layer), cone, patches.Length)));
        AddEdits(plan, stack, patches, cone, config);
        int[] positions = cone.PositionsOf(FinalHidden.Site(config), config);
        var (run, values) = Read(new TokenBatch([.. patches.SelectMany(_ => Tokens.Rows)]), plan, positions, cancellation);
        run.Dispose();
        return [.. Enumerable.Range(0, patches.Length * stack.Rows).Select(i =>
            (Before(i % stack.Rows, cone.First) + values.AsSpan(i * positions.Length, positions.Length).ToArray().Sum()) / _counts[i % stack.Rows])];
    }

    /// <summary>Has a plan make the edits of patches that stand one after the other along the batch.</summary>
    public static void AddEdits(ForwardPlan plan, SweepStack stack, Patch[] patches, LightCone cone, DecoderConfig config)
    {
        foreach (var site in patches.SelectMany((patch, i) => patch.Edits.Select(edit => (At: i, Edit: edit))).GroupBy(e => e.Edit.Site))
        {
            var edits = site.ToArray();
            var window = new SiteWindow(stack.FirstRow, stack.Rows, cone, cone.PositionsOf(site.Key, config));
            plan.Replace(site.Key, value =>
            {
                // In place: nobody else holds a value of this pass.
                Tensor PartOf(int at) => value.narrow(0, (long)at * stack.Rows, stack.Rows);
                foreach (var (at, edit) in edits.Where(e => e.Edit.WriteTogether is null))
                {
                    using var own = NewDisposeScope();
                    if (edit.WriteWithin is { } write) write(PartOf(at), window);
                    else edit.Write(PartOf(at));
                }
                foreach (var alike in edits.Where(e => e.Edit.WriteTogether is not null).GroupBy(e => e.Edit.WriteTogether!))
                    alike.Key([.. alike.Select(e => (e.Edit, PartOf(e.At)))], window);
                return value;
            });
        }
    }

    public void Dispose()
    {
        _run.Dispose();
        _cache?.Dispose();
    }

    private LightCone ConeOf(SweepStack stack, Patch[] patches)
    {
        int length = Tokens.MaxLength;
        int[] reads = [.. _reads.Where(p => p >= stack.First)];
        bool needsAll = reads.Length == length - stack.First || patches.Any(p => p.Edits.Any(e => e.WriteWithin is null && LightCone.IsBehindLastKeys(e.Site, _model.Config)));
        return new LightCone(stack.First, length, needsAll ? null : reads, _cache);
    }

    /// <summary>The base run's value of a site, for each of several patches [patch * batch, pos, …]; a copy of its own.</summary>
    private Tensor Given(Site site, LightCone cone, int patches)
    {
        var value = SiteWindow.At(_run[site], 1, cone.PositionsOf(site, _model.Config));
        return value.repeat([patches, .. Enumerable.Repeat(1L, (int)value.dim() - 1)]);
    }

    /// <summary>What the positions before one give to a row's metric.</summary>
    private double Before(int row, int position) => _values.AsSpan(row * Tokens.MaxLength, position).ToArray().Sum();

    private (ForwardResult Run, double[] Values) Read(TokenBatch tokens, ForwardPlan plan, int[] positions, CancellationToken cancellation)
    {
        double[] values = [];
        plan.Observe(FinalHidden.Site(_model.Config), hidden =>
        {
            using var scope = NewDisposeScope();
            values = [.. _metric.Values(_model, FinalHidden.Of(_model, hidden), tokens, positions).to_type(ScalarType.Float64).cpu().data<double>()];
        });
        return (_model.Run(tokens, plan, cancellation), values);
    }
}
