namespace MlNetIcl.Probes;

/// <summary>Collects outputs of attention and of a regression, by unit (task or row) and head, and says how far they are apart.</summary>
internal sealed class OutputPairs(int units, int heads)
{
    private readonly double[] _attention = new double[units], _product = new double[units], _regression = new double[units]; // sums of squares and products of each unit
    private readonly double[] _difference = new double[heads], _scale = new double[heads];

    public void Add(int unit, int head, double attention, double regression)
    {
        _attention[unit] += attention * attention;
        _product[unit] += attention * regression;
        _regression[unit] += regression * regression;
        _difference[head] = Math.Max(_difference[head], Math.Abs(attention - regression));
        _scale[head] = Math.Max(_scale[head], Math.Abs(attention));
    }

    /// <summary>The largest difference and what it is relative to, of the head where their ratio is largest.</summary>
    public (double MaxDifference, double Scale) Largest()
    {
        int head = Enumerable.Range(0, heads).MaxBy(h => _scale[h] > 0 ? _difference[h] / _scale[h] : _difference[h]);
        return (_difference[head], _scale[head]);
    }

    /// <summary>See <see cref="SmootherComparison.Gap"/>.</summary>
    public Estimate Gap(int seed)
    {
        double size = _attention.Average(), square = _regression.Average();
        if (size == 0) return new(0, new(0, 0));
        double multiple = square > 0 ? _product.Average() / square : 0;
        double[] unexplained = [.. Enumerable.Range(0, units).Select(u => (_attention[u] - (2 * multiple * _product[u]) + (multiple * multiple * _regression[u])) / size)];
        var (low, high) = new BootstrapInterval(units, seed, resamples: 500).OfMean(unexplained);
        return new(Root(unexplained.Average()), new(Root(low), Root(high)));
    }

    // Rounding may leave a little less than nothing.
    private static double Root(double share) => Math.Sqrt(Math.Clamp(share, 0, 1));
}
