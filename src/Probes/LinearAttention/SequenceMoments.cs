using MlNetIcl.Models.Native;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// All that full-batch training needs of its sequences: with z = vec(b x_q^T), the mean squared error of vec(M) . z is
/// E[y^2] - 2 E[y z] . M + M . E[z z^T] M, so that a step costs one product with a D^2 x D^2 matrix, however many sequences there are.
/// </summary>
internal sealed class SequenceMoments
{
    private readonly double[] _second, _first; // E[z z^T] [D^2, D^2], E[y z] [D^2]
    private readonly double _square; // E[y^2]

    private SequenceMoments(double[] second, double[] first, double square) => (_second, _first, _square) = (second, first, square);

    /// <summary>Draws sequences: x ~ N(0, diag(lambda)), w ~ N(0, I), N demonstrations and a query of each.</summary>
    public static SequenceMoments Draw(IReadOnlyList<double> lambda, int examples, int sequences, SeededRandom random, CancellationToken cancellation = default)
    {
        int d = lambda.Count;
        double[] std = [.. lambda.Select(Math.Sqrt)], w = new double[d], x = new double[d], b = new double[d], z = new double[d * d];
        double[] second = new double[z.Length * z.Length], first = new double[z.Length];
        double square = 0;
        for (int sequence = 0; sequence < sequences; sequence++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < d; i++) w[i] = random.NextNormal();
            Array.Clear(b);
            for (int n = 0; n < examples; n++) Vectors.AddScaled(b, x, DrawInput() / examples);
            double y = DrawInput();
            for (int i = 0; i < d; i++)
                for (int j = 0; j < d; j++) z[(i * d) + j] = b[i] * x[j];
            square += y * y / sequences;
            Vectors.AddScaled(first, z, y / sequences);
            for (int i = 0; i < z.Length; i++) Vectors.AddScaled(second.AsSpan(i * z.Length, z.Length), z, z[i] / sequences);
        }
        return new(second, first, square);

        double DrawInput() // the next x; gives its y
        {
            double y = 0;
            for (int i = 0; i < d; i++)
            {
                x[i] = std[i] * random.NextNormal();
                y += w[i] * x[i];
            }
            return y;
        }
    }

    /// <summary>The mean squared error of a matrix, and its gradient 2 (E[z z^T] M - E[y z]).</summary>
    /// <param name="m">M [D^2].</param>
    /// <param name="gradient">Gets the gradient [D^2].</param>
    public double Loss(ReadOnlySpan<double> m, Span<double> gradient)
    {
        gradient.Clear();
        for (int i = 0; i < m.Length; i++) Vectors.AddScaled(gradient, _second.AsSpan(i * m.Length, m.Length), m[i]);
        double loss = _square;
        for (int i = 0; i < m.Length; i++)
        {
            loss += m[i] * (gradient[i] - (2 * _first[i]));
            gradient[i] = 2 * (gradient[i] - _first[i]);
        }
        return loss;
    }

    /// <summary>The least mean squared error of any matrix.</summary>
    public double LeastLoss()
    {
        NativeTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var a = tensor(_second, [_first.Length, _first.Length]);
        using var b = tensor(_first, [_first.Length, 1]);
        double[] best = linalg.solve(a, b).data<double>().ToArray();
        return Loss(best, new double[best.Length]);
    }
}
