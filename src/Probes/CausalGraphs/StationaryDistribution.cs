namespace MlNetIcl.Probes;

/// <summary>The distribution that a Markov chain keeps.</summary>
internal static class StationaryDistribution
{
    /// <summary>
    /// mu with mu P = mu, by Grassmann, Taksar and Heyman's elimination (1985), which subtracts nothing and so is exact to the last digits.
    /// </summary>
    /// <param name="transitions">P [from, to], row after row; every entry above 0.</param>
    /// <param name="stationary">Gets mu.</param>
    public static void Of(ReadOnlySpan<double> transitions, Span<double> stationary)
    {
        int n = stationary.Length;
        Span<double> p = n <= 16 ? stackalloc double[n * n] : new double[n * n];
        transitions.CopyTo(p);
        for (int last = n - 1; last > 0; last--)
        {
            double leaving = 0;
            for (int to = 0; to < last; to++) leaving += p[(last * n) + to];
            for (int from = 0; from < last; from++)
            {
                double share = p[(from * n) + last] /= leaving;
                for (int to = 0; to < last; to++) p[(from * n) + to] += share * p[(last * n) + to];
            }
        }
        double sum = stationary[0] = 1;
        for (int state = 1; state < n; state++)
        {
            double mass = 0;
            for (int from = 0; from < state; from++) mass += stationary[from] * p[(from * n) + state];
            sum += stationary[state] = mass;
        }
        for (int state = 0; state < n; state++) stationary[state] /= sum;
    }
}
