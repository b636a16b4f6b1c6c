namespace MlNetIcl.Probes;

/// <summary>From a metric's change in each row to interval, p and the decision whether it is there and large enough.</summary>
internal sealed class EdgeTest
{
    private const int FewestRows = 16;

    private readonly CircuitOptions _options;
    private readonly BootstrapInterval? _bootstrap;

    public EdgeTest(CircuitOptions options, int rows, int edges)
    {
        _options = options;
        _bootstrap = rows < 2 ? null : new BootstrapInterval(rows, options.Seed, options.Resamples);
        HasPower = rows >= Math.Max(FewestRows, Math.Log2(2 * edges / options.Alpha));
    }

    /// <summary>Whether there are rows enough for a test to reject anything.</summary>
    public bool HasPower { get; }

    public Interval? IntervalOf(double[] values) => _bootstrap?.OfMean(values);

    /// <summary>Two-sided p-values of mean = 0: twice the one-sided one towards the side where the mean is. Null without power.</summary>
    public double[]? PValues(IReadOnlyList<double[]> changes, CancellationToken cancellation)
    {
        if (!HasPower) return null;
        double[][] towards = [.. changes.Select(row => row.Average() < 0 ? [.. row.Select(v => -v)] : row)];
        return [.. SignFlipTest.PValues(towards, _options.Alpha, _options.Seed, cancellation).Select(p => Math.Min(1, 2 * p))];
    }

    /// <summary>Whether an effect differs from 0 by at least <paramref name="least"/>, and not by chance. Without an interval or a test its size alone decides.</summary>
    public bool IsThere(double effect, Interval? interval, double? significance, double least)
    {
        double near = interval is not { } i ? effect : effect < 0 ? -i.High : i.Low;
        return effect != 0 && (interval is null ? Math.Abs(near) : near) >= least && !(significance >= _options.Alpha);
    }
}
