namespace MlNetIcl.Probes.Tests.Claims;

public class ClaimRulesTests
{
    [Theory]
    [InlineData(1, 2, ClaimVerdict.Reproduced)]
    [InlineData(0, 2, ClaimVerdict.Depends)]
    [InlineData(-2, 2, ClaimVerdict.Depends)]
    [InlineData(-2, -1, ClaimVerdict.Refuted)]
    public void Above_Zero_IsJudgedByTheWholeInterval(double low, double high, ClaimVerdict verdict) =>
        Assert.Equal(verdict, ClaimRules.Above(new Interval(low, high), 0));

    [Theory]
    [InlineData(-2, -1, ClaimVerdict.Reproduced)]
    [InlineData(-2, 0, ClaimVerdict.Depends)]
    [InlineData(0, 1, ClaimVerdict.Refuted)]
    public void Below_Zero_IsJudgedByTheWholeInterval(double low, double high, ClaimVerdict verdict) =>
        Assert.Equal(verdict, ClaimRules.Below(new Interval(low, high), 0));

    [Theory]
    [InlineData(-86, -84, ClaimVerdict.Reproduced)]
    [InlineData(-84, -80, ClaimVerdict.Refuted)]
    public void Is_ClaimedFigure_MustLieInTheInterval(double low, double high, ClaimVerdict verdict) =>
        Assert.Equal(verdict, ClaimRules.Is(new Interval(low, high), -85));

    [Fact]
    public void All_CasesThatDiffer_Depend()
    {
        Assert.Equal(ClaimVerdict.Refuted, ClaimRules.All([ClaimVerdict.Refuted, ClaimVerdict.Refuted]));
        Assert.Equal(ClaimVerdict.Depends, ClaimRules.All([ClaimVerdict.Refuted, ClaimVerdict.Reproduced]));
        Assert.Throws<ArgumentException>(() => ClaimRules.All([]));
    }
}
