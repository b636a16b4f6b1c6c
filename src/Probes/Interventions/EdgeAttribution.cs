using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Edge attribution patching (Syed et al. 2023, arXiv:2310.10348): a linear estimate of path patching for every edge at once. An edge's
/// value is its sender's change (clean minus corrupted) times the metric's gradient, at the corrupted run, by what the receiver
/// reads from the residual stream, norm included. The edges of a sender sum to its node attribution. With more than one step the gradient is the
/// mean over token embeddings between the corrupted and the clean ones (EAP-IG; Hanna et al. 2024, arXiv:2403.17806), which sees through
/// an attention so sure of itself that its gradient vanishes. Members are thread-safe.
/// </summary>
public static class EdgeAttribution
{
    /// <summary>Estimates the patched metric minus the corrupted one for each edge alone.</summary>
    /// <param name="model">The model.</param>
    /// <param name="clean">Rows that show the behaviour.</param>
    /// <param name="corrupted">Rows that do not; row i as long as clean row i.</param>
    /// <param name="edges">The edges.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="steps">How many gradients are averaged, at the shares (i + 1/2) / steps of the way to the clean embeddings; 1 (the default) for the gradient at the corrupted run itself.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <returns>One estimate per edge, mean over the rows, in the order of the edges.</returns>
    /// <exception cref="ArgumentException">A sender or receiver does not exist, a receiver does not come after its sender, or clean and corrupted rows differ in number or length.</exception>
    public static IReadOnlyList<double> Run(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, IReadOnlyList<PathEdge> edges, PatchMetric metric, int steps = 1, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(edges);
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        PromptPair.Require(clean, corrupted);
        var config = model.Config;
        foreach (var edge in edges) PathRules.Require(edge, config);

        using var scope = NewDisposeScope();
        PathSender[] senders = [.. edges.Select(e => e.Sender).Distinct()];
        var (changes, _) = PathPatching.Changes(model, clean, corrupted, senders, metric, cancellationToken);
        var change = stack([.. senders.Select(s => changes[s].flatten())]); // [sender, batch * pos * d_model]
        PathReceiver[] receivers = [.. edges.Select(e => e.Receiver).Distinct()];
        var outputs = receivers.ToDictionary(r => r, r => PathRules.SlotOf(r, config) ?? new PatchSlot(SiteKind.ResidPost, config.Layers - 1));
        Site[] inputs = [.. receivers.Where(r => r.Input != PathInput.Logits).Select(InputOf).Distinct()];
        Site embed = new(SiteKind.Embed);
        using var to = steps == 1 ? null : model.Run(clean, new ForwardPlan().Capture(embed), cancellationToken);

        var sums = receivers.ToDictionary(r => r, _ => new double[senders.Length]);
        for (int step = 0; step < steps; step++)
        {
            using var own = NewDisposeScope();
            ForwardPlan At(double share) => to is null ? new ForwardPlan() : new ForwardPlan().Replace(embed, value => value.Plus((to[embed] - value).Times(share)));
            var plan = At((step + 0.5) / steps);
            var byOutput = Own(model.Gradients(corrupted, plan, [.. outputs.Values.Select(slot => slot.Site).Distinct()], FinalHidden.Site(config),
                hidden => metric.Evaluate(model, FinalHidden.Of(model, hidden), corrupted).sum(), cancellationToken));
            using var run = model.Run(corrupted, plan.Capture([Site.ResidPre(0), .. inputs, .. inputs.Select(site => Site.ResidPre(site.Layer))]), cancellationToken);
            int done = 0;
            foreach (var some in receivers.GroupBy(r => r.Input == PathInput.Logits ? config.Layers : r.Layer).Select(g => g.ToArray()))
            {
                // A block's receivers at a time, as reading all senders' changes is what costs.
                using var each = NewDisposeScope();
                var gradients = stack([.. some.Select(receiver => (receiver.Input == PathInput.Logits ? byOutput[outputs[receiver].Site] : ThroughReceiver(receiver, run, byOutput)).flatten())]); // [receiver, batch * pos * d_model]
                double[] products = [.. mm(change, gradients.to_type(change.dtype).t()).to_type(ScalarType.Float64).cpu().contiguous().data<double>()]; // [sender, receiver]
                for (int at = 0; at < products.Length; at++) sums[some[at % some.Length]][at / some.Length] += products[at] / steps;
                progress?.Report((step + ((double)(done += some.Length) / receivers.Length)) / steps);
            }
        }
        var index = Enumerable.Range(0, senders.Length).ToDictionary(i => senders[i]);
        return [.. edges.Select(edge => sums[edge.Receiver][index[edge.Sender]] / corrupted.Count)];

        // What the receiver reads; the gradient by it must leave out what others read there.
        Site InputOf(PathReceiver receiver) =>
            receiver.Input == PathInput.Mlp && !config.ParallelResidual ? new(SiteKind.ResidMid, receiver.Layer) : Site.ResidPre(receiver.Layer);

        // The gradient by the receiver's output, taken back through the receiver alone.
        Tensor ThroughReceiver(PathReceiver receiver, ForwardResult run, Dictionary<Site, Tensor> byOutput)
        {
            using var own = NewDisposeScope();
            var (slot, input) = (outputs[receiver], InputOf(receiver));
            var plan = new ForwardPlan().StartFrom(input.Layer, run[Site.ResidPre(input.Layer)]);
            return Own(model.Gradients(corrupted, plan, [input], slot.Site, output => (slot.Of(output) * slot.Of(byOutput[slot.Site])).sum(), cancellationToken))[input].MoveToOuterDisposeScope();
        }

        static Dictionary<Site, Tensor> Own(IReadOnlyDictionary<Site, Tensor> gradients) => gradients.ToDictionary(g => g.Key, g =>
        {
            using (g.Value) return g.Value.alias(); // a handle in the current scope
        });
    }
}
