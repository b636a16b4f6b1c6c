namespace MlNetIcl.Probes.Tests.LinearAttention;

public class LinearTaskTests
{
    private static readonly double[] Lambda = [0.1, 0.2, 0.3, 0.4];
    private static readonly LinearTaskTheory Published = new(Lambda, 32);

    [Fact]
    public void Levels_PublishedSetting_AreThoseOfThePaper()
    {
        Assert.Equal(1, Published.Levels[0], 12);
        Assert.Equal(0.132, Published.Levels[4], 3);
        Assert.Equal(1 - (0.16 / ((33.0 / 32 * 0.4) + (1.0 / 32))), Published.Levels[1], 12); // the largest first
        Assert.Equal(Published.Levels[3] - Published.Levels[4], Published.LeastWorth, 12);
    }

    /// <summary>The closed form against attention over tokens, written out: every head's key, query and value meet every token of every sequence.</summary>
    [Theory]
    [InlineData(32, 1)]
    [InlineData(3, 2)]
    public void Loss_AnyMatrix_IsTheMeanOverSequencesWithinFiveStandardErrors(int examples, int seed)
    {
        var random = new SeededRandom(seed, RandomStream.Sequences);
        double[] lambda = [0.2, 0.7, 0.1];
        double[] v = Normals(random, 2), key = Normals(random, 6), query = Normals(random, 6), m = new double[9];
        for (int h = 0; h < 2; h++)
            for (int i = 0; i < 9; i++) m[i] += v[h] * key[(h * 3) + (i / 3)] * query[(h * 3) + (i % 3)];

        double[] errors = [.. Enumerable.Range(0, 40_000).Select(_ =>
        {
            double[] w = Normals(random, 3);
            double[][] x = [.. Enumerable.Range(0, examples + 1).Select(_ => Normals(random, 3).Zip(lambda, (n, l) => n * Math.Sqrt(l)).ToArray())];
            double[] y = [.. x.Select(inputs => Dot(inputs, w))];
            double answer = 0;
            for (int h = 0; h < 2; h++)
                for (int n = 0; n < examples; n++)
                    answer += v[h] * y[n] * Dot(x[n], key.AsSpan(h * 3, 3)) * Dot(x[examples], query.AsSpan(h * 3, 3)) / examples;
            return Math.Pow(y[examples] - answer, 2);
        })];
        double mean = errors.Average(), standardError = Math.Sqrt(errors.Sum(e => Math.Pow(e - mean, 2)) / errors.Length / (errors.Length - 1));

        Assert.InRange(new LinearTaskTheory(lambda, examples).Loss(m), mean - (5 * standardError), mean + (5 * standardError));
    }

    [Fact]
    public void Loss_EveryStepAwayFromTheOptimum_IsLarger()
    {
        double[] best = new double[16];
        for (int i = 0; i < 4; i++) best[i * 5] = 1 / ((33.0 / 32 * Lambda[i]) + (1.0 / 32));

        Assert.Equal(Published.Levels[4], Published.Loss(best), 12);
        Assert.All(Published.Learned(best), share => Assert.Equal(1, share, 12));
        for (int i = 0; i < 16; i++)
            foreach (double step in new[] { -0.1, 0.1 })
            {
                double[] other = [.. best];
                other[i] += step;
                Assert.True(Published.Loss(other) > Published.Levels[4]);
            }
    }

    [Fact]
    public void Moments_ManySequences_HaveTheLossOfThePopulation()
    {
        var moments = SequenceMoments.Draw(Lambda, 32, 200_000, new SeededRandom(3, RandomStream.LinearSequences));
        double[] m = Normals(new SeededRandom(4, RandomStream.Sequences), 16);

        Assert.Equal(Published.Loss(m), moments.Loss(m, new double[16]), 0.02 * Published.Loss(m));
        Assert.Equal(Published.Levels[4], moments.LeastLoss(), 0.02 * Published.Levels[4]);
    }

    [Fact]
    public void Moments_Gradient_IsThatOfFiniteDifferences()
    {
        var moments = SequenceMoments.Draw([0.3, 0.7], 5, 100, new SeededRandom(3, RandomStream.LinearSequences));
        double[] m = [0.3, -0.2, 0.5, 1.1], gradient = new double[4], unused = new double[4];
        moments.Loss(m, gradient);
        for (int i = 0; i < 4; i++) Assert.Equal(Slope(m, i, () => moments.Loss(m, unused)), gradient[i], 1e-6);
        Assert.True(moments.LeastLoss() < moments.Loss(m, unused));
    }

    [Fact]
    public void Merged_Step_DescendsTheGradientOfEachFactor()
    {
        double[] v = null!, u = null!;
        Check(random => new MergedHeads(3, 2, 0.5, random), random => ((v, u) = (Normals(random, 3, 0.5), Normals(random, 12, 0.5 / 2)), new[] { v, u }).Item2,
            m =>
            {
                for (int h = 0; h < 3; h++)
                    for (int i = 0; i < 4; i++) m[i] += v[h] * u[(h * 4) + i];
            });
    }

    [Fact]
    public void Separate_Step_DescendsTheGradientOfEachFactor()
    {
        double[] v = null!, k = null!, q = null!;
        Check(random => new SeparateHeads(3, 2, 0.5, random), random => ((v, k, q) = (Normals(random, 3, 0.5), Normals(random, 6, 0.5 / Math.Sqrt(2)), Normals(random, 6, 0.5 / Math.Sqrt(2))), new[] { v, k, q }).Item2,
            m =>
            {
                for (int h = 0; h < 3; h++)
                    for (int i = 0; i < 4; i++) m[i] += v[h] * k[(h * 2) + (i / 2)] * q[(h * 2) + (i % 2)];
            });
    }

    /// <summary>One step of heads against a step along finite differences of the loss in the same factors.</summary>
    private static void Check(Func<SeededRandom, KeyQueryHeads> make, Func<SeededRandom, double[][]> factorsOf, Action<double[]> product)
    {
        const double rate = 0.1;
        var theory = new LinearTaskTheory([0.4, 0.6], 7);
        double[] m = new double[4];
        var heads = make(new SeededRandom(6, RandomStream.LinearHeads));
        heads.Product(m);
        double[] gradient = [.. Enumerable.Range(0, 4).Select(i => Slope(m, i, () => theory.Loss(m)))];
        heads.Step(gradient, rate);
        heads.Product(m);

        double[][] factors = factorsOf(new SeededRandom(6, RandomStream.LinearHeads));
        double Loss()
        {
            double[] own = new double[4];
            product(own);
            return theory.Loss(own);
        }
        double[][] slopes = [.. factors.Select(factor => Enumerable.Range(0, factor.Length).Select(i => Slope(factor, i, Loss)).ToArray())];
        foreach (var (factor, slope) in factors.Zip(slopes))
            for (int i = 0; i < factor.Length; i++) factor[i] -= rate * slope[i];
        double[] expected = new double[4];
        product(expected);

        for (int i = 0; i < 4; i++) Assert.Equal(expected[i], m[i], 1e-8);
    }

    private static double Slope(double[] values, int at, Func<double> loss)
    {
        const double step = 1e-5;
        double before = values[at];
        values[at] = before + step;
        double above = loss();
        values[at] = before - step;
        double below = loss();
        values[at] = before;
        return (above - below) / (2 * step);
    }

    private static double[] Normals(SeededRandom random, int count, double std = 1) => [.. Enumerable.Range(0, count).Select(_ => std * random.NextNormal())];

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
