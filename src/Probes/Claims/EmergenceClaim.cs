namespace MlNetIcl.Probes;

/// <summary>Claim 2: induction heads emerge at 15 to 25 % of the training.</summary>
internal sealed class EmergenceClaim : Claim
{
    private const double Least = 15, Most = 25; // percent

    public override int Number => 2;

    public override string Text => "Induction heads emerge at 15 to 25 % of the training.";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        bool quick = context.Options.Quick;
        var options = new EmergenceOptions { Sizes = [new(2, 64, 4)], Seeds = quick ? 3 : 5, Steps = quick ? 1000 : 3000, Seed = context.Options.Seed };
        return Find(EmergenceProbe.Train(options, progress, cancellationToken), quick ? [500, 1000] : [500, 1000, 3000]);
    }

    /// <summary>The verdict and its words, from trainings of which the first steps are the shorter trainings: the learning rate does not fall.</summary>
    internal static ClaimFinding Find(EmergenceResult result, IReadOnlyList<int> lengths)
    {
        var group = result.Groups[0];
        int n = group.Runs.Count;
        var cases = lengths.Select(length => (Length: length, Change: ChangePoints.Mean(group.Runs.Select(r => Until(r, length, result.Options)), result.Options))).Where(c => c.Change is not null).ToArray();
        ClaimFigure[] figures = [.. cases.Select(c => new ClaimFigure(
            FormattableString.Invariant($"midpoint in a training of {c.Length} steps (step {c.Change!.Midpoint.Step:0})"),
            100 * c.Change.Midpoint.Step / c.Length, c.Change.Midpoint.Interval is { } i ? new Interval(100 * i.Low / c.Length, 100 * i.High / c.Length) : null, n, "claimed 15 to 25 %") { Unit = "%" })];
        return new ClaimFinding
        {
            Ran = FormattableString.Invariant($"{n} attention-only models of {Shape(group.Size)} trained on repeated random tokens for {result.Options.Steps} steps of {result.TokensPerStep} tokens (icl emergence), cut at several lengths."),
            Figures = [.. figures, new("runs that end with an induction head", group.Formed, Reference: FormattableString.Invariant($"of {n}"))],
            Verdict = figures.Length == 0 ? ClaimVerdict.Refuted : ClaimRules.All(figures.Select(Judge)),
            Rule = "per length of training: reproduced where the interval of the midpoint over seeds lies within 15 to 25 %, refuted where it lies outside, else depends; the verdict of all lengths, else depends",
            Explanation = figures.Length == 0 ? "No run formed an induction head."
                : "The step at which induction heads form hardly depends on how long training goes on after it, so that any percentage can be had by choosing the length.",
        };
    }

    private static ClaimVerdict Judge(ClaimFigure figure)
    {
        var (low, high) = figure.Interval ?? new Interval(figure.Value, figure.Value);
        return low >= Least && high <= Most ? ClaimVerdict.Reproduced : high < Least || low > Most ? ClaimVerdict.Refuted : ClaimVerdict.Depends;
    }

    private static ChangePoint? Until(EmergenceRun run, int length, EmergenceOptions options)
    {
        int[] steps = [.. run.Points.Select(p => p.Step).Where(step => step <= length)];
        return ChangePoints.Of(steps, run.Differences[..steps.Length], options);
    }

    private static string Shape(EmergenceSize size) => FormattableString.Invariant($"{size.Layers} layers, width {size.Width}, {size.Heads} heads");
}
