using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Turns edges into edits: each receiver's value is computed, by a short pass of its own, from what it would read.</summary>
internal static class PathPatch
{
    /// <param name="model">The model.</param>
    /// <param name="tokens">The corrupted rows.</param>
    /// <param name="edges">The edges.</param>
    /// <param name="changes">By sender, what its change adds to the residual stream [batch, pos, d_model]. They must outlive the run.</param>
    /// <param name="first">The first position at which there is any change.</param>
    /// <param name="cancellation">Checked before the passes.</param>
    public static Patch Of(LanguageModel model, TokenBatch tokens, IReadOnlyList<PathEdge> edges, Dictionary<PathSender, Tensor> changes, int first, CancellationToken cancellation)
    {
        var config = model.Config;
        var edits = new List<SiteEdit>();
        foreach (var layer in edges.Where(e => e.Receiver.Input != PathInput.Logits).GroupBy(e => e.Receiver.Layer).OrderBy(g => g.Key))
        {
            var readers = Readers(layer, config);
            // Computed as soon as the residual stream that they read is known, written when the run comes to their sites.
            var values = new Dictionary<PatchSlot, Tensor>();
            foreach (var byInput in readers.GroupBy(r => r.Slot.Kind != SiteKind.MlpOut || config.ParallelResidual ? SiteKind.ResidPre : SiteKind.ResidMid))
                edits.Add(SiteEdit.Within(new Site(byInput.Key, layer.Key), first, (residual, window) => Compute(byInput, residual, window, values)));
            edits.AddRange(readers.Select(r => SiteEdit.Within(r.Slot.Site, first, (value, window) => r.Slot.Of(value, window)!.copy_(values[r.Slot]))));
        }
        var toLogits = edges.Where(e => e.Receiver.Input == PathInput.Logits).Select(e => e.Sender).Distinct().ToArray();
        if (toLogits.Length > 0) // nothing else reads the last residual stream
            edits.Add(SiteEdit.Within(new Site(SiteKind.ResidPost, config.Layers - 1), first, (residual, window) => residual.add_(Sum(toLogits, SiteKind.ResidPost, window))));
        return new Patch(edits);

        Tensor Sum(PathSender[] senders, SiteKind at, SiteWindow window) => senders.Select(s => window.Of(at, changes[s])).Aggregate((a, b) => a + b);

        // Receivers that hear of the same senders share a pass, which starts from what they read and ends with what they make of it.
        void Compute(IGrouping<SiteKind, Reader> readers, Tensor residual, SiteWindow window, Dictionary<PatchSlot, Tensor> values)
        {
            foreach (var shared in readers.GroupBy(r => r.Key))
            {
                var input = residual + Sum(shared.First().Senders, readers.Key, window);
                var plan = new ForwardPlan().Within(window.Cone).StartFrom(shared.First().Slot.Layer, new Dictionary<SiteKind, Tensor> { [readers.Key] = input });
                using var result = model.Run(tokens.Block(window.FirstRow, window.Rows), plan.Capture(shared.Select(r => r.Slot.Site).Distinct()), cancellation);
                foreach (var reader in shared) values[reader.Slot] = reader.Slot.Of(result[reader.Slot.Site]).clone().MoveToOuterDisposeScope(); // the block's: the pass frees it
            }
        }
    }

    private static Reader[] Readers(IEnumerable<PathEdge> edges, DecoderConfig config) =>
        [.. edges.GroupBy(e => PathRules.SlotOf(e.Receiver, config)!.Value).Select(g => new Reader(g.Key, [.. g.Select(e => e.Sender).Distinct().OrderBy(s => s.Layer).ThenBy(s => s.Head)]))];

    private sealed record Reader(PatchSlot Slot, PathSender[] Senders)
    {
        /// <summary>Equal where the senders are.</summary>
        public string Key { get; } = string.Join(' ', Senders);
    }
}
