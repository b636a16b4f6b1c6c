using TorchSharp;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.GradientDescent;

public sealed class GradientConstructionTests : IDisposable
{
    private const int D = 5, N = 7;
    private const double Eta = 2.5, Gamma = 0.11;

    private readonly DisposeScope _scope;
    private readonly LinearTasks _tasks;
    private readonly Tensor _first;

    static GradientConstructionTests() => Models.Native.NativeTorch.EnsureLoaded();

    public GradientConstructionTests()
    {
        _scope = NewDisposeScope();
        _tasks = new LinearTaskFamily(D, N, 0.7).Draw(20, 3, RandomStream.GradientDescentTest, 0);
        _first = randn([D], ScalarType.Float64, generator: new Generator(5));
    }

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Layers_OfTheConstruction_AreAsManyStepsOfGradientDescent(int steps)
    {
        double[] byLayers = Predict(GradientConstruction.Layer(D, N, Eta, first: _first), steps);

        AssertSame(PlainGradientDescent.ByWeights, byLayers, steps, 1e-12);
        AssertSame((x, y, query, first, k, eta) => PlainGradientDescent.Predict(x, y, query, first, k, eta), byLayers, steps, 1e-12);
        AssertSame(PlainGradientDescent.ByWeights, ToArray((GradientSteps.Weights(_tasks, steps, Eta, 0, _first) * _tasks.Query).sum(-1)), steps, 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Layers_WithCurvatureCorrection_AreAsManyStepsOfPlusPlus(int steps)
    {
        double[] byLayers = Predict(GradientConstruction.Layer(D, N, Eta, Gamma, _first), steps);

        AssertSame((x, y, query, first, k, eta) => PlainGradientDescent.Predict(x, y, query, first, k, eta, Gamma), byLayers, steps, 1e-12);
        AssertSame((x, y, query, first, k, eta) => PlainGradientDescent.Predict(x, y, query, first, k, eta, Gamma), ToArray((GradientSteps.Weights(_tasks, steps, Eta, Gamma, _first) * _tasks.Query).sum(-1)), steps, 1e-12);
        if (steps > 1) Assert.True(byLayers.Zip(Predict(GradientConstruction.Layer(D, N, Eta, 0, _first), steps), (a, b) => Math.Abs(a - b)).Max() > 1e-3);
    }

    /// <summary>Proposition 1's matrices as the paper has them.</summary>
    [Fact]
    public void Layer_MergedMatrices_AreThoseOfThePaper()
    {
        Tensor key = zeros([D + 1, D + 1], ScalarType.Float64), value = zeros([D + 1, D + 1], ScalarType.Float64), projection = eye(D + 1, dtype: ScalarType.Float64) * (Eta / N);
        for (int i = 0; i < D; i++)
        {
            key[i, i] = 1;
            value[D, i] = _first[i];
        }
        value[D, D] = -1;
        var layer = GradientConstruction.Layer(D, N, Eta, first: _first);

        Assert.True(layer.Value.allclose(mm(projection, value)));
        Assert.True(layer.Scores.allclose(mm(key.t(), key)));
    }

    /// <summary>In single precision, with the family of the paper and its best learning rate.</summary>
    [Fact]
    public void Check_PaperFamily_DiffersByRoundingAlone() =>
        Assert.All(GradientConstruction.Check(new GradientDescentOptions(), 1000, 6.06, 0.177), error =>
        {
            Assert.InRange(error.GradientDescent, 1e-10, 1e-5);
            Assert.InRange(error.PlusPlus, 1e-10, 1e-5);
        });

    [Fact]
    public void Predict_QueryToken_IsNoKey()
    {
        MergedLayer[] layers = [.. Enumerable.Repeat(GradientConstruction.Layer(D, N, Eta, Gamma), 2)];
        var tokens = LinearSelfAttention.Tokens(_tasks);
        var query = LinearSelfAttention.QueryToken(_tasks);
        var alone = LinearSelfAttention.Predict(layers, tokens, query);

        Assert.True(LinearSelfAttention.Predict(layers, tokens, cat([query, query * 9], 1)).narrow(1, 0, 1).allclose(alone)); // not another's
        Assert.True(LinearSelfAttention.Predict(layers, tokens, query * 3).allclose(alone * 3)); // nor its own: the answer is linear
        Assert.False(LinearSelfAttention.Predict(layers, cat([tokens, query], 1), query).allclose(alone)); // an example with its token would show
    }

    [Fact]
    public void InContextWeights_TimesTheQuery_AreThePrediction()
    {
        MergedLayer layer = new(randn([D + 1, D + 1], ScalarType.Float64, generator: new Generator(1)), randn([D + 1, D + 1], ScalarType.Float64, generator: new Generator(2)));

        var predicted = LinearSelfAttention.Predict([layer, layer], LinearSelfAttention.Tokens(_tasks), LinearSelfAttention.QueryToken(_tasks)).squeeze(1);

        Assert.True((LinearSelfAttention.InContextWeights([layer, layer], _tasks) * _tasks.Query).sum(-1).allclose(predicted));
    }

    [Fact]
    public void Rescaled_Layer_SaysTheSameAndLiesOnTheConstruction()
    {
        var construction = GradientConstruction.Layer(D, N, Eta);
        MergedLayer disguised = new(construction.Value * -40, construction.Scores / -40);

        Assert.Equal(0, disguised.Distance(construction), 6);
        Assert.Equal(0, disguised.OptimumDistance(N, Eta), 9);
        Assert.True(disguised.Rescaled().Value.allclose(construction.Value) && disguised.Rescaled().Scores.allclose(construction.Scores));
        Assert.Equal(1, GradientConstruction.Layer(D, N, 2 * Eta).Distance(construction), 6);
        Assert.Equal(1, GradientConstruction.Layer(D, N, 2 * Eta).OptimumDistance(N, Eta), 9);
    }

    private void AssertSame(Func<double[][], double[], double[], double[], int, double, double> plain, double[] values, int steps, double tolerance)
    {
        for (int task = 0; task < values.Length; task++)
        {
            double[] flat = ToArray(_tasks.X[task]);
            double expected = plain([.. flat.Chunk(D)], ToArray(_tasks.Y[task]), ToArray(_tasks.Query[task]), ToArray(_first), steps, Eta);
            Assert.Equal(expected, values[task], tolerance);
        }
    }

    private double[] Predict(MergedLayer layer, int layers) =>
        ToArray(LinearSelfAttention.Predict([.. Enumerable.Repeat(layer, layers)], LinearSelfAttention.Tokens(_tasks), LinearSelfAttention.QueryToken(_tasks, _first)));

    private static double[] ToArray(Tensor tensor) => tensor.contiguous().data<double>().ToArray();
}
