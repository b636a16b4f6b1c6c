using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.InContextRegression;

public class ClassicRegressorsTests
{
    static ClassicRegressorsTests() => Models.Native.NativeTorch.EnsureLoaded();

    [Theory]
    [InlineData(3, 5)]
    [InlineData(5, 5)]
    [InlineData(9, 5)]
    public void LeastSquares_AnyShape_SolvesTheNormalEquationsWithTheShortestWeights(int shots, int dimension)
    {
        using var scope = NewDisposeScope();
        var (x, y, query) = Draw(6, shots, dimension);
        double[] answers = ClassicRegressors.LeastSquares(x, y, query).data<double>().ToArray();

        for (int task = 0; task < 6; task++)
        {
            var weights = mm(linalg.pinv(x[task]), y[task].unsqueeze(1));
            Assert.Equal((query[task].unsqueeze(0).mm(weights)).item<double>(), answers[task], 9);
        }
    }

    [Fact]
    public void LeastSquares_InputsInASubspace_StaysFiniteAndExact()
    {
        using var scope = NewDisposeScope();
        var (x, _, query) = Draw(4, 8, 5);
        var flat = x.clone();
        flat.narrow(2, 2, 3).zero_(); // two directions of five
        var weights = randn([4, 5, 1], ScalarType.Float64, generator: new Generator(3));
        var y = bmm(flat, weights).squeeze(2);
        var inside = query.clone();
        inside.narrow(1, 2, 3).zero_();

        var answers = ClassicRegressors.LeastSquares(flat, y, inside);

        Assert.True((answers - bmm(inside.unsqueeze(1), weights).view(-1)).abs().max().item<double>() < 1e-9);
    }

    [Theory]
    [InlineData(3, 5)]
    [InlineData(9, 5)]
    public void Ridge_BothForms_SolveTheSameEquations(int shots, int dimension)
    {
        using var scope = NewDisposeScope();
        var (x, y, query) = Draw(6, shots, dimension);
        var transposed = x.transpose(1, 2);
        var weights = linalg.solve(bmm(transposed, x) + (0.7 * eye(dimension, dtype: ScalarType.Float64)), bmm(transposed, y.unsqueeze(2)));

        Assert.True((ClassicRegressors.Ridge(x, y, query, 0.7) - bmm(query.unsqueeze(1), weights).view(-1)).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void AveragingAndNeighbours_OneTask_AreWhatTheyAreCalled()
    {
        using var scope = NewDisposeScope();
        var (x, y, query) = Draw(1, 6, 2);
        double[] outputs = y.data<double>().ToArray(), inputs = x.data<double>().ToArray(), q = query.data<double>().ToArray();
        double averaging = Enumerable.Range(0, 6).Average(i => outputs[i] * ((inputs[2 * i] * q[0]) + (inputs[(2 * i) + 1] * q[1])));
        double nearest = Enumerable.Range(0, 6).OrderBy(i => Math.Pow(inputs[2 * i] - q[0], 2) + Math.Pow(inputs[(2 * i) + 1] - q[1], 2)).Take(3).Average(i => outputs[i]);

        Assert.Equal(averaging, ClassicRegressors.Averaging(x, y, query).item<double>(), 12);
        Assert.Equal(nearest, ClassicRegressors.NearestNeighbours(x, y, query).item<double>(), 12);
        Assert.Equal((outputs[0] + outputs[1]) / 2, ClassicRegressors.NearestNeighbours(x.narrow(1, 0, 2), y.narrow(1, 0, 2), query).item<double>(), 12);
    }

    [Fact]
    public void EveryRegressor_WithoutDemonstrations_AnswersZero()
    {
        using var scope = NewDisposeScope();
        var (x, y, query) = Draw(3, 4, 2);
        var (none, nothing) = (x.narrow(1, 0, 0), y.narrow(1, 0, 0));

        Assert.All(RegressionLearners.Classic, name => Assert.All(RegressionStudy.Answer(name, none, nothing, query, 1).data<double>().ToArray(), answer => Assert.Equal(0, answer)));
    }

    private static (Tensor X, Tensor Y, Tensor Query) Draw(int tasks, int shots, int dimension)
    {
        using var generator = new Generator(7);
        Tensor Normal(params long[] shape) => randn(shape, ScalarType.Float64, generator: generator);
        return (Normal(tasks, shots, dimension), Normal(tasks, shots), Normal(tasks, dimension));
    }
}
