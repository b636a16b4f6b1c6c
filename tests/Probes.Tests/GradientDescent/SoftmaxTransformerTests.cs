using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.GradientDescent;

public class SoftmaxTransformerTests
{
    private static readonly LinearTaskFamily Family = new(3, 6, 1);

    static SoftmaxTransformerTests() => Models.Native.NativeTorch.EnsureLoaded();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Answer_Gradient_IsThatOfFiniteDifferences(bool mlp)
    {
        using var scope = NewDisposeScope();
        using var model = new SoftmaxTransformer(Family, new SoftmaxOptions { Width = 16, Mlp = mlp }, 1);
        model.Train(30);
        var tasks = Family.Draw(50, 1, RandomStream.GradientDescentTest, 0);
        var gradient = model.Answer(tasks).Gradient;

        for (int input = 0; input < 3; input++)
        {
            var move = zeros(3, ScalarType.Float64);
            move[input] = 0.01; // of single precision there are seven digits
            var difference = (model.Answer(tasks with { Query = tasks.Query + move }).Predicted - model.Answer(tasks with { Query = tasks.Query - move }).Predicted) / 0.02;
            Assert.True((difference - gradient.select(1, input)).abs().max().item<double>() < 2e-3 * Math.Max(1, gradient.abs().max().item<double>()));
        }
    }

    /// <summary>There are no positions, and no token but the query's reads the query.</summary>
    [Fact]
    public void Answer_ExamplesInAnotherOrder_IsTheSame()
    {
        using var scope = NewDisposeScope();
        using var model = new SoftmaxTransformer(Family, new SoftmaxOptions { Width = 16 }, 1);
        var tasks = Family.Draw(50, 1, RandomStream.GradientDescentTest, 0);

        var turned = model.Answer(tasks with { X = tasks.X.flip(1), Y = tasks.Y.flip(1) }).Predicted;

        Assert.True(turned.allclose(model.Answer(tasks).Predicted, rtol: 1e-4, atol: 1e-5));
        Assert.False(turned.allclose(model.Answer(tasks with { Y = tasks.Y.flip(1) }).Predicted, rtol: 1e-2, atol: 1e-3));
    }

    [Fact]
    public void Train_FewSteps_LossFallsBelowThatOfNoAnswer()
    {
        using var model = new SoftmaxTransformer(Family, new SoftmaxOptions { Layers = 2, Width = 32, Steps = 300, BatchTasks = 64 }, 1);
        var losses = new List<double>();
        model.Train(300, (_, loss) => losses.Add(loss));

        double nothing = OneStepOptimum.Of(3, 6, 1).NullLoss;
        Assert.InRange(losses[0], 0.5 * nothing, 1.5 * nothing);
        Assert.True(losses.TakeLast(50).Average() < 0.6 * nothing, $"{losses.TakeLast(50).Average()} of {nothing}");
    }
}
