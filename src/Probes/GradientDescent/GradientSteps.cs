using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Gradient descent on the examples of each task, written plainly: half the mean squared error of W x, whole-batch steps. The tensors belong to
/// the caller's scope.
/// </summary>
internal static class GradientSteps
{
    /// <summary>
    /// W0 x and what the steps add to it, for any query, as weights [task, d]: each step adds -(eta/N) sum (W0 x_i - y_i) x_i^T and takes its own
    /// prediction out of the y_i. With gamma, GD++ (von Oswald et al. 2023, appendix A.10): every input, the query's too, then becomes
    /// (I - gamma X X^T) x. Without it, W after k steps.
    /// </summary>
    /// <param name="tasks">Examples.</param>
    /// <param name="steps">k, at least 0.</param>
    /// <param name="eta">Learning rate.</param>
    /// <param name="gamma">Curvature correction; 0 for gradient descent.</param>
    /// <param name="first">W0 [d]; null for 0.</param>
    public static Tensor Weights(LinearTasks tasks, int steps, double eta, double gamma = 0, Tensor? first = null)
    {
        using var scope = NewDisposeScope();
        var (x, y) = (tasks.X, tasks.Y);
        var (count, n, d) = (x.shape[0], x.shape[1], x.shape[2]);
        var start = (first ?? zeros(d, x.dtype)).expand(count, d);
        var weights = start;
        var transform = eye(d, dtype: x.dtype).expand(count, d, d); // query -> its input to this step [task, d, d], symmetric
        for (int step = 0; step < steps; step++)
        {
            var residual = bmm(x, start.unsqueeze(2)).squeeze(2) - y; // W0 x_i - y_i [task, n]
            var change = bmm(residual.unsqueeze(1), x).Times(-eta / n); // dW [task, 1, d]
            weights = weights.Plus(bmm(change, transform).squeeze(1));
            y = y - bmm(x, change.transpose(1, 2)).squeeze(2);
            if (gamma == 0) continue;
            var correction = eye(d, dtype: x.dtype) - bmm(x.transpose(1, 2), x).Times(gamma); // I - gamma X X^T
            x = bmm(x, correction);
            transform = bmm(correction, transform);
        }
        return weights.MoveToOuterDisposeScope();
    }

    /// <summary>The least-squares weights of least norm [task, d]: without noise w itself, or its projection on the examples where they are fewer than d.</summary>
    public static Tensor LeastSquares(LinearTasks tasks)
    {
        using var scope = NewDisposeScope();
        var x = tasks.X;
        if (x.shape[1] >= x.shape[2]) return tasks.Weights.clone().MoveToOuterDisposeScope();
        var dual = linalg.solve(bmm(x, x.transpose(1, 2)), tasks.Y.unsqueeze(2)); // [task, n, 1]
        return bmm(x.transpose(1, 2), dual).squeeze(2).MoveToOuterDisposeScope();
    }
}
