using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Regressors that know one task alone, over many tasks at once: x [task, k, d], y [task, k], query [task, d] to answers [task], in the precision of
/// their input. Without demonstrations all answer 0.
/// </summary>
internal static class ClassicRegressors
{
    /// <summary>Below this share of the largest diagonal entry of R, inputs count as dependent.</summary>
    private const double Dependent = 1e-10;

    /// <summary>Least squares, with the weights of least length where they are not unique.</summary>
    public static Tensor LeastSquares(Tensor x, Tensor y, Tensor query) => Linear(x, y, query, () =>
    {
        // By QR of the taller side, which does not square the condition as normal equations do. (torch's own lstsq differs from call to call.)
        bool wide = x.shape[1] < x.shape[2];
        var (q, r) = linalg.qr(wide ? x.transpose(1, 2) : x);
        var diagonal = r.diagonal(0, 1, 2).abs();
        if ((diagonal.amin([1]) <= diagonal.amax([1]).Times(Dependent)).any().item<bool>()) return bmm(linalg.pinv(x, Dependent), y.unsqueeze(2));
        return wide
            ? bmm(q, linalg.solve(r.transpose(1, 2), y.unsqueeze(2)))
            : linalg.solve(r, bmm(q.transpose(1, 2), y.unsqueeze(2)));
    });

    /// <summary>(X^T X + lambda I)^-1 X^T Y, computed in the smaller of k and d; by least squares for lambda = 0.</summary>
    public static Tensor Ridge(Tensor x, Tensor y, Tensor query, double lambda) => lambda == 0 ? LeastSquares(x, y, query) : Linear(x, y, query, () =>
    {
        long k = x.shape[1], d = x.shape[2];
        var transposed = x.transpose(1, 2);
        Tensor Lambda(long size) => eye(size, dtype: x.dtype).Times(lambda);
        return k < d
            ? bmm(transposed, linalg.solve(bmm(x, transposed).Plus(Lambda(k)), y.unsqueeze(2)))
            : linalg.solve(bmm(transposed, x).Plus(Lambda(d)), bmm(transposed, y.unsqueeze(2)));
    });

    /// <summary>(1/k) sum y_i x_i as the weights, which is one step of gradient descent from 0 (Garg et al. 2022).</summary>
    public static Tensor Averaging(Tensor x, Tensor y, Tensor query) => Linear(x, y, query, () => bmm(x.transpose(1, 2), y.unsqueeze(2)).Over(x.shape[1]));

    /// <summary>The mean y of the <paramref name="neighbours"/> nearest demonstrations, of all where there are fewer.</summary>
    public static Tensor NearestNeighbours(Tensor x, Tensor y, Tensor query, int neighbours = 3)
    {
        if (x.shape[1] == 0) return zeros_like(y.sum(-1));
        using var scope = NewDisposeScope();
        var distances = (x - query.unsqueeze(1)).square().sum(-1); // [task, k]
        var nearest = distances.topk((int)Math.Min(neighbours, x.shape[1]), largest: false).indexes;
        return y.gather(1, nearest).mean([1]).MoveToOuterDisposeScope();
    }

    /// <summary>The Bayes risk of ridge with lambda = sigma^2 for w ~ N(0, I) given the inputs, times d: sigma^2 tr (X^T X + sigma^2 I)^-1 [task].</summary>
    public static Tensor RidgeRisk(Tensor x, double noise)
    {
        using var scope = NewDisposeScope();
        long k = x.shape[1], d = x.shape[2];
        if (k == 0) return full([x.shape[0]], Kept.Scalar(d), x.dtype).MoveToOuterDisposeScope();
        var transposed = x.transpose(1, 2);
        double variance = noise * noise;
        // The other d - k eigenvalues of X^T X are 0, and count 1 each.
        var (gram, rest) = k < d ? (bmm(x, transposed), d - k) : (bmm(transposed, x), 0);
        return linalg.eigvalsh(gram).clamp(min: Kept.Scalar(0)).Plus(variance).reciprocal().Times(variance).sum(-1).Plus(rest).MoveToOuterDisposeScope();
    }

    private static Tensor Linear(Tensor x, Tensor y, Tensor query, Func<Tensor> weights)
    {
        if (x.shape[1] == 0) return zeros_like(y.sum(-1));
        using var scope = NewDisposeScope();
        return bmm(query.unsqueeze(1), weights()).view(-1).MoveToOuterDisposeScope();
    }
}
