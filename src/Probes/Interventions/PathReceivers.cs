using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Turns edges into edits: receivers' values are computed, by short passes of their own, from what they would read.</summary>
/// <param name="model">The model.</param>
/// <param name="tokens">The corrupted rows.</param>
/// <param name="changes">By sender, what its change adds to the residual stream [batch, pos, d_model]. They must outlive the runs.</param>
/// <param name="first">The first position at which there is any change.</param>
/// <param name="cancellation">Checked before the passes.</param>
internal sealed class PathReceivers(LanguageModel model, TokenBatch tokens, Dictionary<PathSender, Tensor> changes, int first, CancellationToken cancellation)
{
    private readonly Dictionary<SiteEdit, Reading[]> _readings = new(ReferenceEqualityComparer.Instance);

    /// <summary>A patch along all of the edges.</summary>
    public Patch PatchOf(IReadOnlyList<PathEdge> edges)
    {
        var config = model.Config;
        var edits = new List<SiteEdit>();
        foreach (var layer in edges.Where(e => e.Receiver.Input != PathInput.Logits).GroupBy(e => e.Receiver.Layer).OrderBy(g => g.Key))
        {
            // Computed as soon as the residual stream that they read is known, written when the run comes to their sites.
            foreach (var byInput in Readings(layer, config).GroupBy(r => r.Input))
            {
                var read = SiteEdit.Within(new Site(byInput.Key, layer.Key), first, (value, window) => { }) with { WriteTogether = Compute };
                _readings.Add(read, [.. byInput]);
                edits.Add(read);
                edits.AddRange(byInput.SelectMany(r => r.Slots.Select(slot => SiteEdit.Within(slot.Site, first, (value, window) => slot.Of(value, window)!.copy_(r.Values[slot])))));
            }
        }
        var toLogits = edges.Where(e => e.Receiver.Input == PathInput.Logits).Select(e => e.Sender).Distinct().ToArray();
        if (toLogits.Length > 0) // nothing else reads the last residual stream
            edits.Add(SiteEdit.Within(new Site(SiteKind.ResidPost, config.Layers - 1), first, (residual, window) => residual.add_(Sum(toLogits, SiteKind.ResidPost, window), Kept.One)));
        return new Patch(edits);
    }

    private Tensor Sum(PathSender[] senders, SiteKind at, SiteWindow window) => senders.Select(s => window.Of(at, changes[s])).Aggregate((a, b) => a.Plus(b));

    /// <summary>The receivers' values for several patches: passes that start from what is read and end with what is made of it.</summary>
    private void Compute(IReadOnlyList<(SiteEdit Edit, Tensor Value)> edits, SiteWindow window)
    {
        var all = edits.SelectMany(e => _readings[e.Edit].Select(reading => (Reading: reading, Residual: e.Value)));
        foreach (var alike in all.GroupBy(r => (r.Reading.Input, r.Reading.Slots[0].Layer, r.Reading.Sites)))
            foreach (var some in alike.Chunk(edits.Count)) // no more at a time than there are patches
            {
                using var scope = NewDisposeScope();
                var (input, layer, _) = alike.Key;
                var read = cat([.. some.Select(r => r.Residual.Plus(Sum(r.Reading.Senders, input, window)))], 0); // [reading * batch, pos, d_model]
                var plan = new ForwardPlan().Within(window.Cone).StartFrom(layer, new Dictionary<SiteKind, Tensor> { [input] = read }).Capture(some[0].Reading.Slots.Select(s => s.Site).Distinct());
                var rows = tokens.Block(window.FirstRow, window.Rows).Rows;
                using var run = model.Run(new TokenBatch([.. some.SelectMany(_ => rows)]), plan, cancellation);
                for (int i = 0; i < some.Length; i++)
                    foreach (var slot in some[i].Reading.Slots)
                        some[i].Reading.Values[slot] = slot.Of(run[slot.Site].narrow(0, (long)i * window.Rows, window.Rows)).clone().MoveToOuterDisposeScope(); // the block's: the pass frees it
            }
    }

    // Receivers that hear of the same senders read the same.
    private static IEnumerable<Reading> Readings(IEnumerable<PathEdge> edges, DecoderConfig config) => edges
        .GroupBy(e => PathRules.SlotOf(e.Receiver, config)!.Value)
        .Select(g => (Slot: g.Key, Senders: g.Select(e => e.Sender).Distinct().OrderBy(s => s.Layer).ThenBy(s => s.Head).ToArray()))
        .GroupBy(r => (Input: r.Slot.Kind != SiteKind.MlpOut || config.ParallelResidual ? SiteKind.ResidPre : SiteKind.ResidMid, Senders: string.Join(' ', r.Senders)))
        .Select(g => new Reading(g.Key.Input, g.First().Senders, [.. g.Select(r => r.Slot)]));

    /// <summary>What some receivers of a patch read, and what they make of it.</summary>
    private sealed record Reading(SiteKind Input, PathSender[] Senders, PatchSlot[] Slots)
    {
        /// <summary>Readings that want the same sites share a pass.</summary>
        public string Sites { get; } = string.Join(' ', Slots.Select(s => s.Kind).Distinct().Order());

        /// <summary>The receivers' values of the run at hand.</summary>
        public Dictionary<PatchSlot, Tensor> Values { get; } = [];
    }
}
