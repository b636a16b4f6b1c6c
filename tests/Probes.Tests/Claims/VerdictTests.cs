namespace MlNetIcl.Probes.Tests.Claims;

/// <summary>Every claim's rule, on findings made up so that each verdict must come out.</summary>
public class VerdictTests
{
    private static readonly Interval Copied = new(0.9, 1);

    [Theory]
    [InlineData(new[] { "L0.H0" }, new[] { "L1.H0" }, ClaimVerdict.Refuted)]
    [InlineData(new[] { "L1.H0" }, new[] { "L1.H0" }, ClaimVerdict.Reproduced)]
    [InlineData(new[] { "L0.H0", "L1.H0" }, new[] { "L1.H0" }, ClaimVerdict.Depends)]
    [InlineData(new string[0], new[] { "L1.H0" }, ClaimVerdict.Refuted)]
    [InlineData(new string[0], new string[0], ClaimVerdict.Depends)]
    public void PreviousToken_HeadsThatTheRuleNames_AreHeldAgainstInductionHeads(string[] called, string[] induction, ClaimVerdict verdict) =>
        Assert.Equal(verdict, PreviousTokenClaim.Find([new PreviousTokenClaim.Case("m", called, induction, null, null, 32)]).Verdict);

    [Theory]
    [InlineData(-85, -92, ClaimVerdict.Reproduced)]
    [InlineData(-100, -100, ClaimVerdict.Refuted)]
    [InlineData(-85, -100, ClaimVerdict.Depends)]
    public void Ablation_Figures_AreThoseClaimedOrNot(double first, double second, ClaimVerdict verdict)
    {
        var finding = AblationFiguresClaim.Find([Table((CopyIntervention.AblatePreviousToken, first), (CopyIntervention.AblateInduction, second))]);

        Assert.Equal(verdict, finding.Verdict);
        Assert.Equal([first, second], finding.Figures.Select(f => f.Value));
    }

    [Fact]
    public void Ablation_ModelsThatDoNotCopy_Depend() => Assert.Equal(ClaimVerdict.Depends, AblationFiguresClaim.Find([Table()]).Verdict);

    [Theory]
    [InlineData(-90, -95, -50, ClaimVerdict.Reproduced)]
    [InlineData(-90, -95, 0, ClaimVerdict.Depends)]
    [InlineData(0, 0, 0, ClaimVerdict.Refuted)]
    public void Restoration_PartsGivenBack_DecideAndNotTheWhole(double firstBack, double secondBack, double headBack, ClaimVerdict verdict) =>
        Assert.Equal(verdict, RestorationClaim.Find([Table(
            (CopyIntervention.RestorePreviousToken, firstBack), (CopyIntervention.RestoreInduction, secondBack), (CopyIntervention.RestoreHeadBesideOtherSet, headBack), (CopyIntervention.RestoreBoth, 0))]).Verdict);

    [Theory]
    [InlineData(50_000, 2, 4, ClaimVerdict.Refuted)]
    [InlineData(50_000, 2, 0, ClaimVerdict.Reproduced)]
    [InlineData(7_000_000_000, 32, 9, ClaimVerdict.Reproduced)]
    [InlineData(7_000_000_000, 32, 0, ClaimVerdict.Refuted)]
    [InlineData(50_000, 1, 0, ClaimVerdict.Depends)]
    public void Size_HeadsBelowAndAboveTheThreshold_AreJudged(long parameters, int layers, int induction, ClaimVerdict verdict) =>
        Assert.Equal(verdict, SizeClaim.Find([new SizeClaim.Case("m", layers, parameters, induction, 8, new ClaimFigure("", 0.5, new Interval(0.4, 0.6), 32))]).Verdict);

    [Theory]
    [InlineData(0.9, 0.5, 0.2, ClaimVerdict.Reproduced)]
    [InlineData(0.9, 0.89, 0.88, ClaimVerdict.Refuted)]
    [InlineData(0.9, 0.89, 0.2, ClaimVerdict.Depends)]
    [InlineData(0.26, 0.26, 0.1, ClaimVerdict.Depends)] // never learned: nothing to lose
    public void LabelNoise_Losses_AreStrongOrNot(double clean, double quarter, double half, ClaimVerdict verdict)
    {
        var finding = LabelNoiseClaim.Find([new LabelNoiseClaim.Case("m", [(0, Rows(clean)), (0.25, Rows(quarter)), (0.5, Rows(half))], 25)], "", 0);

        Assert.Equal(verdict, finding.Verdict);
        Assert.Equal(100 * (clean - quarter), finding.Figures[0].Value, 9);
    }

    /// <summary>100 rows of which a share is right, the wrong ones last.</summary>
    private static double[] Rows(double share) => [.. Enumerable.Range(0, 100).Select(i => i < 100 * share ? 1.0 : 0)];

    private static CopyAblationResult Table(params (CopyIntervention Intervention, double Percent)[] rows)
    {
        var measure = new CopyMeasure { Accuracy = 1, AccuracyInterval = Copied, Loss = 0, LossInterval = new(0, 0) };
        return new CopyAblationResult
        {
            Model = "m",
            Layers = 2,
            HeadsPerLayer = 4,
            Seed = 0,
            Protocol = new SequenceProtocol { Source = HeadScoreSource.Generated, Sequences = 32, Period = 20, Seed = 0, BosSource = "none" },
            Kind = AblationKind.MeanPerPosition,
            PreviousTokenHeads = [],
            InductionHeads = [],
            Chance = 0.01,
            Base = measure,
            Rows = [.. rows.Select(r => new CopyAblationRow
            {
                Intervention = r.Intervention,
                Ablated = [],
                Measure = measure,
                RelativeChange = r.Percent / 100,
                RelativeChangeInterval = new((r.Percent - 1) / 100, (r.Percent + 1) / 100),
            })],
        };
    }
}
