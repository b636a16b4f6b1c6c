namespace MlNetIcl.Probes.Tests.CausalGraphs;

public class DisentangledPassTests
{
    public static TheoryData<int, string> Shapes => new() { { 1, nameof(CausalTarget.AfterLast) }, { 2, nameof(CausalTarget.AfterLast) }, { 1, nameof(CausalTarget.AfterAnyLast) }, { 2, nameof(CausalTarget.EveryToken) } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Backward_LossAndGradient_AreThoseOfThePapersFormulaByFiniteDifferences(int heads, string target)
    {
        const double step = 1e-5;
        var shape = new DisentangledShape(3, 5, heads, Enum.Parse<CausalTarget>(target));
        var rows = Rows(shape, 11); // no multiple of the lanes
        double[][] weights = Weights(shape);
        float[][] gradient = [.. weights.Select(w => new float[w.Length])];
        var (first, second, output) = (Floats(weights[0]), Floats(weights[1]), Floats(weights[2]));

        double loss = new DisentangledPass(shape).Backward(new(first, second, output), rows, new(gradient[0], gradient[1], gradient[2]));

        Assert.Equal(PlainTransformer.Loss(shape, weights, rows), loss, 5);
        for (int block = 0; block < 3; block++)
            for (int i = 0; i < weights[block].Length; i += block == 0 ? 1 : 3)
            {
                double at = weights[block][i];
                weights[block][i] = at + step;
                double up = PlainTransformer.Loss(shape, weights, rows);
                weights[block][i] = at - step;
                double down = PlainTransformer.Loss(shape, weights, rows);
                weights[block][i] = at;
                Assert.Equal((up - down) / (2 * step), gradient[block][i], 2e-6); // floats of up to 0.1 after some hundred additions
            }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Forward_Predictions_HaveTheLossAndSumToOne(int heads, string target)
    {
        var shape = new DisentangledShape(3, 5, heads, Enum.Parse<CausalTarget>(target));
        var rows = Rows(shape, 9);
        double[][] weights = Weights(shape);
        var model = new DisentangledTransformer(shape, Floats(weights[0]), Floats(weights[1]), Floats(weights[2]));
        float[] predicted = model.Predict(rows);

        Assert.All(predicted.Chunk(3), p => Assert.Equal(1, p.Sum(), 5));
        if (shape.Target == CausalTarget.EveryToken) return;
        Assert.Equal(model.Loss(rows), -predicted.Zip(rows.Targets, (p, t) => t * Math.Log(p)).Sum() / (9 * shape.Queries), 5);
    }

    [Fact]
    public void Attention_WithoutTokenBlocks_IsThatByPosition()
    {
        var shape = new DisentangledShape(3, 6, 2);
        double[][] weights = Weights(shape);
        int d = shape.Input;
        for (int i = 0; i < weights[0].Length; i++)
            if (i / d % d < 3 || i % d < 3) weights[0][i] = 0; // rows or columns of tokens
        var model = new DisentangledTransformer(shape, Floats(weights[0]), Floats(weights[1]), Floats(weights[2]));
        float[] attention = model.Attention(Rows(shape, 10));
        var maps = model.PositionAttention();

        for (int row = 0; row < 10; row++)
            for (int head = 0; head < 2; head++)
                for (int query = 0; query < 6; query++)
                    for (int key = 0; key < 6; key++)
                        Assert.Equal(key <= query ? maps[head][query, key] : 0, attention[(((((row * 2) + head) * 6) + query) * 6) + key], 1e-6);
    }

    [Theory]
    [InlineData(-80)]
    [InlineData(-1.5)]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(20)]
    public void Exp_OfALane_IsExpToTheLastDigits(float x) =>
        Assert.InRange(LaneMath.Exp(new System.Numerics.Vector<float>(x))[0] / Math.Exp(x), 1 - 3e-7, 1 + 3e-7);

    private static CausalRows Rows(DisentangledShape shape, int count)
    {
        var random = new SeededRandom(5, RandomStream.CausalRows);
        var rows = new CausalRows(count, shape.Length, shape.Vocabulary, shape.Target == CausalTarget.EveryToken ? 0 : shape.Queries);
        for (int i = 0; i < rows.Tokens.Length; i++) rows.Tokens[i] = random.Next(shape.Vocabulary);
        double[] target = new double[shape.Vocabulary];
        for (int at = 0; at < rows.Targets.Length; at++)
        {
            if (at % shape.Vocabulary == 0) DirichletDraws.Fill(random, 1, target);
            rows.Targets[at] = (float)target[at % shape.Vocabulary];
        }
        return rows;
    }

    private static double[][] Weights(DisentangledShape shape)
    {
        var random = new SeededRandom(6, RandomStream.CausalWeights);
        return [.. new[] { shape.FirstCount, shape.SecondCount, shape.OutputCount }.Select(n => Enumerable.Range(0, n).Select(_ => (double)(float)random.NextNormal()).ToArray())];
    }

    private static float[] Floats(double[] values) => [.. values.Select(v => (float)v)];
}
