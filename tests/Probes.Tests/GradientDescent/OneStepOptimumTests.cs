using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.GradientDescent;

public class OneStepOptimumTests
{
    static OneStepOptimumTests() => Models.Native.NativeTorch.EnsureLoaded();

    [Theory]
    [InlineData(0.5, 0.4167, 0.2062, 6.06)] // inputs of the paper's code
    [InlineData(1.0, 1.6667, 0.825, 1.515)] // of its text
    public void Of_PaperFamily_HasTheKnownLosses(double range, double nothing, double best, double eta)
    {
        var optimum = OneStepOptimum.Of(10, 10, range);

        Assert.Equal(nothing, optimum.NullLoss, 5e-5);
        Assert.Equal(best, optimum.Loss, 1e-4);
        Assert.Equal(eta, optimum.Eta, 1e-3);
        Assert.Equal(optimum.NullLoss, optimum.LossAt(0), 12);
    }

    /// <summary>
    /// The loss of x_q^T M (1/N) sum y_i x_i is (s/2) E |M S w - w|^2 with S the examples' second moments; it is least where M E S^2 = E S, so that
    /// Gamma = E S^2 (E S)^-1 has to be (C/s) I: on its diagonal and off it.
    /// </summary>
    [Theory]
    [InlineData(3, 4, 1.0)]
    [InlineData(4, 12, 0.5)]
    public void Of_AnyFamily_GammaIsThatOfDrawnExamples(int d, int n, double range)
    {
        const int Tasks = 40_000;
        using var scope = NewDisposeScope();
        var optimum = OneStepOptimum.Of(d, n, range);
        var x = new LinearTaskFamily(d, n, range).Draw(Tasks, 1, RandomStream.GradientDescentTest, 0).X;
        var moments = bmm(x.transpose(1, 2), x) / n;
        var squares = bmm(moments, moments);

        var error = squares.std(0) / Math.Sqrt(Tasks);
        Assert.True((squares.mean([0]) - (optimum.Curvature * eye(d, dtype: ScalarType.Float64))).abs().lt(5 * error).all().item<bool>());
        Assert.Equal(optimum.Variance, moments.mean([0]).diagonal().mean().item<double>(), 0.01 * optimum.Variance);
        Assert.Equal(optimum.Curvature / optimum.Variance, 1 / optimum.Eta, 12);
    }

    [Theory]
    [InlineData(6.06, 1)]
    [InlineData(3, 1)]
    [InlineData(6.06, 1.5)]
    public void LossAt_EtaAndScale_IsThatOfOneStepOnDrawnTasks(double eta, double scale)
    {
        using var scope = NewDisposeScope();
        var tasks = new LinearTaskFamily(10, 10, 0.5).Draw(20_000, 2, RandomStream.GradientDescentTest, 0, scale: new TaskScale(Examples: scale, Query: scale));
        double[] x = Array(tasks.X), y = Array(tasks.Y), query = Array(tasks.Query), answers = Array(tasks.Answer);
        double[] losses = [.. Enumerable.Range(0, answers.Length).Select(t =>
            Math.Pow(PlainGradientDescent.ByWeights([.. x.AsSpan(t * 100, 100).ToArray().Chunk(10)], y[(t * 10)..((t + 1) * 10)], query[(t * 10)..((t + 1) * 10)], new double[10], 1, eta) - answers[t], 2) / 2)];
        double mean = losses.Average(), error = Math.Sqrt(losses.Average(l => Math.Pow(l - mean, 2)) / losses.Length);

        Assert.Equal(OneStepOptimum.Of(10, 10, 0.5).LossAt(eta, scale), mean, 5 * error);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(4, 0)]
    [InlineData(3, 0.12)]
    public void StepSearch_Loss_IsThatOfTheSteps(int steps, double gamma)
    {
        using var scope = NewDisposeScope();
        using var search = new StepSearch(new GradientDescentOptions { SearchTasks = 20_000 }, OneStepOptimum.Of(10, 10, 0.5));
        var tasks = new LinearTaskFamily(10, 10, 0.5).Draw(20_000, 7, RandomStream.GradientDescentTest, 0);
        var losses = (GradientSteps.Weights(tasks, steps, 5, gamma) - tasks.Weights).square().sum(-1) / 24; // (s/2)|W - w|^2 with s = 1/12

        Assert.Equal(losses.mean().item<double>(), search.Loss(steps, 5, gamma), 7 * losses.std().item<double>() / Math.Sqrt(20_000)); // both are samples
    }

    [Fact]
    public void StepSearch_Best_IsTheClosedFormForOneStepAndGainsByMoreStepsAndByCorrection()
    {
        using var search = new StepSearch(new GradientDescentOptions { SearchTasks = 3000 }, OneStepOptimum.Of(10, 10, 0.5));
        double Loss(int steps, bool plusPlus) => search.Best(steps, plusPlus) is var (eta, gamma) ? search.Loss(steps, eta, gamma) : 0;

        Assert.Equal(6.06, search.Best(1, false).Eta, 0.1);
        Assert.Equal(0.2062, Loss(1, false), 0.002);
        Assert.True(Loss(2, false) < Loss(1, false) - 0.03);
        Assert.True(Loss(2, true) < Loss(2, false) - 0.03);
        var (eta, gamma) = search.Best(2, true);
        Assert.All<(double Eta, double Gamma)>([(eta * 1.05, gamma), (eta * 0.95, gamma), (eta, gamma * 1.05), (eta, gamma * 0.95)], p => Assert.True(search.Loss(2, p.Eta, p.Gamma) > search.Loss(2, eta, gamma)));
    }

    [Theory]
    [InlineData(0, 10, 1)]
    [InlineData(10, 0, 1)]
    [InlineData(10, 10, 0)]
    [InlineData(10, 10, double.NaN)]
    public void Of_NoFamily_Throws(int d, int n, double range) => Assert.Throws<ArgumentOutOfRangeException>(() => OneStepOptimum.Of(d, n, range));

    private static double[] Array(Tensor tensor) => tensor.contiguous().data<double>().ToArray();
}
