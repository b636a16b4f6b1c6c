namespace MlNetIcl.Probes.Tests.Claims;

public class GradientDescentClaimTests
{
    private static readonly GradientReference One = new(ReferenceKind.GradientDescent, 1, 6, 0, At(0.2)), Two = new(ReferenceKind.GradientDescent, 2, 6, 0, At(0.15)), Corrected = new(ReferenceKind.PlusPlus, 2, 13, 0.1, At(0.1));

    [Theory]
    [InlineData(1e-7, 0.999, 0.999, 0.999, ClaimVerdict.Reproduced)]
    [InlineData(1e-7, 0.999, 0.8, 0.8, ClaimVerdict.Depends)] // one layer is a step, others are not
    [InlineData(1e-7, 0.999, 0.999, 0.8, ClaimVerdict.Depends)] // softmax is not
    [InlineData(1e-3, 0.8, 0.8, 0.8, ClaimVerdict.Refuted)]
    [InlineData(1e-3, 0.999, 0.999, 0.999, ClaimVerdict.Depends)] // the construction fails
    public void Verdict_IsThatOfConstructionAndOfEveryTrainedModel(double error, double one, double two, double softmax, ClaimVerdict verdict) =>
        Assert.Equal(verdict, GradientDescentClaim.Find(Result(1, error, [Run(one)], []), Result(2, error, [Run(two)], [Run(softmax)])).Verdict);

    [Theory]
    [InlineData(0.999, 0, ClaimVerdict.Reproduced)]
    [InlineData(0.999, 0.05, ClaimVerdict.Refuted)] // another loss
    [InlineData(0.999, -0.05, ClaimVerdict.Refuted)] // also where it is better
    [InlineData(0.999, 0.006, ClaimVerdict.Depends)] // the interval holds the bound
    [InlineData(0.9895, 0, ClaimVerdict.Depends)]
    [InlineData(0.8, 0, ClaimVerdict.Refuted)]
    public void Same_NeedsDirectionAndLoss(double cosine, double excess, ClaimVerdict verdict) => Assert.Equal(verdict, GradientDescentClaim.Same(Run(cosine, excess), One));

    [Fact]
    public void Explanation_LayersThatBeatPlainSteps_NamesTheCorrection()
    {
        var finding = GradientDescentClaim.Find(Result(1, 1e-7, [Run(0.999)], []), Result(2, 1e-7, [Run(0.8, corrected: 0.95)], [Run(0.8)]));

        Assert.Contains("GD++", finding.Explanation, StringComparison.Ordinal);
        Assert.Contains("as 2 plain steps: no", finding.Explanation, StringComparison.Ordinal);
        Assert.Contains(finding.Figures, f => f is { Value: 0.95, N: 10_000 });
    }

    private static GradientDescentResult Result(int layers, double error, IReadOnlyList<GradientDescentRun> runs, IReadOnlyList<GradientDescentRun> softmax) => new()
    {
        Options = new() { Layers = layers, Seeds = 1, Softmax = new() },
        Optimum = OneStepOptimum.Of(10, 10, 0.5),
        Construction = [new(1, error, error)],
        References = [One, Two, Corrected],
        Runs = runs,
        Softmax = softmax,
        Shifts = [],
    };

    private static GradientDescentRun Run(double cosine, double excess = 0, double corrected = 0.7) => new()
    {
        Seed = 1,
        Curve = [],
        Loss = At(0.2 + excess),
        Alignments = [Against(One, cosine, excess), Against(Two, cosine, excess), Against(Corrected, corrected, excess)],
        Interpolation = [],
        OptimumDistance = null,
        ConstructionDistance = null,
    };

    private static Alignment Against(GradientReference reference, double cosine, double excess) => new() { Reference = reference, PredictionDifference = At(0), Cosine = At(cosine), GradientDifference = At(0), ExcessLoss = At(excess) };

    private static Estimate At(double value) => new(value, new Interval(value - 0.001, value + 0.001));
}
