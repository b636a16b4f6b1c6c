using System.Globalization;

namespace MlNetIcl.Reports;

/// <summary>How numbers read in a report. Invariant culture throughout; what was not measured is a dash, never a number.</summary>
public static class Numbers
{
    /// <summary>What stands where nothing was measured.</summary>
    public const string Missing = "–";

    /// <summary>A score or loss with three decimals: <c>0.862</c>. From a million on, as of a model that diverged, with its order of magnitude: <c>1.234e9</c>.</summary>
    public static string Score(double value) => !double.IsFinite(value) ? Missing
        : Math.Abs(value) >= 1e6 ? value.ToString("0.000e0", CultureInfo.InvariantCulture)
        : Unsigned(value.ToString("0.000", CultureInfo.InvariantCulture));

    /// <summary>A score with the interval it comes with: <c>0.862 [0.840, 0.881]</c>.</summary>
    public static string Interval(double value, double low, double high) =>
        double.IsFinite(low) && double.IsFinite(high) ? $"{Score(value)} [{Score(low)}, {Score(high)}]" : Score(value);

    /// <summary>A p- or q-value: three decimals, below 0.001 one significant digit: <c>0.014</c>, <c>3e-5</c>.</summary>
    public static string Probability(double value) => !double.IsFinite(value) ? Missing
        : value is > 0 and < 0.001 ? value.ToString("0e-0", CultureInfo.InvariantCulture)
        : value.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>A count with groups of three: <c>134,515,008</c>.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Any number, briefly: six significant digits.</summary>
    public static string Brief(double value) => double.IsFinite(value) ? value.ToString("G6", CultureInfo.InvariantCulture) : Missing;

    private static string Unsigned(string text) => text == "-0.000" ? "0.000" : text;
}
