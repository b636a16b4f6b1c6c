using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Line search of eta and gamma. In the eigenvectors of X X^T / N every step acts on each direction alone, and the expectation over w and the query is
/// exact, so that nothing but the eigenvalues of sampled tasks is needed.
/// </summary>
internal sealed class StepSearch : IDisposable
{
    private const int Points = 13, Rounds = 8;

    private readonly OneStepOptimum _optimum;
    private readonly Tensor _eigenvalues; // [task, d]

    public StepSearch(GradientDescentOptions options, OneStepOptimum optimum)
    {
        _optimum = optimum;
        _eigenvalues = options.Family.Collect(options.SearchTasks, options.Seed, RandomStream.GradientDescentSearch, tasks => [Eigenvalues(tasks.X)])[0].DetachFromDisposeScope();
    }

    /// <summary>The expected loss, half the squared error, of k steps: (s/2) E tr of the squared product of 1 - eta lambda_t, lambda_(t+1) = lambda_t (1 - gamma N lambda_t)^2.</summary>
    public double Loss(int steps, double eta, double gamma = 0)
    {
        using var scope = NewDisposeScope();
        var (lambda, left) = (_eigenvalues, _eigenvalues.Times(-eta).Plus(1));
        for (int step = 1; step < steps; step++)
        {
            if (gamma != 0) lambda = lambda * lambda.Times(-gamma * _optimum.Examples).Plus(1).square();
            left = left * lambda.Times(-eta).Plus(1);
        }
        return _optimum.Variance / 2 * left.square().sum(-1).mean().item<double>();
    }

    /// <summary>The best eta of k steps, and with <paramref name="plusPlus"/> the best gamma, by a grid that closes in on the least loss.</summary>
    public (double Eta, double Gamma) Best(int steps, bool plusPlus)
    {
        // A step beyond 2 / lambda makes things worse, and so does a correction beyond 1 / (N lambda) to a direction of that lambda.
        (double Low, double High) eta = (0, 6 * _optimum.Eta), gamma = (0, plusPlus ? 2 * _optimum.Eta / _optimum.Examples : 0);
        (double Eta, double Gamma) best = default;
        for (int round = 0; round < Rounds; round++)
        {
            best = Grid(eta).SelectMany(e => Grid(gamma).Select(g => (Eta: e, Gamma: g))).MinBy(p => Loss(steps, p.Eta, p.Gamma));
            (eta, gamma) = (Around(eta, best.Eta), Around(gamma, best.Gamma));
        }
        return best;
    }

    public void Dispose() => _eigenvalues.Dispose();

    private static IEnumerable<double> Grid((double Low, double High) range) =>
        range.High == range.Low ? [range.Low] : Enumerable.Range(0, Points).Select(i => range.Low + (i * (range.High - range.Low) / (Points - 1)));

    // One and a half cells to both sides of the best point.
    private static (double, double) Around((double Low, double High) range, double best)
    {
        double reach = 1.5 * (range.High - range.Low) / (Points - 1);
        return (Math.Max(0, best - reach), best + reach);
    }

    private static Tensor Eigenvalues(Tensor x)
    {
        var (n, d) = (x.shape[1], x.shape[2]);
        var transposed = x.transpose(1, 2);
        var values = linalg.eigvalsh(n < d ? bmm(x, transposed) : bmm(transposed, x)).clamp(min: Kept.Scalar(0)).Over(n);
        return n < d ? cat([values, zeros([x.shape[0], d - n], x.dtype)], 1) : values;
    }
}
