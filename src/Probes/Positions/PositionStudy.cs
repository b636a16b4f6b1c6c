namespace MlNetIcl.Probes;

/// <summary>
/// Trains small decoders that differ in their encoding of positions alone on one in-context task, and measures how much they rely on the first
/// and the last demonstration, which of two contradicting ones they follow, and how they do with more demonstrations than they were trained on.
/// Members are thread-safe; while they run torch uses one thread in the whole process, so that results don't depend on the number of cores.
/// </summary>
/// <remarks>
/// The task: demonstrations of a mapping from keys to values drawn anew for every row, then a key (associative recall). Encodings as in
/// Vaswani et al. 2017, Press et al. 2021 and 2022, Raffel et al. 2020, Su et al. 2021, and none as in Kazemnejad et al. 2023. Two blocks of
/// attention without MLP, four heads, AdamW. 'The first demonstrations weigh more' and 'ALiBi extrapolates' are claims to test: Zhao et al. 2021
/// found recency, and extrapolation of ALiBi was shown for perplexity.
/// </remarks>
public static class PositionStudy
{
    private const int PairsOfARow = 16; // contradictions are cheap, and their shares vary more
    private const int PilotSeed = -1; // of the decoders that the learning rate is chosen with, and that are not measured

    /// <summary>Trains and measures all encodings.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static PositionStudyResult Run(PositionStudyOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        var bootstrap = new SeedBootstrap(options.Seeds, options.Rows, options.Seed);
        var results = new List<PositionSchemeResult>();
        TorchThreads.One(() =>
        {
            for (int i = 0; i < options.Schemes.Count; i++)
                results.Add(Measure(options.Schemes[i], options, bootstrap, progress.Part((double)i / options.Schemes.Count, (i + 1.0) / options.Schemes.Count), cancellationToken));
        });
        return new() { Options = options, Chance = 1.0 / DemonstrationTask.Values, Schemes = results };
    }

    private static PositionSchemeResult Measure(PositionScheme scheme, PositionStudyOptions options, SeedBootstrap bootstrap, IProgress<double>? progress, CancellationToken cancellation)
    {
        int done = 0, runs = options.Seeds + (options.LearningRates.Count > 1 ? options.LearningRates.Count : 0);
        var candidates = options.LearningRates.Count == 1 ? [] : options.LearningRates.Select(rate =>
        {
            using var pilot = Trained(PilotSeed, rate);
            return (rate, pilot.HeldOutLoss(cancellation));
        }).ToArray();
        double chosen = candidates.Length == 0 ? options.LearningRates[0] : candidates.MinBy(c => c.Item2).rate;

        var losses = new List<double>();
        var measured = new List<Measurement>();
        for (int seed = 0; seed < options.Seeds; seed++)
        {
            using var trainer = Trained(seed, chosen);
            losses.Add(trainer.HeldOutLoss(cancellation));
            measured.Add(Measurement.Of(trainer, seed, options, cancellation));
        }
        return new()
        {
            Scheme = scheme,
            LearningRate = chosen,
            Candidates = candidates,
            HeldOutLosses = losses,
            Trained = Reliance([.. measured.Select(m => m.Trained!)], bootstrap),
            Longest = measured[0].Longest is null ? null : Reliance([.. measured.Select(m => m.Longest!)], bootstrap),
            ByLength = [.. options.TestedDemonstrations.Select((n, i) => (n, measured[0].ByLength[i] is null ? (Estimate?)null : bootstrap.Of([.. measured.Select(m => m.ByLength[i]!)])))],
            Conflict = new()
            {
                FirstWins = bootstrap.Of([.. measured.Select(m => m.FirstWins)]),
                LastWins = bootstrap.Of([.. measured.Select(m => m.LastWins)]),
                FirstDemonstrationPull = bootstrap.Of([.. measured.Select(m => m.Pull)]),
            },
        };

        PositionTrainer Trained(int seed, double rate)
        {
            var trainer = new PositionTrainer(scheme, unchecked((options.Seed * 1009) + seed), rate, options);
            try
            {
                trainer.Train(options.Steps, (step, _) => progress?.Report((done + ((double)step / options.Steps)) / runs), cancellation);
                done++;
                return trainer;
            }
            catch
            {
                trainer.Dispose();
                throw;
            }
        }
    }

    /// <param name="correct">[seed][row][position]: 1 where the answer is right.</param>
    /// <param name="bootstrap">Over seeds and rows.</param>
    private static DemonstrationReliance Reliance(double[][][] correct, SeedBootstrap bootstrap)
    {
        int count = correct[0][0].Length;
        Estimate Over(Func<double[], double> ofRow) => bootstrap.Of([.. correct.Select(rows => rows.Select(ofRow).ToArray())]);
        double Against(double[] row, int position) => row[position] - ((row.Sum() - row[position]) / (count - 1));
        return new()
        {
            ByPosition = [.. Enumerable.Range(0, count).Select(position => Over(row => row[position]))],
            First = Over(row => Against(row, 0)),
            Last = Over(row => Against(row, count - 1)),
        };
    }

    /// <summary>What one decoder answered, by row. All encodings and seeds are asked the same questions.</summary>
    private sealed record Measurement(double[][]? Trained, double[][]? Longest, double[]?[] ByLength, double[] FirstWins, double[] LastWins, double[] Pull)
    {
        public static Measurement Of(PositionTrainer trainer, int seed, PositionStudyOptions options, CancellationToken cancellation)
        {
            var random = new SeededRandom(unchecked((options.Seed * 1009) + seed), RandomStream.DemonstrationQuestions);
            int trained = options.TrainedDemonstrations, longest = options.TestedDemonstrations[^1];
            var atTrained = ByPosition(DemonstrationTask.Recall(random, options.Rows, trained, everyPosition: true), trained);
            var atLongest = longest > 1 ? ByPosition(DemonstrationTask.Recall(random, options.Rows, longest, everyPosition: true), longest) : null;
            double[]?[] byLength = [.. options.TestedDemonstrations.Select(n => Correct(DemonstrationTask.Recall(random, options.Rows, n, everyPosition: false)))];

            var conflict = DemonstrationTask.Conflict(random, 2 * PairsOfARow * options.Rows, trained);
            int[] answers = trainer.Answers(conflict, cancellation)!;
            double[] first = [.. answers.Select((a, i) => a == conflict[i].Answer ? 1.0 : 0)], last = [.. answers.Select((a, i) => a == conflict[i].Rival ? 1.0 : 0)];
            return new(atTrained, atLongest, byLength, Pairs(first, (a, b) => (a + b) / 2), Pairs(last, (a, b) => (a + b) / 2), Pairs(first, (a, b) => a - b));

            double[]? Correct(Question[] questions) => trainer.Answers(questions, cancellation)?.Select((answer, i) => answer == questions[i].Answer ? 1.0 : 0).ToArray();
            double[][]? ByPosition(Question[] questions, int count) => Correct(questions)?.Chunk(count).ToArray();
            double[] Pairs(double[] values, Func<double, double, double> of) => [.. values.Chunk(2).Select(pair => of(pair[0], pair[1])).Chunk(PairsOfARow).Select(pairs => pairs.Average())];
        }
    }
}
