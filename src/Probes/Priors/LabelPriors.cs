using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Three priors of a language model about a labelling task. Format: how much probability demonstrations move to the labels at all. Semantic: what
/// the model says of the labels before any demonstration, to texts and to inputs without content (Zhao et al. 2021). Structure: what it gains from
/// texts standing with their own labels, against pairs at random and against texts or labels of another kind (Min et al. 2022). Members are thread-safe.
/// </summary>
/// <remarks>
/// Labels are read by the first token that tells them apart, at the end of each prompt. Demonstrations are tokenized and run once for all queries. Shuffled pairs keep the
/// labels and their counts (Min et al. draw labels anew), so that nothing but the pairing differs.
/// </remarks>
public static class LabelPriors
{
    /// <summary>Measures the priors: 2 + 4 * draws runs over all queries.</summary>
    /// <param name="model">A model with a tokenizer.</param>
    /// <param name="texts">The task.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">An option is out of range, there are too few texts, or two labels begin with the same token.</exception>
    /// <exception cref="UnsupportedModelException">The model has no tokenizer.</exception>
    /// <exception cref="InvalidTokensException">A prompt is longer than the model's context.</exception>
    public static LabelPriorResult Measure(LanguageModel model, LabelledTexts texts, LabelPriorOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(texts);
        options ??= new();
        options.Validate();
        var trial = new LabelTrial(model, texts, options, cancellationToken);
        int labels = trial.Labels.Count, queries = trial.Asked.Length;
        var bootstrap = new BootstrapInterval(queries, options.Seed);

        double[][] without = trial.WithoutDemonstrations(), contentFree = trial.ContentFree();
        progress?.Report(0.08);
        double[][][] Answers(DemonstrationKind kind, int done)
        {
            var answers = trial.With(kind);
            progress?.Report(0.08 + 0.92 * done / 4);
            return answers;
        }
        double[][][] paired = Answers(DemonstrationKind.True, 1);
        double[] right = trial.Accuracy(paired), rightWithout = trial.Accuracy([without]);
        double[] mass = [.. Enumerable.Range(0, queries).Select(q => paired.Average(draw => draw[q].Sum()))], massWithout = [.. without.Select(p => p.Sum())];
        double[][] among = [.. without.Select(Normalised)];

        return new LabelPriorResult
        {
            Model = model.Name,
            Labels = trial.Labels,
            Queries = queries,
            Demonstrations = options.Demonstrations,
            Draws = options.Draws,
            Seed = options.Seed,
            MassWithout = Mean(massWithout),
            MassWith = Mean(mass),
            Format = Difference(mass, massWithout),
            Semantic = [.. trial.Labels.Select((word, label) => new LabelSemanticPrior
            {
                Label = word,
                Share = (double)trial.Asked.Count(i => texts.Labels[i] == label) / queries,
                WithoutDemonstrations = Mean([.. among.Select(p => p[label])]),
                Difference = Mean([.. among.Select(p => p[label] - (1.0 / labels))]),
                ContentFree = contentFree.Average(p => Normalised(p)[label]),
            })],
            AccuracyWithout = Mean(rightWithout),
            AccuracyWithoutAboveGuess = Mean([.. rightWithout.Select(r => r - (1.0 / labels))]),
            AccuracyTrue = Mean(right),
            ShuffledPairs = Structure(DemonstrationKind.ShuffledPairs, 2),
            ForeignTexts = Structure(DemonstrationKind.ForeignTexts, 3),
            ForeignLabels = Structure(DemonstrationKind.ForeignLabels, 4),
        };

        QueryMean Mean(double[] values) => new(values.Average(), bootstrap.OfMean(values));

        QueryMean Difference(double[] of, double[] from) => Mean([.. of.Zip(from, (a, b) => a - b)]);

        StructurePrior Structure(DemonstrationKind kind, int done)
        {
            double[] other = trial.Accuracy(Answers(kind, done));
            return new StructurePrior { Accuracy = Mean(other), Difference = Difference(right, other) };
        }
    }

    // A label set that has no probability at all says nothing about its labels.
    private static double[] Normalised(double[] probabilities) =>
        probabilities.Sum() is > 0 and var sum ? [.. probabilities.Select(p => p / sum)] : [.. probabilities.Select(_ => 1.0 / probabilities.Length)];
}
