using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Goes backwards from the logits: at each step all edges into the nodes found in one block are patched, and the senders of those that
/// count are nodes from then on. A node comes after all that it feeds, so each edge is judged once.
/// </summary>
internal sealed class CircuitSearch(LanguageModel model, TokenBatch clean, TokenBatch corrupted, PatchMetric metric, CircuitOptions options, EdgeTest test, double difference)
{
    /// <summary>Bound on the changes of senders that are held at one time.</summary>
    private const long MaxChangeBytes = 256L << 20;

    private readonly IReadOnlyList<PathEdge> _all = PathPatching.AllEdges(model.Config);
    private readonly HashSet<PathSender> _found = [];
    private Dictionary<PathEdge, double>? _estimates;

    public List<CircuitEdge> Edges { get; } = [];

    public int Patched { get; private set; }

    public int Screened { get; private set; }

    public void Run(IProgress<double>? progress, CancellationToken cancellation)
    {
        var config = model.Config;
        int done = 0, steps = 1 + (2 * config.Layers);
        Step([new PathReceiver(PathInput.Logits)]);
        for (int layer = config.Layers - 1; layer >= 0; layer--)
        {
            Step(_found.Contains(new(layer, null)) ? [new PathReceiver(PathInput.Mlp, layer)] : []);
            Step([.. _found.Where(s => s.Layer == layer && s.Head is not null).SelectMany(s => PathRules.InputsOf(new HeadId(layer, s.Head!.Value), config)).Distinct().OrderBy(r => r.Input).ThenBy(r => r.Head)]);
        }

        void Step(PathReceiver[] receivers)
        {
            PathEdge[] edges = [.. receivers.SelectMany(receiver => PathRules.Before(receiver, config).Select(sender => new PathEdge(sender, receiver)))];
            Judge(edges, progress.Part((double)done / steps, (done + 1.0) / steps), cancellation);
            progress?.Report((double)++done / steps);
        }
    }

    private void Judge(PathEdge[] edges, IProgress<double>? progress, CancellationToken cancellation)
    {
        if (edges.Length == 0) return;
        edges = Screen(edges, cancellation);
        if (edges.Length == 0) return;
        double[][] lost = Lost(edges, progress, cancellation);
        Patched += edges.Length;
        var p = test.PValues(lost, cancellation);
        var q = p is null ? null : BenjaminiHochberg.QValues(p);
        for (int i = 0; i < edges.Length; i++)
        {
            double effect = lost[i].Average() / difference;
            var interval = Share(test.IntervalOf(lost[i]));
            if (!test.IsThere(effect, interval, q?[i], options.Threshold)) continue;
            Edges.Add(new CircuitEdge { Path = edges[i], Effect = effect, Interval = interval, P = p?[i], Q = q?[i] });
            if (edges[i].Sender != PathSender.Embedding) _found.Add(edges[i].Sender);
        }
    }

    /// <summary>
    /// All edges, where the model has no more than may be patched; else those whose estimate is at least half the threshold, the largest
    /// ones first, as far as half of what is left of the budget reaches, so that later steps have some. In the order given.
    /// </summary>
    private PathEdge[] Screen(PathEdge[] edges, CancellationToken cancellation)
    {
        if (_all.Count <= options.MaxPatchedEdges) return edges;
        _estimates ??= EdgeScreen.Estimate(model, clean, corrupted, _all, metric, cancellation);
        if (_estimates.Values.All(estimate => estimate == 0))
            throw new ArgumentException($"The model has {_all.Count} edges, of which at most {options.MaxPatchedEdges} may be patched, and {metric.Name} has no gradient by which to choose them. Use another metric, or raise {nameof(CircuitOptions.MaxPatchedEdges)}.");
        double least = options.Threshold / 2 * Math.Abs(difference);
        int left = options.MaxPatchedEdges - Patched, room = left - (left / 2);
        PathEdge[] kept = [.. Enumerable.Range(0, edges.Length).Where(i => Size(i) >= least).OrderByDescending(Size).Take(room).Order().Select(i => edges[i])];
        Screened += edges.Length - kept.Length;
        return kept;

        double Size(int i) => Math.Abs(_estimates[edges[i]]);
    }

    private Interval? Share(Interval? lost) => lost is not { } i ? null
        : difference > 0 ? new(i.Low / difference, i.High / difference) : new(i.High / difference, i.Low / difference);

    /// <summary>[edge][row]: the clean run's metric minus that of the run in which this edge carries the corrupted value.</summary>
    private double[][] Lost(PathEdge[] edges, IProgress<double>? progress, CancellationToken cancellation)
    {
        double bytes = 4.0 * clean.Count * clean.MaxLength * model.Config.DModel;
        int senders = (int)Math.Max(1, MaxChangeBytes / bytes);
        var lost = new Dictionary<PathEdge, double[]>();
        foreach (var some in edges.GroupBy(e => e.Sender).Chunk(senders))
        {
            PathEdge[][] sets = [.. some.SelectMany(g => g).Select(edge => (PathEdge[])[edge])];
            var part = progress.Part((double)lost.Count / edges.Length, (double)(lost.Count + sets.Length) / edges.Length);
            var run = PathPatching.Run(model, clean: corrupted, corrupted: clean, sets, metric, options.Sweep, part, cancellation);
            for (int i = 0; i < sets.Length; i++)
                lost.Add(sets[i][0], [.. run.CorruptedValues.Zip(run.RowValues[i], (before, after) => before - after)]);
        }
        return [.. edges.Select(edge => lost[edge])];
    }
}
