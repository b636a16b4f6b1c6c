using static System.FormattableString;

namespace MlNetIcl.Probes;

/// <summary>Claim 8: in-context learning is gradient descent, of several steps.</summary>
internal sealed class GradientDescentClaim : Claim
{
    internal const double ConstructionError = 1e-5, Cosine = 0.99, LossShare = 0.03;

    public override int Number => 8;

    public override string Text => "In-context learning is multi-step gradient descent.";

    public override string? Source => "von Oswald et al. 2023, arXiv:2212.07677: proven for linear attention";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        bool quick = context.Options.Quick;
        // One layer by the paper's protocol, in quick runs until well after its loss has fallen. Two layers and the softmax transformer, whose protocols are free, at a
        // learning rate that they get along with.
        var one = new GradientDescentOptions { Seed = context.Options.Seed, Seeds = quick ? 2 : 5, Steps = quick ? 1500 : 5000, BatchTasks = quick ? 1024 : 2048, ShiftFactors = [0.5, 1, 2] };
        var two = one with
        {
            Layers = 2,
            LearningRate = 3e-3,
            Seeds = quick ? 1 : 3,
            Steps = quick ? 4000 : 20_000,
            BatchTasks = 512,
            Softmax = new SoftmaxOptions { Steps = quick ? 600 : 5000 },
        };
        return Find(GradientDescentProbe.Run(one, progress.Part(0, 0.2), cancellationToken), GradientDescentProbe.Run(two, progress.Part(0.2, 1), cancellationToken));
    }

    /// <param name="one">One layer.</param>
    /// <param name="several">Several layers, and softmax transformers.</param>
    internal static ClaimFinding Find(GradientDescentResult one, GradientDescentResult several)
    {
        var (o, s) = (one.Options, several.Options);
        double error = one.Construction.Concat(several.Construction).Max(c => c.GradientDescent);
        var corrected = several.Reference(ReferenceKind.PlusPlus, s.Layers)!;
        ClaimVerdict built = ClaimRules.Holds(error < ConstructionError);
        ClaimVerdict oneStep = ClaimRules.All(one.Runs.Select(run => Same(run, one.Steps))), steps = ClaimRules.All(several.Runs.Select(run => Same(run, several.Steps)));
        ClaimVerdict softmax = ClaimRules.All(several.Softmax.Select(run => Same(run, Nearest(run))));
        return new ClaimFinding
        {
            Ran = Invariant($"Tasks y = wx, {o.Dimension} inputs in ±{o.Range}, {o.Examples} examples (icl gd). Linear attention of 1 layer ({Count(o.Seeds)}, {o.Steps} steps) and of {s.Layers} layers of shared weights ({Count(s.Seeds)}, {s.Steps} steps); softmax transformers of {s.Softmax!.Layers} layers ({Count(s.Seeds)}, {s.Softmax.Steps} steps). {o.TestTasks} fresh tasks; gradients by the query."),
            Figures =
            [
                new(Invariant($"by construction, 1 to {several.Construction.Count} layers against as many steps: largest difference"), error, Reference: Invariant($"below {ConstructionError:0e-0}")),
                .. one.Runs.SelectMany(run => Figures(Invariant($"1 layer, seed {run.Seed}"), run, one.Steps, o, Invariant($"closed form {one.Optimum.Loss:0.000}"))),
                .. several.Runs.SelectMany(run => Figures(Invariant($"{s.Layers} layers, seed {run.Seed}"), run, several.Steps, s, Invariant($"{s.Layers} steps {several.Steps.Loss.Value:0.000}, GD++ {corrected.Loss.Value:0.000}"))),
                .. several.Runs.Select(run => Figure(Invariant($"{s.Layers} layers, seed {run.Seed}: cosine with {s.Layers} steps of GD++"), run.With(corrected).Cosine, s, "1 is the same algorithm")),
                .. several.Softmax.SelectMany(run => Figures(Invariant($"softmax, seed {run.Seed}"), run, Nearest(run), s, Invariant($"least squares 0, an answer of 0 {several.Optimum.NullLoss:0.000}"))),
            ],
            Verdict = ClaimRules.All([built, oneStep, steps, softmax]),
            Rule = Invariant($"construction: reproduced where the difference is below {ConstructionError:0e-0}. Each trained model: reproduced where the interval of its cosine with gradient descent is above {Cosine} and that of its loss within {LossShare:0 %} of its loss (linear attention: of as many steps as layers; softmax: of whichever number of steps is nearest); refuted where the cosine is below or the loss is off, whole intervals; the verdict of all, or depends"),
            Explanation = Invariant($"Construction: {Word(built)}; one trained linear layer as one step: {Word(oneStep)}; {s.Layers} trained layers as {s.Layers} plain steps: {Word(steps)}; a softmax transformer as any number of steps: {Word(softmax)}. ")
                + (steps == ClaimVerdict.Refuted && several.Runs.All(r => r.With(corrected).Cosine.Value > r.With(several.Steps).Cosine.Value) ? "Trained layers do better than plain steps, by the preconditioning of GD++. " : "")
                + "That linear layers can be steps is proven; that a trained model takes them was found for one linear layer, and has to be shown for any other.",
        };

        GradientReference Nearest(GradientDescentRun run) => run.Alignments.Where(a => a.Reference.Kind == ReferenceKind.GradientDescent).MaxBy(a => a.Cosine.Value)!.Reference;
    }

    /// <summary>Whether a model's answers are those of an algorithm.</summary>
    internal static ClaimVerdict Same(GradientDescentRun run, GradientReference reference)
    {
        var alignment = run.With(reference);
        double most = LossShare * reference.Loss.Value;
        ClaimVerdict direction = ClaimRules.Above(alignment.Cosine.Interval, Cosine);
        var (low, high) = alignment.ExcessLoss.Interval;
        ClaimVerdict loss = low > -most && high < most ? ClaimVerdict.Reproduced : low >= most || high <= -most ? ClaimVerdict.Refuted : ClaimVerdict.Depends;
        return direction == ClaimVerdict.Refuted || loss == ClaimVerdict.Refuted ? ClaimVerdict.Refuted : ClaimRules.All([direction, loss]);
    }

    private static IEnumerable<ClaimFigure> Figures(string model, GradientDescentRun run, GradientReference reference, GradientDescentOptions options, string losses)
    {
        string name = reference.Steps == 1 ? "1 step" : Invariant($"{reference.Steps} steps");
        yield return Figure(Invariant($"{model}: cosine with {name} of gradient descent"), run.With(reference).Cosine, options, "1 is the same algorithm");
        yield return Figure($"{model}: loss", run.Loss, options, losses);
    }

    private static ClaimFigure Figure(string name, Estimate estimate, GradientDescentOptions options, string reference) => new(name, estimate.Value, estimate.Interval, options.TestTasks, reference);

    private static string Count(int seeds) => seeds == 1 ? "1 model" : Invariant($"{seeds} models");

    private static string Word(ClaimVerdict verdict) => verdict switch
    {
        ClaimVerdict.Reproduced => "yes",
        ClaimVerdict.Refuted => "no",
        _ => "open",
    };
}
