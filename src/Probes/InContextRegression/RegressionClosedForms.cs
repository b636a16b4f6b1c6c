namespace MlNetIcl.Probes;

/// <summary>
/// Expected errors, divided by d, of linear tasks with x, w ~ N(0, I) and noise of standard deviation sigma on the demonstrations. Null where there
/// is no finite expectation, or none in closed form.
/// </summary>
public static class RegressionClosedForms
{
    /// <summary>
    /// Least squares: the share of w that k &lt; d inputs leave unknown, 1 - k/d, and what noise adds, by the mean of the inverse Wishart distribution:
    /// sigma^2 k / (d (d - k - 1)) for k &lt; d - 1, sigma^2 / (k - d - 1) for k &gt; d + 1. With noise there is no finite mean between.
    /// </summary>
    /// <param name="shots">k, from 0.</param>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="noise">sigma, at least 0.</param>
    public static double? LeastSquares(int shots, int dimension, double noise = 0)
    {
        Require(shots, dimension, noise);
        double unknown = Math.Max(0, 1 - ((double)shots / dimension)), variance = noise * noise;
        if (variance == 0) return unknown;
        if (shots < dimension - 1) return unknown + (variance * shots / ((double)dimension * (dimension - shots - 1)));
        return shots > dimension + 1 ? variance / (shots - dimension - 1) : shots == 0 ? unknown : null;
    }

    /// <summary>Averaging: (d + 1 + sigma^2) / k; 1 without demonstrations.</summary>
    /// <param name="shots">k, from 0.</param>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="noise">sigma, at least 0.</param>
    public static double Averaging(int shots, int dimension, double noise = 0)
    {
        Require(shots, dimension, noise);
        return shots == 0 ? 1 : (dimension + 1 + (noise * noise)) / shots;
    }

    private static void Require(int shots, int dimension, double noise)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(shots);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        if (!double.IsFinite(noise) || noise < 0) throw new ArgumentOutOfRangeException(nameof(noise), noise, "Expected a finite standard deviation of at least 0.");
    }
}
