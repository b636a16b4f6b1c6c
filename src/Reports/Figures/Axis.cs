using System.Globalization;

namespace MlNetIcl.Reports.Figures;

/// <summary>A numeric axis: a range widened to round numbers, and the round numbers in it.</summary>
internal sealed class Axis
{
    private const int Steps = 5;

    /// <param name="values">What the axis must reach.</param>
    /// <param name="fitted">Whether it ends with them and not at round numbers.</param>
    /// <param name="logarithmic">Whether equal ratios are equally long; values that are not above 0 do not count.</param>
    public Axis(IEnumerable<double> values, bool fitted = false, bool logarithmic = false)
    {
        IsLogarithmic = logarithmic;
        if (logarithmic) values = values.Where(value => value > 0).Select(Math.Log10);
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        foreach (double value in values)
            if (double.IsFinite(value)) (low, high) = (Math.Min(low, value), Math.Max(high, value));
        if (low > high) (low, high) = (0, 1);
        if (high - low <= 1e-12 * Math.Max(Math.Abs(low), Math.Abs(high)) || high == low)
        {
            double around = low == 0 ? 1 : Math.Abs(low) * 0.5;
            (low, high) = (low - around, high + around);
        }
        Step = logarithmic ? Math.Max(1, Math.Round((high - low) / Steps)) : RoundStep((high - low) / Steps);
        Low = fitted ? low : Math.Floor(low / Step + 1e-9) * Step;
        High = fitted ? high : Math.Ceiling(high / Step - 1e-9) * Step;
    }

    /// <summary>The lower end, of a logarithmic axis its logarithm, as for <see cref="High"/>.</summary>
    public double Low { get; }

    public double High { get; }

    private double Step { get; }

    private bool IsLogarithmic { get; }

    public IEnumerable<double> Ticks
    {
        get
        {
            for (double i = Math.Ceiling(Low / Step - 1e-9); i * Step <= High + 1e-9 * Step; i++) yield return IsLogarithmic ? Math.Pow(10, i * Step) : i * Step;
        }
    }

    /// <summary>Where a value stands between the ends, 0 to 1.</summary>
    public double Place(double value) => ((IsLogarithmic ? Math.Log10(value) : value) - Low) / (High - Low);

    public string Label(double tick)
    {
        if (IsLogarithmic) return tick.ToString(tick is >= 1e7 or < 1e-4 ? "0.##e0" : "#,0.####", CultureInfo.InvariantCulture);
        if (Math.Abs(tick) < Step * 1e-6) return "0";
        if (Math.Max(Math.Abs(Low), Math.Abs(High)) is >= 1e6 or < 1e-3) return tick.ToString("0.##e0", CultureInfo.InvariantCulture);
        int decimals = Math.Clamp((int)-Math.Floor(Math.Log10(Step) + 1e-9), 0, 8);
        return tick.ToString("N" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    // 1, 2 or 5 times a power of ten, whichever is nearest.
    private static double RoundStep(double rough)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        return power * (rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 };
    }
}
