using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Runs circuits on one set of rows. Every receiver reads the corrupted run's residual stream, plus what the circuit's senders say
/// differently in the run at hand: so what a circuit does not touch is never computed. Thread-safe.
/// </summary>
internal sealed class CircuitRuns : IDisposable
{
    private readonly LanguageModel _model;
    private readonly TokenBatch _clean, _corrupted;
    private readonly PatchMetric _metric;
    private readonly ForwardResult _base; // the corrupted run
    private readonly Tensor _embedding; // clean minus corrupted [batch, pos, d_model]

    public CircuitRuns(LanguageModel model, TokenBatch clean, TokenBatch corrupted, PatchMetric metric, CancellationToken cancellation)
    {
        var config = model.Config;
        (_model, _clean, _corrupted, _metric) = (model, clean, corrupted, metric);
        var sites = Kept(config).SelectMany(kind => Enumerable.Range(0, config.Layers).Select(layer => new Site(kind, layer))).Append(Last);
        _base = model.Run(corrupted, new ForwardPlan().Capture(sites), cancellation);
        using var start = model.Run(clean, new ForwardPlan().Capture(Site.ResidPre(0)), cancellation);
        _embedding = (start[Site.ResidPre(0)] - _base[Site.ResidPre(0)]).DetachFromDisposeScope();
        Full = Values(PathPatching.AllEdges(config), cancellation);
        Empty = Values([], cancellation);
    }

    /// <summary>What is kept of the corrupted run for each row.</summary>
    public static double BytesPerRow(DecoderConfig config, int length) =>
        sizeof(float) * (double)config.Layers * length * Kept(config).Sum(kind => kind == SiteKind.Z ? config.Heads * config.DHead : config.DModel);

    /// <summary>The metric of each row with all edges.</summary>
    public double[] Full { get; }

    /// <summary>The same with none.</summary>
    public double[] Empty { get; }

    private static SiteKind[] Kept(DecoderConfig config) =>
        [SiteKind.ResidPre, SiteKind.Z, .. config.DMlp == 0 ? [] : config.ParallelResidual ? [SiteKind.MlpOut] : (SiteKind[])[SiteKind.ResidMid, SiteKind.MlpOut]];

    private Site Last => new(SiteKind.ResidPost, _model.Config.Layers - 1);

    /// <summary>The metric of each row in the run of a circuit.</summary>
    public double[] Values(IReadOnlyCollection<PathEdge> circuit, CancellationToken cancellation)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var config = _model.Config;
        var senders = circuit.Select(e => e.Sender).ToHashSet();
        var heard = circuit.GroupBy(e => e.Receiver).ToDictionary(g => g.Key, g => g.Select(e => e.Sender).ToHashSet());
        var said = new SenderChanges(_model);
        if (senders.Contains(PathSender.Embedding)) said.Add((PathSender.Embedding, _embedding));
        for (int layer = 0; layer < config.Layers; layer++)
        {
            int[] heads = [.. Enumerable.Range(0, config.Heads).Where(head => senders.Contains(new(layer, head)))];
            var changes = Heads(layer, heads, Heard, said, cancellation);
            if (changes.Length > 0) said.Add(changes);
            var mlp = new PathSender(layer, null);
            if (senders.Contains(mlp) && said.Sum(Heard(new(PathInput.Mlp, layer))) is { } input)
                said.Add((mlp, Mlp(layer, input, cancellation)));
        }
        return Metric(said.Sum(Heard(new(PathInput.Logits))), cancellation);

        PathSender[] Heard(PathReceiver receiver) => heard.TryGetValue(receiver, out var from) ? said.Among(from) : [];
    }

    public void Dispose()
    {
        _base.Dispose();
        _embedding.Dispose();
    }

    /// <summary>Of those of a block's heads that hear anything new: z minus the corrupted run's [batch, pos, d_head].</summary>
    private (PathSender, Tensor)[] Heads(int layer, int[] heads, Func<PathReceiver, PathSender[]> heard, SenderChanges said, CancellationToken cancellation)
    {
        PathReceiver[] Inputs(int head) => PathRules.InputsOf(new HeadId(layer, head), _model.Config);
        var readers = heads.SelectMany(Inputs).Distinct().Select(receiver => (Receiver: receiver, From: heard(receiver))).Where(r => r.From.Length > 0).ToArray();
        if (readers.Length == 0) return [];

        var before = _base[Site.ResidPre(layer)];
        var inputs = new Dictionary<PatchSlot, Tensor>(); // [batch, pos, 1, d_head]
        foreach (var together in readers.GroupBy(r => string.Join(' ', r.From)))
        {
            PatchSlot[] slots = [.. together.Select(r => PathRules.SlotOf(r.Receiver, _model.Config)!.Value)];
            using var sum = said.Sum(together.First().From)!;
            using var residual = before.Plus(sum);
            using var run = _model.Run(_corrupted, new ForwardPlan().StartFrom(layer, residual).Capture(slots.Select(s => s.Site).Distinct()), cancellation);
            foreach (var slot in slots) inputs.Add(slot, slot.Of(run[slot.Site]).clone());
        }
        var plan = new ForwardPlan().StartFrom(layer, before).Capture(Site.Z(layer));
        foreach (var site in inputs.GroupBy(v => v.Key.Site))
            plan.Replace(site.Key, value =>
            {
                var edited = value.clone();
                using var own = NewDisposeScope();
                foreach (var (slot, input) in site) slot.Of(edited).copy_(input);
                return edited;
            });
        using var after = _model.Run(_corrupted, plan, cancellation);
        using var change = after[Site.Z(layer)] - _base[Site.Z(layer)];
        var receivers = readers.Select(r => r.Receiver).ToHashSet();
        return [.. heads.Where(head => Inputs(head).Any(receivers.Contains)).Select(head => (new PathSender(layer, head), change.select(2, head)))];
    }

    /// <summary>What the MLP adds to the residual stream, minus the corrupted run's [batch, pos, d_model].</summary>
    private Tensor Mlp(int layer, Tensor heard, CancellationToken cancellation)
    {
        var output = new Site(SiteKind.MlpOut, layer);
        var input = new Site(_model.Config.ParallelResidual ? SiteKind.ResidPre : SiteKind.ResidMid, layer);
        using var residual = _base[input].Plus(heard);
        using var run = _model.Run(_corrupted, Start(input, residual).Capture(output), cancellation);
        return run[output] - _base[output];
    }

    private double[] Metric(Tensor? heard, CancellationToken cancellation)
    {
        double[] values = [];
        using var residual = heard is null ? _base[Last].alias() : _base[Last].Plus(heard);
        var plan = Start(Last, residual)
            .Observe(FinalHidden.Site(_model.Config), hidden =>
            {
                using var scope = NewDisposeScope();
                values = _metric.Evaluate(_model, FinalHidden.Of(_model, hidden), _clean).to_type(ScalarType.Float64).cpu().data<double>().ToArray();
            });
        using var run = _model.Run(_corrupted, plan, cancellation);
        return values;
    }

    private static ForwardPlan Start(Site site, Tensor value) => new ForwardPlan().StartFrom(site.Layer, new Dictionary<SiteKind, Tensor> { [site.Kind] = value });
}
