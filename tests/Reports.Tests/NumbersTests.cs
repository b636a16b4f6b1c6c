namespace MlNetIcl.Reports.Tests;

public class NumbersTests
{
    [Theory]
    [InlineData(0.8621, "0.862")]
    [InlineData(-0.0001, "0.000")]
    [InlineData(-1.25, "-1.250")]
    [InlineData(999999.5, "999999.500")]
    [InlineData(-12345678.9, "-1.235e7")]
    [InlineData(1e300, "1.000e300")]
    [InlineData(double.NaN, "–")]
    [InlineData(double.PositiveInfinity, "–")]
    public void Score_Value_HasThreeDecimals(double value, string expected) => Assert.Equal(expected, Numbers.Score(value));

    [Theory]
    [InlineData(0.4, "0.400")]
    [InlineData(0.00123, "0.001")]
    [InlineData(0.000034, "3e-5")]
    [InlineData(0, "0.000")]
    [InlineData(double.NaN, "–")]
    public void Probability_Value_NeverReadsAsZeroUnlessItIs(double value, string expected) => Assert.Equal(expected, Numbers.Probability(value));

    [Fact]
    public void Interval_WithoutEnds_IsTheValueAlone()
    {
        Assert.Equal("0.500 [0.400, 0.600]", Numbers.Interval(0.5, 0.4, 0.6));
        Assert.Equal("0.500", Numbers.Interval(0.5, double.NaN, double.NaN));
    }
}
