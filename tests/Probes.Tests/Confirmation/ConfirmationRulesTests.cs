namespace MlNetIcl.Probes.Tests.Confirmation;

/// <summary>Each clause of the verdicts at its threshold, from numbers per sequence.</summary>
public sealed class ConfirmationRulesTests
{
    private const double Below = 0.05 - 1e-9, Above = 0.05 + 1e-9;
    private static readonly ConfirmationRules Rules = new(0.05);

    [Theory]
    [InlineData(Below, 1, new double[0], false)]
    [InlineData(0.05, 1, new double[0], true)]
    [InlineData(0.05, 1, new[] { 9.0, 9.0 }, true)] // two control heads are none
    [InlineData(0.05, 1, new[] { 0.0, 0.0, 1.0 }, false)]
    [InlineData(0.05, 1.001, new[] { 0.0, 0.0, 1.0 }, true)]
    [InlineData(Below, 1.001, new[] { 0.0, 0.0, 1.0 }, false)]
    [InlineData(0.05, -0.1, new[] { -0.3, -0.2, -0.4 }, true)] // the effect's own sign takes no part
    public void IsConfirmed_AtEachThreshold_NeedsSpecificityAndMoreThanEveryControlHead(double specificity, double effect, double[] controls, bool expected) =>
        Assert.Equal(expected, Rules.IsConfirmed(effect, Of(specificity), controls));

    [Theory]
    [InlineData(-Below, false)]
    [InlineData(-0.05, true)]
    [InlineData(-Above, true)]
    [InlineData(0.05, false)]
    public void Opposes_AtTheThreshold_ReadsTheUpperEnd(double specificity, bool expected) =>
        Assert.Equal(expected, Rules.Opposes(Of(specificity)));

    [Fact]
    public void Opposes_IntervalThatReachesUp_IsNotEnough()
    {
        double[] values = [.. Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? -0.2 : 0.1)]; // mean -0.05
        Assert.False(Rules.Opposes(Interval(values)));
        Assert.False(Rules.IsConfirmed(1, Interval([.. values.Select(v => -v)]), []));
    }

    [Theory]
    [InlineData(18, false)]
    [InlineData(18.001, true)] // one of the twenty draws may be as large
    [InlineData(19.5, true)]
    [InlineData(17, false)]
    public void Exceeds_TwentyDraws_NeedsMoreThanTheSecondLargest(double effect, bool expected)
    {
        double[] draws = [.. Enumerable.Range(0, 20).Select(i => (double)((i * 7) % 20))]; // 0 to 19, unordered
        Assert.Equal(expected, Rules.Exceeds(effect, Of(-1), draws));
    }

    [Theory]
    [InlineData(Below, false)]
    [InlineData(0.05, true)]
    public void Exceeds_NoDraws_ReadsTheLowerEndOfTheJointSpecificity(double specificity, bool expected) =>
        Assert.Equal(expected, Rules.Exceeds(1, Of(specificity), []));

    [Theory]
    [InlineData(0.05, true, 0.05, "confirmed")]
    [InlineData(0.05, false, null, "confirmed")]
    [InlineData(Below, true, 0.05, "confirmed jointly")]
    [InlineData(Below, true, Below, "not confirmed")]
    [InlineData(Below, false, 0.05, "not confirmed")]
    [InlineData(Below, true, null, "not confirmed")] // not in the joint set
    [InlineData(-Below, true, 0.05, "confirmed jointly")]
    [InlineData(-0.05, true, 0.05, "opposes copying")] // comes before the joint verdict
    [InlineData(-0.05, false, null, "opposes copying")]
    public void Verdict_AtEachThreshold_IsTheFirstThatHolds(double specificity, bool jointExceeds, double? giveBack, string expected) =>
        Assert.Equal(expected, Rules.Verdict(1, Of(specificity), [], jointExceeds, giveBack is { } gain ? Of(gain) : null));

    [Fact]
    public void Verdict_SpecificButNoMoreThanAControlHead_DependsOnTheJointSet()
    {
        Assert.Equal("confirmed jointly", Rules.Verdict(1, Of(0.5), [0, 0, 1], true, Of(0.5)));
        Assert.Equal("not confirmed", Rules.Verdict(1, Of(0.5), [0, 0, 1], false, Of(0.5)));
    }

    [Fact]
    public void Verdict_OtherThreshold_IsReadFromIt()
    {
        Assert.Equal("not confirmed", new ConfirmationRules(0.3).Verdict(1, Of(0.2), [], true, Of(0.2)));
        Assert.Equal("confirmed", new ConfirmationRules(0.2).Verdict(1, Of(0.2), [], true, Of(0.2)));
    }

    /// <summary>The interval of sequences that all give one value: the value.</summary>
    private static Interval Of(double value) => Interval([.. Enumerable.Repeat(value, 32)]);

    private static Interval Interval(double[] values) => new BootstrapInterval(values.Length, seed: 1).OfMean(values);
}
