namespace MlNetIcl.Probes;

/// <summary>A similarity of a key and a query.</summary>
/// <param name="key">The key.</param>
/// <param name="query">The query, of the same length.</param>
internal delegate double Kernel(ReadOnlySpan<double> key, ReadOnlySpan<double> query);

/// <summary>Regression with kernels from its textbook formulas, in float64 and without tensors: what attention is held against.</summary>
internal static class KernelSmoother
{
    /// <summary>key . query</summary>
    public static double Linear(ReadOnlySpan<double> key, ReadOnlySpan<double> query)
    {
        double sum = 0;
        for (int i = 0; i < key.Length; i++) sum += key[i] * query[i];
        return sum;
    }

    /// <summary>exp(scale key . query)</summary>
    public static Kernel Exponential(double scale) => (key, query) => Math.Exp(scale * Linear(key, query));

    /// <summary>exp(-scale |key - query|^2 / 2)</summary>
    public static Kernel Gaussian(double scale) => (key, query) =>
    {
        double square = 0;
        for (int i = 0; i < key.Length; i++) square += (key[i] - query[i]) * (key[i] - query[i]);
        return Math.Exp(-scale * square / 2);
    };

    /// <summary>sum y k(x, query): unnormalised.</summary>
    public static double Sum(double[][] x, double[] y, double[] query, Kernel kernel) => x.Zip(y, (key, value) => value * kernel(key, query)).Sum();

    /// <summary>sum y k(x, query) / sum k(x, query): the estimate of Nadaraya (1964) and Watson (1964).</summary>
    public static double NadarayaWatson(double[][] x, double[] y, double[] query, Kernel kernel) => Sum(x, y, query, kernel) / x.Sum(key => kernel(key, query));

    /// <summary>y^T (K + ridge I)^-1 k(x, query): kernel ridge regression.</summary>
    /// <exception cref="ArithmeticException">K + ridge I is not positive definite in float64.</exception>
    public static double Ridge(double[][] x, double[] y, double[] query, Kernel kernel, double ridge)
    {
        int n = x.Length;
        var l = new double[n, n]; // Cholesky: K + ridge I = L L^T
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
            {
                double sum = kernel(x[i], x[j]) + (i == j ? ridge : 0);
                for (int k = 0; k < j; k++) sum -= l[i, k] * l[j, k];
                if (i == j && !(sum > 0)) throw new ArithmeticException(FormattableString.Invariant($"The kernel's matrix plus {ridge} is not positive definite; take a larger ridge."));
                l[i, j] = i == j ? Math.Sqrt(sum) : sum / l[j, j];
            }
        // (L^-1 y) . (L^-1 k)
        double[] left = Forward(l, y), right = Forward(l, [.. x.Select(key => kernel(key, query))]);
        return Linear(left, right);
    }

    private static double[] Forward(double[,] l, double[] b)
    {
        var solved = new double[b.Length];
        for (int i = 0; i < b.Length; i++)
        {
            double sum = b[i];
            for (int k = 0; k < i; k++) sum -= l[i, k] * solved[k];
            solved[i] = sum / l[i, i];
        }
        return solved;
    }
}
