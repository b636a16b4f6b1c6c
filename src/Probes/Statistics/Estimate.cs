namespace MlNetIcl.Probes;

/// <summary>A mean with its 95 % interval.</summary>
/// <param name="Value">The mean.</param>
/// <param name="Interval">Its interval.</param>
public readonly record struct Estimate(double Value, Interval Interval)
{
    /// <summary>Of nothing: NaN.</summary>
    internal static Estimate None { get; } = new(double.NaN, new(double.NaN, double.NaN));

    /// <summary>Over the finite ones of some runs' values, with the BCa interval over them; null where there is none. The interval of one is NaN.</summary>
    internal static Estimate? OverRuns(IEnumerable<double> values, int seed)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        return finite.Length == 0 ? null : new(finite.Average(), finite.Length == 1 ? new(double.NaN, double.NaN) : new BootstrapInterval(finite.Length, seed).OfMean(finite));
    }
}
