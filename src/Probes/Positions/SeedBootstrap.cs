namespace MlNetIcl.Probes;

/// <summary>
/// Percentile intervals of means over trained models and the rows that each was measured on: models are drawn with replacement, then rows within
/// each. Few models make such an interval too narrow (Davison &amp; Hinkley 1997, section 3.8). Immutable; thread-safe.
/// </summary>
internal sealed class SeedBootstrap
{
    private const int Resamples = 1000;

    private readonly int _seeds, _rows;
    private readonly int[] _draws; // [resample, seed, 1 + row]: which seed, then its rows

    public SeedBootstrap(int seeds, int rows, int seed)
    {
        (_seeds, _rows) = (seeds, rows);
        var random = new SeededRandom(seed, RandomStream.NestedBootstrap);
        _draws = new int[Resamples * seeds * (1 + rows)];
        for (int i = 0; i < _draws.Length; i++) _draws[i] = i % (1 + rows) == 0 ? random.Next(seeds) : random.Next(rows);
    }

    /// <summary>The mean of [seed][row] and its 95 % interval.</summary>
    public Estimate Of(double[][] values)
    {
        if (values.Length != _seeds || values.Any(v => v.Length != _rows)) throw new ArgumentException($"Expected {_seeds} series of {_rows} values.", nameof(values));
        double mean = values.Average(v => v.Average());
        var means = new double[Resamples];
        int at = 0;
        for (int b = 0; b < Resamples; b++)
        {
            double sum = 0;
            for (int s = 0; s < _seeds; s++)
            {
                double[] drawn = values[_draws[at++]];
                for (int row = 0; row < _rows; row++) sum += drawn[_draws[at++]];
            }
            means[b] = sum / (_seeds * _rows);
        }
        Array.Sort(means);
        return new(mean, new Interval(means[(int)(0.025 * Resamples)], means[(int)(0.975 * Resamples) - 1]));
    }
}
