namespace MlNetIcl.Probes;

/// <summary>
/// Heads of linear attention over tokens (x, y), as far as they reach the query's answer: head h adds v_h b^T (key^T query)_h x_q, so that all of them are one
/// matrix M = sum_h v_h (key^T query)_h, and training is gradient descent on their factors (Zhang, Singh, Latham &amp; Saxe 2025, arXiv:2501.16265).
/// Each factor starts normal, with the root mean square length that is given.
/// </summary>
internal abstract class KeyQueryHeads(int heads, int dimension, double size, SeededRandom random)
{
    protected int Count { get; } = heads;

    protected int D { get; } = dimension;

    /// <summary>v [head].</summary>
    protected double[] Value { get; } = Draw(heads, size, random);

    /// <summary>Writes M [D, D], row by row.</summary>
    public abstract void Product(double[] m);

    /// <summary>One step of gradient descent.</summary>
    /// <param name="gradient">The loss's gradient with respect to M [D, D].</param>
    /// <param name="rate">The learning rate.</param>
    public abstract void Step(double[] gradient, double rate);

    /// <summary>How large each head's part of M is, and how much of its direction is each component's; null where heads have no direction.</summary>
    public abstract HeadSnapshot? Snapshot();

    protected static double[] Draw(int count, double std, SeededRandom random)
    {
        var values = new double[count];
        for (int i = 0; i < count; i++) values[i] = std * random.NextNormal();
        return values;
    }
}

/// <summary>The heads at one moment.</summary>
/// <param name="Strength">|v| |key| |query| [head].</param>
/// <param name="Overlap">key_d query_d / (|key| |query|) [head][component].</param>
internal sealed record HeadSnapshot(double[] Strength, double[][] Overlap);

/// <summary>Heads with one matrix U [D, D] for key and query: M = sum v U.</summary>
internal sealed class MergedHeads : KeyQueryHeads
{
    private readonly double[] _u; // [head, D, D]

    public MergedHeads(int heads, int dimension, double size, SeededRandom random)
        : base(heads, dimension, size, random) => _u = Draw(heads * dimension * dimension, size / dimension, random);

    public override void Product(double[] m)
    {
        Array.Clear(m);
        for (int h = 0; h < Count; h++) Vectors.AddScaled(m, _u.AsSpan(h * m.Length, m.Length), Value[h]);
    }

    public override void Step(double[] gradient, double rate)
    {
        for (int h = 0; h < Count; h++)
        {
            var u = _u.AsSpan(h * gradient.Length, gradient.Length);
            double along = Vectors.Dot(u, gradient);
            Vectors.AddScaled(u, gradient, -rate * Value[h]);
            Value[h] -= rate * along;
        }
    }

    public override HeadSnapshot? Snapshot() => null;
}

/// <summary>Heads with a key k [D] and a query q [D]: M = sum v k q^T.</summary>
internal sealed class SeparateHeads : KeyQueryHeads
{
    private readonly double[][] _key, _query; // [head][D]
    private readonly double[] _gq, _kg; // the gradient times the query, and the key times the gradient [D]

    public SeparateHeads(int heads, int dimension, double size, SeededRandom random)
        : base(heads, dimension, size, random)
    {
        _key = [.. Enumerable.Range(0, heads).Select(_ => Draw(dimension, size / Math.Sqrt(dimension), random))];
        _query = [.. Enumerable.Range(0, heads).Select(_ => Draw(dimension, size / Math.Sqrt(dimension), random))];
        (_gq, _kg) = (new double[dimension], new double[dimension]);
    }

    public override void Product(double[] m)
    {
        Array.Clear(m);
        for (int h = 0; h < Count; h++)
            for (int i = 0; i < D; i++)
            {
                double left = Value[h] * _key[h][i];
                for (int j = 0; j < D; j++) m[(i * D) + j] += left * _query[h][j];
            }
    }

    public override void Step(double[] gradient, double rate)
    {
        for (int h = 0; h < Count; h++)
        {
            double[] key = _key[h], query = _query[h];
            double along = 0, step = rate * Value[h];
            Array.Clear(_kg);
            for (int i = 0; i < D; i++)
            {
                double sum = 0;
                for (int j = 0; j < D; j++)
                {
                    double g = gradient[(i * D) + j];
                    sum += g * query[j];
                    _kg[j] += key[i] * g;
                }
                _gq[i] = sum;
                along += key[i] * sum;
            }
            for (int i = 0; i < D; i++)
            {
                key[i] -= step * _gq[i];
                query[i] -= step * _kg[i];
            }
            Value[h] -= rate * along;
        }
    }

    public override HeadSnapshot? Snapshot()
    {
        double[] sizes = [.. Enumerable.Range(0, Count).Select(h => Norm(_key[h]) * Norm(_query[h]))];
        return new(
            [.. sizes.Select((size, h) => Math.Abs(Value[h]) * size)],
            [.. sizes.Select((size, h) => _key[h].Zip(_query[h], (k, q) => k * q / size).ToArray())]);
    }

    private static double Norm(double[] values) => Math.Sqrt(values.Sum(v => v * v));
}
