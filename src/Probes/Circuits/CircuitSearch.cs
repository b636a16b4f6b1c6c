using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Goes backwards from the logits: at each step all edges into the nodes found in one block are patched, and the senders of those that
/// count are nodes from then on. A node comes after all that it feeds, so each edge is judged once.
/// </summary>
internal sealed class CircuitSearch(LanguageModel model, TokenBatch clean, TokenBatch corrupted, PatchMetric metric, CircuitOptions options, EdgeTest test, double difference, SweepFile? file)
{
    /// <summary>Bound on the changes of senders that are held at one time.</summary>
    private const long MaxChangeBytes = 256L << 20;

    /// <summary>About the share of a search that its estimates take.</summary>
    private const double Screening = 0.2;

    private readonly IReadOnlyList<PathEdge> _all = PathPatching.AllEdges(model.Config);
    private readonly HashSet<PathSender> _found = [];
    private Dictionary<PathEdge, double>? _estimates;
    private double _least; // of an estimate, so that its edge is patched

    public List<CircuitEdge> Edges { get; } = [];

    public int Patched { get; private set; }

    public int Screened { get; private set; }

    public void Run(IProgress<double>? progress, CancellationToken cancellation)
    {
        var config = model.Config;
        double searched = 0; // the share of the search that comes before its first step
        if (_all.Count > options.MaxPatchedEdges)
        {
            _estimates = Estimate(progress.Part(0, Screening), cancellation);
            _least = LeastEstimate();
            searched = Screening;
        }
        progress = progress.Part(searched, 1);
        int done = 0, steps = 1 + (2 * config.Layers);
        foreach (var edges in Backwards(_found))
        {
            Judge(edges, progress.Part((double)done / steps, (done + 1.0) / steps), cancellation);
            progress?.Report((double)++done / steps);
        }
    }

    /// <summary>Step by step all edges into the nodes found so far, from the logits back; what a step finds is to be added before the next one.</summary>
    private IEnumerable<PathEdge[]> Backwards(HashSet<PathSender> found)
    {
        var config = model.Config;
        yield return Into([new PathReceiver(PathInput.Logits)]);
        for (int layer = config.Layers - 1; layer >= 0; layer--)
        {
            yield return Into(found.Contains(new(layer, null)) ? [new PathReceiver(PathInput.Mlp, layer)] : []);
            yield return Into(found.Where(s => s.Layer == layer && s.Head is not null).SelectMany(s => PathRules.InputsOf(new HeadId(layer, s.Head!.Value), config)).Distinct().OrderBy(r => r.Input).ThenBy(r => r.Head));
        }

        PathEdge[] Into(IEnumerable<PathReceiver> receivers) =>
            [.. receivers.SelectMany(receiver => PathRules.Before(receiver, config).Select(sender => new PathEdge(sender, receiver)))];
    }

    private void Judge(PathEdge[] edges, IProgress<double>? progress, CancellationToken cancellation)
    {
        if (edges.Length == 0) return;
        edges = Screen(edges);
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

    /// <summary>All edges, where the model has no more than may be patched; else those with large estimates. In the order given.</summary>
    private PathEdge[] Screen(PathEdge[] edges)
    {
        if (_estimates is null) return edges;
        PathEdge[] kept = [.. edges.Where(edge => Size(edge) >= _least).Take(options.MaxPatchedEdges - Patched)];
        Screened += edges.Length - kept.Length;
        return kept;
    }

    private double Size(PathEdge edge) => Math.Abs(_estimates![edge]);

    /// <summary>
    /// The least estimate with which a search by estimates alone, from the logits back to the embedding, meets no more edges than may be patched, and at
    /// least half the threshold. One bound for the whole model: were what is near the logits served first, nothing would be left for what feeds it.
    /// </summary>
    private double LeastEstimate()
    {
        if (_estimates!.Values.All(estimate => estimate == 0))
            throw new ArgumentException($"The model has {_all.Count} edges, of which at most {options.MaxPatchedEdges} may be patched, and {metric.Name} has no gradient by which to choose them. Use another metric, or raise {nameof(CircuitOptions.MaxPatchedEdges)}.");
        double least = options.Threshold / 2 * Math.Abs(difference);
        double[] sizes = [.. _estimates.Values.Select(Math.Abs).Where(size => size > least).Distinct().Prepend(least).Order()];
        int low = 0, high = sizes.Length - 1; // what is met shrinks as the bound grows
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Met(sizes[middle]) <= options.MaxPatchedEdges) high = middle;
            else low = middle + 1;
        }
        return sizes[low];
    }

    /// <summary>How many edges a search by estimates alone meets.</summary>
    private int Met(double least)
    {
        int met = 0;
        var found = new HashSet<PathSender>();
        foreach (var edges in Backwards(found))
            foreach (var edge in edges.Where(edge => Size(edge) >= least))
            {
                met++;
                if (edge.Sender != PathSender.Embedding) found.Add(edge.Sender);
            }
        return met;
    }

    private Dictionary<PathEdge, double> Estimate(IProgress<double>? progress, CancellationToken cancellation)
    {
        double[] estimates = file?.Take([_all.Count]).SingleOrDefault() ?? Computed();
        return Enumerable.Range(0, _all.Count).ToDictionary(i => _all[i], i => estimates[i]);

        double[] Computed()
        {
            double[] values = EdgeScreen.Estimate(model, clean, corrupted, _all, metric, progress, cancellation);
            file?.Append(values);
            return values;
        }
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
            var run = PathPatching.Run(model, clean: corrupted, corrupted: clean, sets, metric, options.Sweep with { File = file }, part, cancellation);
            for (int i = 0; i < sets.Length; i++)
                lost.Add(sets[i][0], [.. run.CorruptedValues.Zip(run.RowValues[i], (before, after) => before - after)]);
        }
        return [.. edges.Select(edge => lost[edge])];
    }
}
