namespace MlNetIcl.Probes;

/// <summary>
/// Learns which positions of a sequence decide which, from rows alone: attention over earlier positions is trained to predict each token, and read as a graph.
/// As in Nichani, Damian &amp; Lee 2024 (arXiv:2402.14735) attention is by position and what follows a parent's value is counted in the row itself, here beside
/// a kernel that all rows share, and by Dirichlet's rule. Members are thread-safe.
/// </summary>
/// <remarks>
/// <para>Short trainings from several starts, for rows with one kernel to rows with kernels of their own, decide where the long one starts: where the training rows are predicted best. It is compared
/// with one without parents on rows that none has seen: a position whose token is predicted no better with its parents than without (q at
/// <see cref="CausalGraphLearningOptions.Alpha"/>) has none. That is predictive evidence. It tells causes from mere dependence only as far as the positions' order does.</para>
/// <para>Each position has one parent at a time: several share its attention, and an edge then needs a lower threshold. All edges share one kernel.</para>
/// </remarks>
public static class CausalGraphLearner
{
    /// <summary>The shortest rows, in tokens.</summary>
    public const int ShortestSequence = 2;

    /// <summary>The longest rows, in tokens.</summary>
    public const int LongestSequence = 64;

    /// <summary>The most different tokens.</summary>
    public const int MostTokens = 256;

    /// <summary>The fewest rows.</summary>
    public const int FewestRows = 10;

    internal const string Source = "trained on the rows";

    private const int MostHeldOut = 1000, FewestHeldOut = 5;
    private static readonly double[] Concentrations = [30, 3, 0.3]; // what the shared kernel is worth at first, in counts: from afar the other kind of rows is not found
    private const double LastSteps = 0.1; // whose loss decides between trainings

    /// <summary>Learns a graph.</summary>
    /// <param name="rows">Token ids from 0, at least <see cref="FewestRows"/> rows of one length.</param>
    /// <param name="vocabulary">Number of tokens, from 2 to <see cref="MostTokens"/>; null: the largest id and one.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="ArgumentException">There are too few rows, they differ in length, a token is out of range, or an option is.</exception>
    public static LearnedCausalGraph Learn(IReadOnlyList<int[]> rows, int? vocabulary = null, CausalGraphLearningOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count < FewestRows) throw new ArgumentException($"Expected at least {FewestRows} rows to learn a graph from, got {rows.Count}.", nameof(rows));
        int length = rows[0].Length, tokens = vocabulary ?? Math.Max(2, rows.Max(r => r.DefaultIfEmpty().Max()) + 1);
        if (length is < ShortestSequence or > LongestSequence) throw new ArgumentException($"Expected rows of {ShortestSequence} to {LongestSequence} tokens, got {length}.", nameof(rows));
        if (tokens is < 2 or > MostTokens) throw new ArgumentException($"Expected 2 to {MostTokens} different tokens, got {tokens}. Map rare values to one, or number the values that occur.", nameof(vocabulary));
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i].Length != length) throw new ArgumentException($"Expected rows of one length; row 0 has {length} tokens and row {i} has {rows[i].Length}.", nameof(rows));
            foreach (int token in rows[i])
                if (token < 0 || token >= tokens) throw new ArgumentException($"Row {i} holds token {token}: expected 0 to {tokens - 1}.", nameof(rows));
        }
        return Learn(rows, length, tokens, options, progress, cancellationToken);
    }

    private static LearnedCausalGraph Learn(IReadOnlyList<int[]> rows, int length, int vocabulary, CausalGraphLearningOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        int heldOut = Math.Clamp((int)Math.Round(rows.Count * options.HeldOutShare), FewestHeldOut, Math.Min(MostHeldOut, rows.Count - FewestHeldOut));
        int[] order = [.. Enumerable.Range(0, rows.Count)];
        new SeededRandom(options.Seed, RandomStream.CausalHeldOut).DrawToFront(order.AsSpan(), order.Length);
        int[][] test = [.. order[..heldOut].Select(i => rows[i])];
        var training = new CausalRows(rows.Count - heldOut, length, vocabulary);
        for (int i = heldOut; i < rows.Count; i++) rows[order[i]].CopyTo(training.Row(i - heldOut));

        // The likelihood has local optima: short trainings decide where the long one starts.
        int screening = Math.Max(1, options.Steps / 4), all = (2 * options.Steps) + (options.Starts * screening), before = 0;
        var none = Fit(roots: true, start: 0, options.Steps).Attention;
        int best = Enumerable.Range(0, options.Starts).MinBy(start => Fit(roots: false, start, screening).Loss);
        var attention = Fit(roots: false, best, options.Steps).Attention;

        double[][] with = [.. test.Select(row => attention.LogLikelihoods(row))], without = [.. test.Select(row => none.LogLikelihoods(row))];
        double[][] gains = [.. Enumerable.Range(1, length - 1).Select(child => with.Zip(without, (a, b) => a[child] - b[child]).ToArray())];
        double[] p = SignFlipTest.PValues(gains, options.Alpha, options.Seed, cancellation), q = BenjaminiHochberg.QValues(p);
        var bootstrap = new BootstrapInterval(heldOut, options.Seed);
        var map = new EdgeMap(attention.Attention);
        return new(attention, new()
        {
            Source = Source,
            Rows = rows.Count,
            HeldOut = heldOut,
            Map = map,
            Graph = new(map.Graph(options.Threshold).Parents.Select((parents, child) => child == 0 || q[child - 1] >= options.Alpha ? [] : parents)),
            Threshold = options.Threshold,
            Loss = -with.Average(row => row[1..].Average()),
            LossWithoutParents = -without.Average(row => row[1..].Average()),
            Evidence = [.. gains.Select((gain, i) => new ChildEvidence(i + 1, new(gain.Average(), bootstrap.OfMean(gain)), p[i], q[i]))],
        });

        (ParentAttention Attention, double Loss) Fit(bool roots, int start, int steps)
        {
            int draw = start / Concentrations.Length; // 0: even attention
            using var trainer = new ParentAttentionTrainer(length, vocabulary, Concentrations[start % Concentrations.Length], roots,
                draw == 0 ? null : new SeededRandom(unchecked((options.Seed * 1009) + draw), RandomStream.CausalScores), step => options.LearningRate * (1 + Math.Cos(Math.PI * step / steps)) / 2);
            double last = 0;
            trainer.Train(steps, step => training.Sample(new SeededRandom(unchecked((options.Seed * 1_000_003) + step), RandomStream.CausalBatches), options.BatchRows), (done, loss) =>
            {
                if (done > steps * (1 - LastSteps)) last += loss;
                progress?.Report((double)(before + done) / all);
            }, cancellation);
            before += steps;
            return (trainer.ToAttention(), last);
        }
    }
}
