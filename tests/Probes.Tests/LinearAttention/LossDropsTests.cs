namespace MlNetIcl.Probes.Tests.LinearAttention;

public class LossDropsTests
{
    private static readonly int[] Steps = [.. Enumerable.Range(0, 1000)];

    [Fact]
    public void Of_Staircase_FindsEveryStepAndThePlateausBetween()
    {
        var (drops, plateaus) = Of(t => 1 - (0.6 * Sigmoid((t - 200) / 10)) - (0.3 * Sigmoid((t - 700) / 20)), 0.05);

        Assert.Equal(2, drops.Length);
        Assert.InRange(drops[0], 198, 201);
        Assert.InRange(drops[1], 697, 702);
        Assert.Equal((0, 999), (plateaus[0], plateaus[2]));
        Assert.InRange(plateaus[1], 330, 560);
    }

    [Fact]
    public void Of_DropWithALongTail_IsOneDrop() => Assert.Single(Of(t => 1 - (0.6 * Sigmoid((t - 200) / 10)) - (t > 200 ? 0.3 * (1 - Math.Exp(-(t - 200) / 200)) : 0), 0.05).Drops);

    [Theory]
    [InlineData(30, 1)] // two steps that run into one another
    [InlineData(90, 2)]
    public void Of_TwoStepsOfWidth10_AreTwoWhereTheValleyIsDeep(double apart, int drops) =>
        Assert.Equal(drops, Of(t => 1 - (0.4 * Sigmoid((t - 400) / 10)) - (0.4 * Sigmoid((t - 400 - apart) / 10)), 0.05).Drops.Length);

    [Theory]
    [InlineData(0.02, 2)]
    [InlineData(0.10, 1)]
    public void Of_SmallStep_IsADropWhereItTakesEnough(double least, int drops) => Assert.Equal(drops, Of(t => 1 - (0.6 * Sigmoid((t - 200) / 10)) - (0.05 * Sigmoid((t - 700) / 20)), least).Drops.Length);

    [Fact]
    public void Of_CurveThatDoesNotFall_HasNoDropAndOnePlateau()
    {
        var (drops, plateaus) = Of(t => 1 + (t / 1000), 0.05);

        Assert.Empty(drops);
        Assert.Equal([999], plateaus);
    }

    private static (int[] Drops, int[] Plateaus) Of(Func<double, double> loss, double least) => LossDrops.Of(Steps, [.. Steps.Select(t => loss(t))], least);

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
