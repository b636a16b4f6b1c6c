using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Patched runs of a model that is a graph: whole passes, as a graph cannot start in the middle. From the base run they take the values that are
/// edited first, so that no pass is needed to learn them.
/// </summary>
internal sealed class GraphRun : IBaseRun
{
    private readonly LanguageModel _model;
    private readonly TokenBatch _tokens;
    private readonly PatchMetric _metric;
    private readonly ForwardResult _run;

    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows.</param>
    /// <param name="metric">The metric on these rows.</param>
    /// <param name="stacks">What will be run: the patches of each stack.</param>
    /// <param name="cancellation">Checked between passes.</param>
    public GraphRun(LanguageModel model, TokenBatch tokens, PatchMetric metric, IEnumerable<IEnumerable<Patch>> stacks, CancellationToken cancellation)
    {
        (_model, _tokens, _metric) = (model, tokens, metric);
        var first = stacks.Where(stack => stack.Any()).Select(FirstEdited).Distinct();
        (_run, Metric) = PatchSweep.Measure(model, tokens, new ForwardPlan().Capture(first), metric, cancellation);
    }

    public double[] Metric { get; }

    public double[] Run(SweepStack stack, Patch[] patches, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var plan = new ForwardPlan();
        var known = FirstEdited(patches);
        var value = _run[known];
        plan.Know(known, value.repeat([patches.Length, .. Enumerable.Repeat(1L, (int)value.dim() - 1)]));
        BaseRun.AddEdits(plan, stack, patches, new LightCone(0, _tokens.MaxLength, null, null), _model.Config);
        var (run, values) = PatchSweep.Measure(_model, new TokenBatch([.. patches.SelectMany(_ => _tokens.Rows)]), plan, _metric, cancellation, repeats: patches.Length);
        run.Dispose();
        return values;
    }

    public void Dispose() => _run.Dispose();

    /// <summary>The first site that any of the patches edits: what it holds is what it held in the base run.</summary>
    private static Site FirstEdited(IEnumerable<Patch> patches) => patches.SelectMany(p => p.Edits).Select(e => e.Site).OrderBy(s => s.Layer).ThenBy(s => s.Kind).First();
}
