using static System.FormattableString;

namespace MlNetIcl.Probes;

/// <summary>Claim 5: wrong labels among the demonstrations hurt strongly.</summary>
internal sealed class LabelNoiseClaim : Claim
{
    /// <summary>What counts as strong, in points of accuracy lost.</summary>
    internal const double Strong = 10;

    /// <summary>The shares of wrong labels that the verdict is about; the claim names none.</summary>
    internal static readonly double[] Judged = [0.25, 0.5];

    private static readonly double[] Levels = [0, .. Judged, 0.75];

    public override int Number => 5;

    public override string Text => "Wrong labels in the demonstrations hurt strongly.";

    public override string? Source => "against it: Min et al. 2022 (random labels cost 2.6 points on classification); it differs between models";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        bool quick = context.Options.Quick;
        int seeds = quick ? 2 : 5, steps = quick ? 300 : 2000, rows = quick ? 500 : 2000;
        double[] trainedWith = [0, Judged[^1]];
        int[] itemsInRow = [LabellingTask.ItemsInRow[0], LabellingTask.ItemsInRow[^1]];
        // The same rows for every model, and none of the training's: another seed.
        var random = new SeededRandom(unchecked(-1 - context.Options.Seed), RandomStream.Labelling);
        var tests = itemsInRow.Select(items => Levels.Select(level => LabellingTask.Draw(random, rows, level, items)).ToArray()).ToArray();
        var cases = new List<Case>();
        for (int i = 0; i < trainedWith.Length; i++)
        {
            var correct = itemsInRow.Select(_ => Levels.Select(_ => new double[rows]).ToArray()).ToArray(); // [items][level][row]: mean over seeds
            for (int seed = 1; seed <= seeds; seed++)
            {
                double done = ((i * seeds) + seed - 1.0) / (seeds * trainedWith.Length);
                using var model = LabellingTask.Train(unchecked((context.Options.Seed * 1000) + seed), trainedWith[i], steps, progress.Part(0.9 * done, 0.9 * (done + (1.0 / (seeds * trainedWith.Length)))), cancellationToken);
                for (int t = 0; t < tests.Length; t++)
                    for (int level = 0; level < Levels.Length; level++)
                    {
                        double[] right = LabellingTask.Correct(model, tests[t][level], cancellationToken);
                        for (int row = 0; row < rows; row++) correct[t][level][row] += right[row] / seeds;
                    }
            }
            for (int t = 0; t < tests.Length; t++)
                cases.Add(new Case(Invariant($"trained with {100 * trainedWith[i]:0} % wrong, {LabellingTask.Shots / itemsInRow[t]} demonstrations an item"), [.. Levels.Zip(correct[t])], 100.0 / LabellingTask.Labels));
        }
        string votes = string.Join("; ", itemsInRow.Zip(tests, (items, test) => Invariant($"{LabellingTask.Shots / items} an item: {string.Join(", ", test.Select(d => Invariant($"{100 * d.Truth.Zip(d.Vote, (truth, guess) => truth == guess ? 1.0 : 0).Average():0.0}")))} %")));
        string ran = Invariant($"Two-layer models trained here ({seeds} seeds, {steps} steps on labels) on rows of {LabellingTask.Shots} item-label pairs, {LabellingTask.Labels} labels, with right labels or with {100 * Judged[^1]:0} % wrong; tested on {rows} rows with 0, 25, 50 and 75 % wrong (75 % is random). A vote of the query item's demonstrations is right in ({votes}).");
        if (ClaimModels.Given(context) is { } given && context.Options.DataPath is { } path)
        {
            var (text, words) = LabelNoiseOnText.Measure(given, path, context.Options, progress.Part(0.9, 1), cancellationToken);
            cases.Add(text);
            ran += " " + words;
        }
        return Find(cases, ran, context.Options.Seed);
    }

    /// <param name="Model">The model's name.</param>
    /// <param name="Correct">By share of wrong labels: for each row whether the true label came out, 0 or 1 or a mean over draws. The first is without wrong ones.</param>
    /// <param name="Chance">Accuracy of a guess, in percent.</param>
    internal sealed record Case(string Model, IReadOnlyList<(double Wrong, double[] Rows)> Correct, double Chance);

    /// <summary>The verdict and its words from what was measured.</summary>
    internal static ClaimFinding Find(IReadOnlyList<Case> cases, string ran, int seed)
    {
        var figures = new List<ClaimFigure>();
        var losses = cases.SelectMany(c => Judged.Select(wrong =>
        {
            var clean = c.Correct[0].Rows;
            var noisy = c.Correct.Single(x => x.Wrong == wrong).Rows;
            // Of the text task these are the same queries; of the drawn tasks rows that only stand at the same place, where pairing does no harm.
            double[] lost = [.. clean.Zip(noisy, (a, b) => 100 * (a - b))];
            return (Case: c, Figure: new ClaimFigure(Invariant($"{c.Model}: accuracy lost with {100 * wrong:0} % wrong labels"), lost.Average(), new BootstrapInterval(lost.Length, seed).OfMean(lost), lost.Length, Invariant($"strong: above {Strong} points")) { Unit = "points" });
        })).ToArray();
        figures.AddRange(losses.Select(l => l.Figure));
        foreach (var c in cases)
            foreach (var (wrong, rows) in c.Correct)
            {
                double[] percent = [.. rows.Select(r => 100 * r)];
                figures.Add(new ClaimFigure(Invariant($"{c.Model}: accuracy with {100 * wrong:0} % wrong"), percent.Average(), new BootstrapInterval(percent.Length, seed).OfMean(percent), percent.Length, Invariant($"a guess {c.Chance:0} %")) { Unit = "%" });
            }
        // A model that has not learned the task has nothing to lose.
        var judged = losses.Where(l => l.Case.Correct[0].Rows.Average() * 100 > l.Case.Chance + Strong).Select(l => l.Figure).ToArray();
        return new ClaimFinding
        {
            Ran = ran,
            Figures = figures,
            Verdict = judged.Length == 0 ? ClaimVerdict.Depends : ClaimRules.All(judged.Select(f => ClaimRules.Above(f.Interval!.Value, Strong))),
            Rule = Invariant($"per share of wrong labels (25 and 50 %) and model that is more than {Strong} points above a guess with right labels: reproduced where the interval of its loss lies above {Strong} points, refuted where below, else depends; the verdict of all, else depends"),
            Explanation = string.Join(" ", Judged.Select((wrong, i) => (wrong, Of: losses.Where((_, at) => at % Judged.Length == i).Select(l => l.Figure.Value)))
                    .Select(x => Invariant($"With {100 * x.wrong:0} % wrong labels the loss is {x.Of.Min():0.0} to {x.Of.Max():0.0} points.")))
                + " How much it is depends on how many are wrong, on how many others say the right thing, and on the model.",
        };
    }
}
