namespace MlNetIcl.Probes;

/// <summary>
/// In closed form, the squared error of yhat = b^T M x_q with b = (1/N) sum y_n x_n, for x ~ N(0, diag(lambda)), w ~ N(0, I), y = w . x without noise:
/// what linear attention over N demonstrations answers. Since E[w b^T] = Lambda and E[b b^T] = Lambda Gamma with Gamma = (1 + 1/N) Lambda + tr(Lambda)/N I
/// (fourth moments of a normal x), the loss is tr Lambda - 2 tr(Lambda M^T Lambda) + tr(M Lambda M^T Lambda Gamma), whose minimum is at M = Gamma^-1
/// (Zhang, Frei &amp; Bartlett 2024; Zhang, Singh, Latham &amp; Saxe 2025, arXiv:2501.16265).
/// </summary>
internal sealed class LinearTaskTheory
{
    private readonly double[] _lambda, _gamma;

    /// <param name="eigenvalues">Eigenvalues of the covariance, lambda.</param>
    /// <param name="examples">N.</param>
    public LinearTaskTheory(IReadOnlyList<double> eigenvalues, int examples)
    {
        double trace = eigenvalues.Sum();
        _lambda = [.. eigenvalues];
        _gamma = [.. eigenvalues.Select(l => ((1 + (1.0 / examples)) * l) + (trace / examples))];
        Levels = [.. eigenvalues.Order().Reverse().Prepend(0).Select((_, learned) => LevelOf(learned))];
    }

    public IReadOnlyList<double> Lambda => _lambda;

    /// <summary>The loss with the m largest components at their optimum and the others at 0, m = 0 to D: each is worth lambda^2 / gamma.</summary>
    public IReadOnlyList<double> Levels { get; }

    /// <summary>What the component that matters least is worth.</summary>
    public double LeastWorth => Levels[^2] - Levels[^1];

    /// <summary>The loss of a matrix M [D, D], row by row.</summary>
    public double Loss(ReadOnlySpan<double> m)
    {
        int d = _lambda.Length;
        double loss = _lambda.Sum();
        for (int i = 0; i < d; i++)
        {
            loss -= 2 * _lambda[i] * _lambda[i] * m[(i * d) + i];
            for (int j = 0; j < d; j++) loss += _lambda[i] * _gamma[i] * _lambda[j] * m[(i * d) + j] * m[(i * d) + j];
        }
        return loss;
    }

    /// <summary>The share of each component's optimum that M holds.</summary>
    public double[] Learned(ReadOnlySpan<double> m)
    {
        var shares = new double[_lambda.Length];
        for (int i = 0; i < shares.Length; i++) shares[i] = m[(i * shares.Length) + i] * _gamma[i];
        return shares;
    }

    private double LevelOf(int learned) =>
        _lambda.Sum() - _lambda.Zip(_gamma, (l, g) => (Lambda: l, Worth: l * l / g)).OrderByDescending(c => c.Lambda).Take(learned).Sum(c => c.Worth);
}
