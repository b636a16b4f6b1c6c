using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What is assumed of tasks: w ~ N(mean, basis diag(variances) basis^T), and the noise's variance. The tensors belong to the caller's scope.</summary>
/// <param name="Mean">w0 [d].</param>
/// <param name="Basis">U [d, r], orthonormal.</param>
/// <param name="Variances">The covariance's eigenvalues in it [r], above 0.</param>
/// <param name="NoiseVariance">sigma^2.</param>
internal readonly record struct WeightPrior(Tensor Mean, Tensor Basis, Tensor Variances, double NoiseVariance);

/// <summary>Closed-form estimates of w [task, d] from X [task, n, d] and Y [task, n], in the precision of their input.</summary>
internal static class LinearInverse
{
    /// <summary>The lambdas that cross-validation chooses from: 61, from 1e-6 to 1e3 in equal ratios.</summary>
    public static readonly double[] Lambdas = [.. Enumerable.Range(0, 61).Select(i => Math.Pow(10, -6 + (0.15 * i)))];

    /// <summary>
    /// Ridge: (X^T X + n lambda I)^-1 X^T Y with the lambda of each task that minimises generalised cross-validation,
    /// n |(I - H) Y|^2 / tr(I - H)^2 (Golub, Heath &amp; Wahba 1979), computed from the eigenvalues of X X^T.
    /// </summary>
    public static (Tensor Weights, Tensor Lambda) Ridge(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        long n = x.shape[1];
        var (values, vectors) = linalg.eigh(bmm(x, x.transpose(1, 2))); // [task, n], [task, n, n]
        var rotated = bmm(vectors.transpose(1, 2), y.unsqueeze(2)).squeeze(2); // [task, n]
        var lambdas = tensor(Lambdas, x.dtype);
        var kept = lambdas.view(1, -1, 1).Times(n);
        var left = kept / (values.clamp(min: Kept.Scalar(0)).unsqueeze(1).Plus(kept)); // eigenvalues of I - H [task, lambda, n]
        var score = (left * rotated.unsqueeze(1)).square().sum(-1).Times(n) / left.sum(-1).square(); // [task, lambda]
        var lambda = lambdas.index_select(0, score.argmin(-1)); // [task]
        var dual = bmm(vectors, (rotated / (values.clamp(min: Kept.Scalar(0)).Plus(lambda.Times(n).unsqueeze(1)))).unsqueeze(2));
        return (bmm(x.transpose(1, 2), dual).squeeze(2).MoveToOuterDisposeScope(), lambda.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The posterior mean under a prior, S = (Lambda^-1 + (XU)^T XU / sigma^2)^-1, w = w0 + U S (XU)^T (Y - X w0) / sigma^2, and its risk tr S
    /// [task], which is the mean squared error where the prior is the true one: no estimate has a smaller one.
    /// </summary>
    public static (Tensor Weights, Tensor Risk) Posterior(Tensor x, Tensor y, WeightPrior prior)
    {
        using var scope = NewDisposeScope();
        var (tasks, n) = (x.shape[0], x.shape[1]);
        var seen = mm(x.reshape(-1, x.shape[2]), prior.Basis).view(tasks, n, -1); // XU [task, n, r]
        var residual = y - mm(x.reshape(-1, x.shape[2]), prior.Mean.unsqueeze(1)).view(tasks, n);
        var precision = bmm(seen.transpose(1, 2), seen).Over(prior.NoiseVariance).Plus(diag(prior.Variances.reciprocal()).unsqueeze(0));
        var covariance = linalg.inv(precision); // S [task, r, r]
        var v = bmm(covariance, bmm(seen.transpose(1, 2), residual.unsqueeze(2))).squeeze(2).Over(prior.NoiseVariance); // [task, r]
        return (prior.Mean.unsqueeze(0).Plus(mm(v, prior.Basis.t())).MoveToOuterDisposeScope(), covariance.diagonal(0, 1, 2).sum(-1).MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The first of the two stages: the prior, estimated from tasks without their weights, for X of rotation-invariant rows.
    /// w0: least squares over all tasks pooled. U: the top eigenvectors of the second moment of X^+ (Y - X w0), which random projections shrink
    /// evenly. In U, each task's least squares v: sigma^2 from its residuals, the variances from v's covariance less what the noise adds.
    /// </summary>
    /// <param name="x">Inputs [task, n, d].</param>
    /// <param name="y">Outputs [task, n].</param>
    /// <param name="rank">The rank that is assumed, below n: without a residual there is no telling noise from signal.</param>
    public static WeightPrior EstimatePrior(Tensor x, Tensor y, int rank)
    {
        using var scope = NewDisposeScope();
        var (tasks, n, d) = (x.shape[0], x.shape[1], x.shape[2]);
        if (rank < 1 || rank >= n) throw new ArgumentOutOfRangeException(nameof(rank), rank, $"Expected a rank from 1 to {n - 1}, below the number of examples.");
        var flat = x.reshape(-1, d);
        var mean = linalg.solve(mm(flat.t(), flat), mm(flat.t(), y.reshape(-1, 1))).squeeze(1); // [d]
        var residual = y - mm(flat, mean.unsqueeze(1)).view(tasks, n);
        var least = bmm(x.transpose(1, 2), linalg.solve(bmm(x, x.transpose(1, 2)), residual.unsqueeze(2))).squeeze(2); // X^+ residual [task, d]
        var basis = linalg.eigh(mm(least.t(), least)).Item2.narrow(1, d - rank, rank).contiguous(); // [d, r]

        var seen = mm(flat, basis).view(tasks, n, rank);
        var spread = linalg.inv(bmm(seen.transpose(1, 2), seen)); // [task, r, r]
        var v = bmm(spread, bmm(seen.transpose(1, 2), residual.unsqueeze(2))); // [task, r, 1]
        double noise = (residual - bmm(seen, v).squeeze(2)).square().sum().Over(tasks * (n - rank)).item<double>();
        var flatV = v.squeeze(2);
        var covariance = mm(flatV.t(), flatV).Over(tasks) - spread.mean([0]).Times(noise);
        var (values, turn) = linalg.eigh(covariance); // the basis is turned so that the covariance is diagonal in it
        return new(mean.MoveToOuterDisposeScope(), mm(basis, turn).MoveToOuterDisposeScope(), values.clamp(min: Kept.Scalar(1e-6)).MoveToOuterDisposeScope(), noise);
    }
}
