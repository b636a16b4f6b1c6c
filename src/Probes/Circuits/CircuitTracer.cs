using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Finds the circuit behind a behaviour: from the logits back through the heads and MLPs that feed them, by path patching
/// (Wang et al. 2022, arXiv:2211.00593, section 3.1), one edge of the clean run at a time carrying its corrupted value.
/// </summary>
/// <remarks>
/// <para>
/// An edge belongs to the circuit if it moves the metric in a sign-flip test (Benjamini-Hochberg over the edges of one step, q below
/// <see cref="CircuitOptions.Alpha"/>) and the near end of its effect's interval reaches <see cref="CircuitOptions.Threshold"/>. With fewer rows than
/// a test needs, max(16, log2(2 edges / alpha)), the effect's size or its interval decides alone and p and q are null. Edges are broken in the clean
/// run and not restored in the corrupted one, as a circuit all of whose edges are needed does nothing with one of them restored.
/// </para>
/// <para>Members are thread-safe. The same seed gives the same circuit.</para>
/// </remarks>
public static class CircuitTracer
{
    internal const int DefaultPeriod = 20;
    internal const int DefaultSequences = 32;

    /// <summary>
    /// Traces copying, <see cref="PatchMetric.CopyLogitDifference"/>, on repeated sequences. The corrupted rows are unrelated: fresh
    /// tokens, none of them in the row and none twice, so that what every token says differs. Positions and a first BOS are the same in both,
    /// so paths that carry nothing else (a previous-token head's queries and keys) cannot show.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="sequences">The sequences; null for 32 with a period of min(20, (context - 1) / 2, usable ids / 3) from the options' seed.</param>
    /// <param name="options">Settings; null for the stated protocol.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">An option is out of range, or context or vocabulary are too small.</exception>
    public static Circuit TraceCopying(
        LanguageModel model, RepeatedSequences? sequences = null, CircuitOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new();
        options.Validate();
        sequences ??= Draw(model, DefaultSequences, null, options.Seed);
        var corrupted = UnrelatedRows.Of(model, sequences, options.Seed);
        options = options with { Heads = options.Heads ?? HeadDetector.Detect(model, sequences.Tokens, new HeadDetectionOptions { Seed = options.Seed, TransformerLens = false, Copying = false }, cancellationToken: cancellationToken) };
        return Trace(model, sequences.Tokens, corrupted, PatchMetric.CopyLogitDifference(sequences.Shape), options, progress, cancellationToken) with { Protocol = sequences.Protocol };
    }

    /// <summary>Sequences for <see cref="TraceCopying"/>; a period of null is the stated one.</summary>
    internal static RepeatedSequences Draw(LanguageModel model, int sequences, int? period, int seed) =>
        RepeatedSequences.Generate(model, sequences, period ?? UnrelatedRows.LargestPeriod(model, DefaultPeriod), seed: seed);

    /// <summary>Traces the difference of a metric between clean and corrupted rows.</summary>
    /// <param name="model">The model.</param>
    /// <param name="clean">Rows that show the behaviour.</param>
    /// <param name="corrupted">Rows that do not; row i as long as clean row i.</param>
    /// <param name="metric">The metric; its targets are those of the clean rows.</param>
    /// <param name="options">Settings; null for the stated protocol.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">An option is out of range, clean and corrupted rows differ in number or length, or the model has too many edges to patch each and the metric no gradient.</exception>
    /// <exception cref="ModelFormatException">The metric is no number.</exception>
    /// <exception cref="InvalidDataException">The results file is another search's.</exception>
    public static Circuit Trace(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, PatchMetric metric, CircuitOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(metric);
        options ??= new();
        options.Validate();
        var config = model.Config;
        int all = PathPatching.AllEdges(config).Count;
        using var file = options.ResultsFile is { } path ? new SweepFile(path, SweepIdentity.OfCircuit(model, clean, corrupted, metric, options), MostNumbers(options, clean.Count, all)) : null;
        var ends = CircuitPatching.Run(model, clean, corrupted, [], metric, cancellationToken: cancellationToken);
        var test = new EdgeTest(options, clean.Count, all);
        double[] differences = [.. ends.Full.Zip(ends.Empty, (full, empty) => full - empty)];
        double difference = differences.Average();
        var interval = test.IntervalOf(differences);
        double? p = test.PValues([differences], cancellationToken)?[0];
        var search = new CircuitSearch(model, clean, corrupted, metric, options, test, difference, file);
        bool differs = test.IsThere(difference, interval, p, options.LeastDifference);
        if (differs) search.Run(progress.Part(0, 0.6), cancellationToken);

        var edges = search.Edges;
        var circuit = new Circuit
        {
            Model = model.Name,
            Metric = metric.Name,
            Verdict = !differs ? CircuitVerdicts.NoDifference : edges.Count == 0 ? CircuitVerdicts.NoEdges : CircuitVerdicts.Found,
            Clean = ends.Full.Average(),
            Corrupted = ends.Empty.Average(),
            DifferenceInterval = interval,
            DifferenceP = p,
            Nodes = Nodes(edges, options.Heads),
            Edges = edges,
            ModelEdges = all,
            PatchedEdges = search.Patched,
            ScreenedEdges = search.Screened,
            Rows = clean.Count,
            Options = options,
            HeadsPerKeyHead = config.Heads / config.KeyHeads,
        };
        if (edges.Count > 0)
        {
            circuit = WithComposition(circuit, model, cancellationToken);
            var sets = SetsToJudge(circuit, config);
            circuit = Judge(circuit, CircuitPatching.Run(model, clean, corrupted, sets, metric, file, progress.Part(0.6, 1), cancellationToken), test);
        }
        file?.End();
        progress?.Report(1);
        return circuit;
    }

    /// <summary>The most numbers that the results file of a search can hold.</summary>
    private static long MostNumbers(CircuitOptions options, int rows, int edges)
    {
        long patched = Math.Min(edges, options.MaxPatchedEdges), sets = 2 + patched + options.RandomCircuits;
        return edges + 1L + ((patched + sets) * (2L * rows)); // a line's own number beside as little as one value
    }

    private static CircuitNode[] Nodes(List<CircuitEdge> edges, HeadDetectionResult? heads)
    {
        if (edges.Count == 0) return [];
        var senders = edges.Select(e => e.Path.Sender).Distinct().OrderBy(s => s.Layer).ThenBy(s => s.Head is null).ThenBy(s => s.Head);
        return [.. senders.Select(CircuitNode.Of).Select(node => node with { Role = RoleOf(node, heads) }), CircuitNode.Logits];
    }

    private static HeadKind? RoleOf(CircuitNode node, HeadDetectionResult? heads)
    {
        if (heads is null || node is not { Kind: CircuitNodeKind.Head, Layer: { } layer, Head: { } head }) return null;
        HeadKind[] roles = [.. Enum.GetValues<HeadKind>().Where(kind => heads[layer, head][kind].Verdict == HeadVerdicts.Of(kind))];
        return roles.Length == 0 ? null : roles[0];
    }

    private static Circuit WithComposition(Circuit circuit, LanguageModel model, CancellationToken cancellation)
    {
        static CompositionKind? KindOf(PathEdge edge) => edge.Sender.Head is null ? null : edge.Receiver.Input switch
        {
            PathInput.Query => CompositionKind.Query,
            PathInput.Key => CompositionKind.Key,
            PathInput.Value => CompositionKind.Value,
            _ => null,
        };
        var wanted = circuit.Edges.Where(e => KindOf(e.Path) is not null).Select(e => (KindOf(e.Path)!.Value, e.Path.Sender.Layer, e.Path.Receiver.Layer)).ToHashSet();
        if (wanted.Count == 0) return circuit;
        var scores = CompositionScores.Compute(model, circuit.Options.Seed, draws: 100, (kind, earlier, later) => wanted.Contains((kind, earlier, later)), cancellation);
        return circuit with
        {
            Edges = [.. circuit.Edges.Select(edge => edge with
            {
                Composition = KindOf(edge.Path) is not { } kind ? null : circuit.Ends(edge)
                    .Select(end => Compose(kind, new HeadId(edge.Path.Sender.Layer, edge.Path.Sender.Head!.Value), new HeadId(end.Layer!.Value, end.Head!.Value)))
                    .MaxBy(composition => composition.Score),
            })],
        };

        EdgeComposition Compose(CompositionKind kind, HeadId earlier, HeadId later) =>
            new(scores[kind][earlier.Layer][earlier.Head][later.Layer][later.Head], scores.ZScore(kind, earlier, later));
    }

    /// <summary>The circuit, all but the circuit, the circuit without each of its edges, and random ones.</summary>
    private static PathEdge[][] SetsToJudge(Circuit circuit, DecoderConfig config)
    {
        PathEdge[] paths = [.. circuit.Edges.Select(e => e.Path)];
        return [paths, [.. PathPatching.AllEdges(config).Except(paths)], .. paths.Select(path => paths.Where(other => other != path).ToArray()),
            .. CircuitControls.Draw(config, paths, circuit.Options.RandomCircuits, circuit.Options.Seed)];
    }

    private static Circuit Judge(Circuit circuit, CircuitPatchingResult runs, EdgeTest test)
    {
        double difference = circuit.Clean - circuit.Corrupted;
        double[][] kept = [.. runs.Values.Select(values => values.Zip(runs.Empty, (value, empty) => (value - empty) / difference).ToArray())]; // [set][row]: as shares of the mean difference
        double faithfulness = kept[0].Average();
        double[] lost = [.. kept[1].Zip(runs.Full.Zip(runs.Empty), (left, row) => ((row.First - row.Second) / difference) - left)];
        double[] controls = [.. kept.Skip(2 + circuit.Edges.Count).Select(values => values.Average())];
        CircuitEdge[] edges = [.. circuit.Edges.Select((edge, i) => edge with { Removal = faithfulness - kept[2 + i].Average() })];
        return circuit with
        {
            Edges = edges,
            Evaluation = new CircuitEvaluation
            {
                Faithfulness = faithfulness,
                FaithfulnessInterval = test.IntervalOf(kept[0]),
                Completeness = lost.Average(),
                CompletenessInterval = test.IntervalOf(lost),
                Minimality = edges.Min(e => e.Removal!.Value),
                Random = controls.Length == 0 ? null : new RandomCircuits(controls.Length, controls.Average(), controls.Max(), controls.Count(c => c >= faithfulness) / (double)controls.Length),
            },
        };
    }
}
