using MlNetIcl.Models;
using MlNetIcl.Models.Native;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Draws tasks of a family: what comes depends on the arguments alone. n + 1 points are drawn; the query behind k demonstrations is point k + 1,
/// as in Garg et al. 2022, where a shift says nothing else. Immutable; thread-safe.
/// </summary>
/// <param name="family">The family.</param>
/// <param name="dimension">d; 1 for sinusoids.</param>
/// <param name="demonstrations">n.</param>
/// <param name="noise">Standard deviation of the noise on the demonstrations' outputs.</param>
internal sealed class RegressionTaskSource(RegressionFamily family, int dimension, int demonstrations, double noise = 0)
{
    /// <summary>Whether each task has a noise of its own, uniform between 0 and the given one.</summary>
    public bool NoiseVaries { get; init; }

    /// <summary>The share of tasks of which the last inputs are 0, as of data with fewer features; how many are left is uniform from 1 to d - 1.</summary>
    public double PaddedShare { get; init; }

    public int Dimension => dimension;

    public int Demonstrations => demonstrations;

    public RegressionTasks Draw(int tasks, int seed, RandomStream stream, int number, RegressionShift shift = default, ScalarType type = ScalarType.Float64)
    {
        NativeTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var generator = TorchRandom.Of(seed, stream, number);
        Tensor Normal(params long[] shape) => randn(shape, type, generator: generator);
        Tensor Uniform(params long[] shape) => rand(shape, type, generator: generator);

        var function = Function(tasks, Normal, Uniform);
        var points = (family == RegressionFamily.Linear ? Normal(tasks, demonstrations + 1, dimension) : Uniform(tasks, demonstrations + 1, 1).Times(10).Minus(5))
            .Times(shift.Kind == RegressionShiftKind.InputScale ? shift.Factor : 1);
        if (shift.Kind is RegressionShiftKind.Skewed or RegressionShiftKind.HalfSubspace) points = bmm(points, Transformations(tasks, shift.Kind, Normal));
        if (PaddedShare > 0 && dimension > 1) points = points * Used(Uniform(tasks, 1), Uniform(tasks, 1)).unsqueeze(1);
        var inputs = points.narrow(1, 0, demonstrations);
        var queries = points;
        if (shift.Kind == RegressionShiftKind.RandomQuadrants) inputs = inputs.abs() * Normal(tasks, 1, dimension).sign();
        if (shift.Kind == RegressionShiftKind.Orthogonal) queries = Orthogonalised(inputs, points);
        if (shift.Kind == RegressionShiftKind.Overlapping) queries = Repeated(inputs, points, Uniform(tasks, demonstrations));

        double label = shift.Kind == RegressionShiftKind.LabelScale ? shift.Factor : 1, deviation = shift.Kind == RegressionShiftKind.Noisy ? shift.Factor : noise;
        var outputs = function(inputs).Times(label);
        if (deviation > 0)
        {
            var spread = Normal(tasks, demonstrations).Times(deviation);
            outputs = outputs.Plus(NoiseVaries ? spread * Uniform(tasks, 1) : spread);
        }
        return new(inputs.contiguous().MoveToOuterDisposeScope(), outputs.MoveToOuterDisposeScope(), queries.contiguous().MoveToOuterDisposeScope(), function(queries).Times(label).MoveToOuterDisposeScope());
    }

    /// <summary>From x [task, point, d] to y [task, point].</summary>
    private Func<Tensor, Tensor> Function(int tasks, Func<long[], Tensor> normal, Func<long[], Tensor> uniform)
    {
        if (family == RegressionFamily.Linear)
        {
            var weights = normal([tasks, dimension, 1]);
            return x => bmm(x, weights).squeeze(2);
        }
        var (amplitude, phase) = (uniform([tasks, 1]).Times(4.9).Plus(0.1), uniform([tasks, 1]).Times(Math.PI));
        return x => amplitude * x.squeeze(2).Plus(phase).sin();
    }

    /// <summary>1 where an input is used, 0 where it is padding [task, d].</summary>
    private Tensor Used(Tensor isPadded, Tensor share)
    {
        var count = where(isPadded.lt(Kept.Scalar(PaddedShare)), share.Times(dimension - 1).floor().Plus(1), full_like(share, Kept.Scalar(dimension))); // [task, 1]
        return Kept.Range(dimension).unsqueeze(0).lt(count).to_type(share.dtype);
    }

    /// <summary>Symmetric maps with random directions, eigenvalues as <see cref="RegressionShiftKind"/> says [task, d, d].</summary>
    private Tensor Transformations(int tasks, RegressionShiftKind kind, Func<long[], Tensor> normal)
    {
        double[] spread = [.. Enumerable.Range(1, dimension).Select(i => kind == RegressionShiftKind.Skewed ? 1.0 / i : i <= Math.Max(1, dimension / 2) ? 1 : 0)];
        double size = Math.Sqrt(dimension / spread.Sum(s => s * s));
        var directions = linalg.qr(normal([tasks, dimension, dimension])).Q;
        return bmm(directions * tensor([.. spread.Select(s => s * size)], directions.dtype), directions.transpose(1, 2));
    }

    /// <summary>Each query less its projection on the demonstrations before it, brought back to its length.</summary>
    private static Tensor Orthogonalised(Tensor inputs, Tensor points)
    {
        var queries = new List<Tensor>();
        for (int k = 0; k < points.shape[1]; k++)
        {
            var query = points.narrow(1, k, 1); // [task, 1, d]
            if (k == 0 || k >= points.shape[2])
            {
                queries.Add(query);
                continue;
            }
            var basis = linalg.qr(inputs.narrow(1, 0, k).transpose(1, 2)).Q; // [task, d, k]
            var rest = query - bmm(bmm(query, basis), basis.transpose(1, 2));
            queries.Add(rest * (query.norm(2, keepdim: true) / rest.norm(2, keepdim: true)));
        }
        return cat(queries, 1);
    }

    /// <summary>Behind k demonstrations one of them, all alike likely.</summary>
    /// <param name="inputs">[task, n, d].</param>
    /// <param name="points">[task, n + 1, d]; the first stays, as nothing is before it.</param>
    /// <param name="draws">Uniform in [0, 1) [task, n].</param>
    private static Tensor Repeated(Tensor inputs, Tensor points, Tensor draws)
    {
        long tasks = inputs.shape[0], n = inputs.shape[1], d = inputs.shape[2];
        var chosen = (draws * Kept.Range(n).Plus(1).to_type(draws.dtype)).floor().to_type(ScalarType.Int64); // behind k = 1..n: below k
        return cat([points.narrow(1, 0, 1), inputs.gather(1, chosen.unsqueeze(2).expand(tasks, n, d))], 1);
    }
}
