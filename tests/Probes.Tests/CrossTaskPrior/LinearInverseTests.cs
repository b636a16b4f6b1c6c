using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.CrossTaskPriors;

public class LinearInverseTests
{
    private static readonly CrossTaskPriorOptions Options = new() { Dimension = 12, Examples = 7, Noise = 0.3 };

    static LinearInverseTests() => Models.Native.NativeTorch.EnsureLoaded();

    [Fact]
    public void Ridge_OfEveryTask_SolvesTheNormalEquations()
    {
        using var scope = NewDisposeScope();
        using var family = new PriorTaskFamily(Options, 3);
        var tasks = family.Draw(20, 1, RandomStream.PriorTest, 0);
        var (weights, lambda) = LinearInverse.Ridge(tasks.X, tasks.Y);

        // (X^T X + n lambda I) w = X^T Y, in the d unknowns and not in the n examples as it is computed.
        var xt = tasks.X.transpose(1, 2);
        var left = bmm(bmm(xt, tasks.X), weights.unsqueeze(2)) + (Options.Examples * lambda.view(-1, 1, 1) * weights.unsqueeze(2));
        Assert.True((left - bmm(xt, tasks.Y.unsqueeze(2))).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void Ridge_Lambda_MinimisesCrossValidationComputedFromTheHatMatrix()
    {
        using var scope = NewDisposeScope();
        using var family = new PriorTaskFamily(Options, 3);
        var tasks = family.Draw(8, 2, RandomStream.PriorTest, 0);
        double[] chosen = LinearInverse.Ridge(tasks.X, tasks.Y).Lambda.data<double>().ToArray();
        int n = Options.Examples;

        for (int task = 0; task < chosen.Length; task++)
        {
            var (x, y) = (tasks.X[task], tasks.Y[task].unsqueeze(1));
            double best = LinearInverse.Lambdas.MinBy(lambda =>
            {
                var hat = mm(x, linalg.solve(mm(x.t(), x) + (n * lambda * eye(Options.Dimension, dtype: ScalarType.Float64)), x.t()));
                var rest = eye(n, dtype: ScalarType.Float64) - hat;
                // Leave-one-out residuals are (I - H)y / (1 - h_ii); generalised cross-validation puts the mean of the h_ii in their place.
                return (mm(rest, y).squeeze(1) / rest.diagonal().mean()).square().mean().item<double>();
            });
            Assert.Equal(best, chosen[task], 12);
        }
    }

    [Fact]
    public void Posterior_UnderTheTruePrior_HasTheRiskOfTheClosedForm()
    {
        using var scope = NewDisposeScope();
        using var family = new PriorTaskFamily(Options, 4);
        var tasks = family.Draw(4000, 3, RandomStream.PriorTest, 0);
        var (weights, risk) = LinearInverse.Posterior(tasks.X, tasks.Y, Truth(family));

        var difference = (weights - tasks.W).square().sum(-1) - risk; // each has mean 0 given X
        double error = difference.std().item<double>() / Math.Sqrt(4000);
        Assert.InRange(difference.mean().item<double>() / error, -4, 4);
    }

    [Fact]
    public void Posterior_OfAWidePrior_IsRidgeWithTheNoisesLambda()
    {
        using var scope = NewDisposeScope();
        using var family = new PriorTaskFamily(Options, 4);
        var tasks = family.Draw(5, 4, RandomStream.PriorTest, 0);
        int d = Options.Dimension;
        // w ~ N(0, I) in all directions: the posterior mean is ridge with n lambda = sigma^2.
        var (weights, _) = LinearInverse.Posterior(tasks.X, tasks.Y, new(zeros(d, ScalarType.Float64), eye(d, dtype: ScalarType.Float64), ones(d, ScalarType.Float64), 0.09));
        var xt = tasks.X.transpose(1, 2);
        var expected = linalg.solve(bmm(xt, tasks.X) + (0.09 * eye(d, dtype: ScalarType.Float64)), bmm(xt, tasks.Y.unsqueeze(2))).squeeze(2);

        Assert.True((weights - expected).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void EstimatePrior_OfManyTasks_FindsMeanDirectionsVariancesAndNoise()
    {
        using var scope = NewDisposeScope();
        using var family = new PriorTaskFamily(Options, 3);
        var tasks = family.Draw(20_000, 5, RandomStream.PriorTest, 0);
        var prior = LinearInverse.EstimatePrior(tasks.X, tasks.Y, 3);

        Assert.True(((prior.Mean - family.Mean).norm() / family.Mean.norm()).item<double>() < 0.03);
        Assert.InRange(mm(family.Basis.t(), prior.Basis).square().sum().item<double>() / 3, 0.995, 1.0000001);
        Assert.All(prior.Variances.data<double>(), v => Assert.InRange(v, 0.93, 1.07));
        Assert.InRange(prior.NoiseVariance, 0.09 * 0.97, 0.12); // what the directions miss counts as noise
        Assert.Throws<ArgumentOutOfRangeException>(() => LinearInverse.EstimatePrior(tasks.X, tasks.Y, Options.Examples));
    }

    internal static WeightPrior Truth(PriorTaskFamily family) =>
        new(family.Mean, family.Basis, ones(family.Rank, ScalarType.Float64), family.Noise * family.Noise);
}
