namespace MlNetIcl.Probes;

/// <summary>Draws from symmetric Dirichlet distributions.</summary>
internal static class DirichletDraws
{
    private const double Least = 1e-300; // a probability of 0 would leave a chain without a stationary distribution of its own

    /// <summary>Fills a distribution.</summary>
    /// <param name="random">Where from.</param>
    /// <param name="alpha">The concentration; small ones put nearly everything on one value.</param>
    /// <param name="probabilities">Gets numbers above 0 that sum to 1.</param>
    public static void Fill(SeededRandom random, double alpha, Span<double> probabilities)
    {
        // Logarithms, as for small concentrations every gamma variate may be too small for a number.
        double largest = double.NegativeInfinity, sum = 0;
        for (int i = 0; i < probabilities.Length; i++) largest = Math.Max(largest, probabilities[i] = LogGamma(random, alpha));
        for (int i = 0; i < probabilities.Length; i++) sum += probabilities[i] = Math.Exp(probabilities[i] - largest);
        for (int i = 0; i < probabilities.Length; i++) probabilities[i] = Math.Max(Least, probabilities[i] / sum);
    }

    /// <summary>The logarithm of a gamma variate: Ahrens &amp; Dieter's GS (1974) below 1, Marsaglia &amp; Tsang (2000) from 1 on.</summary>
    private static double LogGamma(SeededRandom random, double shape) => shape < 1 ? LogOfSmall(random, shape) : LogOfLarge(random, shape);

    private static double LogOfSmall(SeededRandom random, double shape)
    {
        const double tiny = -37; // below it 1 - x is 1 in double precision, so that every x is accepted
        while (true)
        {
            double p = (1 + (shape / Math.E)) * (1 - random.NextDouble()), u = 1 - random.NextDouble();
            double log = p <= 1 ? Math.Log(p) / shape : Math.Log(-Math.Log(((1 + (shape / Math.E)) - p) / shape));
            if (p <= 1 ? log < tiny || u <= Math.Exp(-Math.Exp(log)) : u <= Math.Exp((shape - 1) * log)) return log;
        }
    }

    private static double LogOfLarge(SeededRandom random, double shape)
    {
        double d = shape - (1.0 / 3), c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = random.NextNormal(), root = 1 + (c * x);
            if (root <= 0) continue;
            double v = root * root * root;
            if (Math.Log(1 - random.NextDouble()) < (0.5 * x * x) + (d * (1 - v + Math.Log(v)))) return Math.Log(d * v);
        }
    }
}
