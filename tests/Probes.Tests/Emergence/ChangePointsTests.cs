namespace MlNetIcl.Probes.Tests.Emergence;

public class ChangePointsTests
{
    [Fact]
    public void Crossings_StraightRise_AreItsShares()
    {
        int[] steps = [0, 100, 200, 300, 400];

        Assert.Equal([110, 150, 190], ChangePoints.Crossings(steps, [0, 0, 0.8, 0.8, 0.8], 0.2)!.Select(c => Math.Round(c, 9)));
        Assert.Null(ChangePoints.Crossings(steps, [0, 0, 0.19, 0.19, 0.19], 0.2));
    }

    [Fact]
    public void Crossings_LogisticWithNoise_FindsItsTimes()
    {
        const double Midpoint = 412, Slope = 37;
        int[] steps = [.. Enumerable.Range(0, 101).Select(i => 10 * i)];
        var random = new Random(3);
        double[] curve = [.. steps.Select(s => 1 / (1 + Math.Exp((Midpoint - s) / Slope)) + (0.02 * (random.NextDouble() - 0.5)))];

        var found = ChangePoints.Crossings(steps, curve, 0.2)!;

        Assert.Equal(Midpoint - (Slope * Math.Log(9)), found[0], 10d);
        Assert.Equal(Midpoint, found[1], 5d);
        Assert.Equal(Midpoint + (Slope * Math.Log(9)), found[2], 10d);
    }

    /// <summary>Isotonic regression by its min-max formula (Robertson et al. 1988, theorem 1.4.4).</summary>
    [Fact]
    public void Isotonic_RandomValues_EqualTheMinMaxFormula()
    {
        var random = new Random(5);
        double[] values = [.. Enumerable.Range(0, 40).Select(i => random.NextDouble() + (0.02 * i))];
        double Mean(int from, int to) => values[from..(to + 1)].Average();
        var expected = Enumerable.Range(0, 40).Select(i => Enumerable.Range(0, i + 1).Max(a => Enumerable.Range(i, 40 - i).Min(b => Mean(a, b))));

        Assert.All(ChangePoints.Isotonic(values).Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-12));
    }

    [Fact]
    public void Of_SequencesThatDiffer_IntervalHoldsTheMeanAndIsNoWiderThanThey()
    {
        // 16 sequences, each a step function of its own time, 100 to 250; a second head that does nothing.
        int[] steps = [.. Enumerable.Range(0, 41).Select(i => 10 * i)];
        double[][][] differences = [.. steps.Select(s => new double[][] { [.. Enumerable.Range(0, 16).Select(i => s >= 100 + (10 * i) ? 1.0 : 0)], new double[16] })];

        var change = ChangePoints.Of(steps, differences, new EmergenceOptions())!;

        Assert.Equal(170, change.Midpoint.Step, 6d);
        Assert.InRange(change.Midpoint.Interval!.Value.Low, 120, 165);
        Assert.InRange(change.Midpoint.Interval!.Value.High, 180, 225);
    }

    [Theory]
    [InlineData("step-000020.safetensors", 20)]
    [InlineData("checkpoint-1500", 1500)]
    [InlineData("pythia-70m-step512-Q8_0.gguf", 512)]
    [InlineData("model_7", 7)]
    [InlineData("trainer.safetensors", null)]
    [InlineData("final", null)]
    [InlineData("2147483647", 2147483647)]
    public void StepOf_Names(string name, int? step) => Assert.Equal(step, CheckpointFolder.StepOf(name));

    [Theory]
    [InlineData("step-2147483648")]
    [InlineData("tokens-3000000000000.gguf")]
    public void StepOf_NumberTooLarge_IsNoSilence(string name) => Assert.Contains(name, Assert.Throws<ArgumentException>(() => CheckpointFolder.StepOf(name)).Message, StringComparison.Ordinal);
}
