namespace MlNetIcl.Probes.Tests.Claims;

public class PositionAndPriorClaimTests
{
    [Theory]
    [InlineData(0.10, 0.10, ClaimVerdict.Reproduced)]
    [InlineData(0.00, 0.00, ClaimVerdict.Refuted)]
    [InlineData(0.10, 0.00, ClaimVerdict.Depends)] // learned does, sinusoids don't
    [InlineData(0.02, 0.02, ClaimVerdict.Depends)] // the interval holds the bound
    public void FirstExample_Verdict_IsThatOfBothAbsoluteEncodings(double learned, double sinusoidal, ClaimVerdict verdict) =>
        Assert.Equal(verdict, FirstExampleClaim.Find(Positions(Scheme(PositionScheme.Learned, learned, null), Scheme(PositionScheme.Sinusoidal, sinusoidal, 0.9), Scheme(PositionScheme.Alibi, 0.5, 0.9))).Verdict);

    [Theory]
    [InlineData(0.99, 0.99, 0.5, ClaimVerdict.Reproduced)]
    [InlineData(0.40, 0.40, 0.5, ClaimVerdict.Refuted)]
    [InlineData(0.99, 0.40, 0.5, ClaimVerdict.Depends)] // rotary falls behind
    public void RelativePosition_Verdict_IsThatOfAlibiAndOfEachDifference(double alibi, double rotary, double sinusoidal, ClaimVerdict verdict) =>
        Assert.Equal(verdict, RelativePositionClaim.Find(Positions(
            Scheme(PositionScheme.Sinusoidal, 0, sinusoidal), Scheme(PositionScheme.T5Bias, 0, alibi), Scheme(PositionScheme.Rotary, 0, rotary), Scheme(PositionScheme.Alibi, 0, alibi), Scheme(PositionScheme.None, 0, 1))).Verdict);

    [Theory]
    [InlineData(0.1, 0.05, 0.01, ClaimVerdict.Reproduced)]
    [InlineData(4.0, 0.60, 0.50, ClaimVerdict.Refuted)]
    [InlineData(0.1, 0.60, 0.01, ClaimVerdict.Depends)]
    public void CrossTaskPrior_Verdict_NeedsRiskMeanAndDirections(double risk, double mean, double outside, ClaimVerdict verdict)
    {
        PriorLearnerResult Learner(InverseLearner learner, double risk, double mean, double outside) => new()
        {
            Learner = learner,
            Risk = At(risk),
            ForeignRisk = At(9),
            MeanError = At(mean),
            MeanCosine = At(1),
            CovarianceError = At(0.1),
            SubspaceOverlap = At(1),
            OutsideVariance = At(outside),
        };
        var rank = new PriorRankResult
        {
            Rank = 4,
            OracleRisk = 0.01,
            TrainingLoss = (1, 0.1),
            Learners = [Learner(InverseLearner.Ridge, 4, 0.6, 0.5), Learner(InverseLearner.TwoStageRidge, 0.02, 0, 0), Learner(InverseLearner.Transformer, risk, mean, outside), Learner(InverseLearner.Oracle, 0.01, 0, 0)],
        };

        Assert.Equal(verdict, CrossTaskPriorClaim.Find(new() { Options = new(), Ranks = [rank] }).Verdict);
    }

    private static PositionStudyResult Positions(params PositionSchemeResult[] schemes) => new() { Options = new(), Chance = 0.125, Schemes = schemes };

    private static PositionSchemeResult Scheme(PositionScheme scheme, double first, double? longest) => new()
    {
        Scheme = scheme,
        LearningRate = 0.01,
        Candidates = [],
        HeldOutLosses = [0],
        Trained = new() { ByPosition = [], First = At(first), Last = At(0) },
        Longest = null,
        ByLength = [(64, longest is { } accuracy ? At(accuracy) : null)],
        Conflict = new() { FirstWins = At(0.5), LastWins = At(0.5), FirstDemonstrationPull = At(first) },
    };

    private static Estimate At(double value) => new(value, new Interval(value - 0.01, value + 0.01));
}
