using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What a path ends in.</summary>
public enum PathInput
{
    /// <summary>A head's queries.</summary>
    Query,

    /// <summary>A key head's keys.</summary>
    Key,

    /// <summary>A key head's values.</summary>
    Value,

    /// <summary>A block's MLP.</summary>
    Mlp,

    /// <summary>The final norm and the unembedding.</summary>
    Logits,
}

/// <summary>Where a path starts: a head's output, with no head an MLP's, or the <see cref="Embedding"/>.</summary>
/// <param name="Layer">The block, from 0; -1 for the embedding.</param>
/// <param name="Head">The query head, from 0; null for the block's MLP and for the embedding.</param>
public readonly record struct PathSender(int Layer, int? Head)
{
    /// <summary>The residual stream before the first block: the tokens' embedding, with the positions' where a model adds them there.</summary>
    public static PathSender Embedding => new(-1, null);

    /// <summary>The site that holds what is sent.</summary>
    internal Site Site => this == Embedding ? Site.ResidPre(0) : new(Head is null ? SiteKind.MlpOut : SiteKind.Z, Layer);
}

/// <summary>Where a path ends.</summary>
/// <param name="Input">What reads the residual stream there.</param>
/// <param name="Layer">The block, from 0; not used for the logits.</param>
/// <param name="Head">The query head, or at keys and values the key head; not used for MLP and logits.</param>
public readonly record struct PathReceiver(PathInput Input, int Layer = 0, int Head = 0);

/// <summary>One path through the residual stream, past everything between.</summary>
/// <param name="Sender">The start.</param>
/// <param name="Receiver">The end, later than the start.</param>
public readonly record struct PathEdge(PathSender Sender, PathReceiver Receiver);

/// <summary>What path patches do to the metric, beside the two runs without a patch.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Clean">Metric of the clean run, mean over the rows.</param>
/// <param name="Corrupted">Metric of the corrupted run, mean over the rows.</param>
/// <param name="Values">The patched metric of each set of edges, mean over the rows, in the order of the sets.</param>
public sealed record PathPatchingResult(string Metric, double Clean, double Corrupted, IReadOnlyList<double> Values)
{
    /// <summary>[set][row]: the patched metric of each row.</summary>
    public IReadOnlyList<double[]> RowValues { get; init; } = [];

    /// <summary>Metric of each corrupted row.</summary>
    public IReadOnlyList<double> CorruptedValues { get; init; } = [];

    /// <summary>(patched - corrupted) / (clean - corrupted) of a set, or null where clean and corrupted have the same metric.</summary>
    public double? Normalised(int set) => Clean == Corrupted ? null : (Values[set] - Corrupted) / (Clean - Corrupted);
}

/// <summary>
/// Path patching (Wang et al. 2022, arXiv:2211.00593, section 3.1; Goldowsky-Dill et al. 2023, arXiv:2304.05969): what a sender's clean
/// value does to the corrupted run along chosen paths alone. Members are thread-safe.
/// </summary>
/// <remarks>
/// An edge adds its sender's change (clean minus corrupted, both from the runs without a patch) to what its receiver reads from the
/// residual stream, before the norm; whatever lies between keeps its own value, and everything after a receiver is recomputed. All edges of a sender
/// together equal activation patching of it.
/// </remarks>
public static class PathPatching
{
    /// <summary>Patches sets of edges, the edges of a set together.</summary>
    /// <param name="model">The model.</param>
    /// <param name="clean">Rows that show the behaviour.</param>
    /// <param name="corrupted">Rows that do not; row i as long as clean row i.</param>
    /// <param name="sets">The edges, set by set.</param>
    /// <param name="metric">What is read from each run.</param>
    /// <param name="options">How runs are stacked; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">A sender or receiver does not exist, a receiver does not come after its sender, or clean and corrupted rows differ in number or length.</exception>
    public static PathPatchingResult Run(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, IReadOnlyList<IReadOnlyList<PathEdge>> sets, PatchMetric metric,
        SweepOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(sets);
        ArgumentNullException.ThrowIfNull(metric);
        PromptPair.Require(clean, corrupted);
        foreach (var edge in sets.SelectMany(s => s)) PathRules.Require(edge, model.Config);

        using var scope = NewDisposeScope();
        PathSender[] senders = [.. sets.SelectMany(s => s).Select(e => e.Sender).Distinct()];
        var (changes, cleanMetric) = Changes(model, clean, corrupted, senders, metric, cancellationToken);
        int first = PromptPair.FirstDifference(clean, corrupted);
        string from = SweepIdentity.OfTokens(clean);
        var receivers = new PathReceivers(model, corrupted, changes, first, cancellationToken);
        Patch[] patches = [.. sets.Select(set => receivers.PatchOf(set) with { Identity = $"{string.Join(' ', set)} of {from}" })];
        var sweep = PatchSweep.Run(model, corrupted, patches, metric, options, progress, cancellationToken);
        return new PathPatchingResult(metric.Name, cleanMetric, sweep.BaseMean, [.. sweep.Patched.Select(values => values.Average())])
        {
            RowValues = sweep.Patched,
            CorruptedValues = sweep.Base,
        };
    }

    /// <summary>All edges of a model: from the embedding, every head and every MLP to all that comes after, sender by sender.</summary>
    public static IReadOnlyList<PathEdge> AllEdges(DecoderConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return [.. PathRules.Senders(config).SelectMany(sender => PathRules.After(sender, config).Select(receiver => new PathEdge(sender, receiver)))];
    }

    /// <summary>All receivers that come after a sender, in the order of the forward pass: the ends of all its paths.</summary>
    /// <exception cref="ArgumentException">The model has no such sender.</exception>
    public static IReadOnlyList<PathReceiver> ReceiversAfter(PathSender sender, DecoderConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        PathRules.Require(sender, config);
        return PathRules.After(sender, config);
    }

    /// <summary>By sender, what its output adds to the residual stream in the clean run minus in the corrupted one [batch, pos, d_model]; in the current dispose scope.</summary>
    internal static (Dictionary<PathSender, Tensor> Changes, double Clean) Changes(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, PathSender[] senders, PatchMetric metric, CancellationToken cancellation)
    {
        Site[] sites = [.. senders.Select(s => s.Site).Distinct()];
        var (cleanRun, values) = PatchSweep.Measure(model, clean, new ForwardPlan().Capture(sites), metric, cancellation);
        using var of = cleanRun;
        metric.RequireFinite(model, values);
        if (sites.Length == 0) return ([], values.Average());
        using var from = model.Run(corrupted, new ForwardPlan().Capture(sites), cancellation);
        var changes = senders.ToDictionary(sender => sender, sender =>
        {
            using var scope = NewDisposeScope();
            var change = of[sender.Site] - from[sender.Site];
            if (sender.Head is { } head)
            {
                int width = model.Config.DHead;
                change = nn.functional.linear(change.select(2, head), model.Weights.Blocks[sender.Layer].Output.narrow(1, (long)head * width, width));
            }
            return change.MoveToOuterDisposeScope();
        });
        return (changes, values.Average());
    }
}
