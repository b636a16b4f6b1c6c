namespace MlNetIcl.Probes;

/// <summary>A mean squared error over tasks, divided by what an answer of 0 has on the family (d for linear tasks). NaN where there was nothing to measure.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="StandardError">Its standard error over tasks.</param>
/// <param name="Tasks">Number of tasks, one query each.</param>
public readonly record struct RegressionError(double Mean, double StandardError, int Tasks)
{
    /// <summary>Nothing was measured.</summary>
    public static RegressionError None => new(double.NaN, double.NaN, 0);

    /// <summary>The mean with its normal interval, 1.96 standard errors to each side. Squared errors have long tails, so that it is rough where tasks are few.</summary>
    public Estimate Estimate => new(Mean, new Interval(Mean - (1.96 * StandardError), Mean + (1.96 * StandardError)));
}

/// <summary>Adds errors up, in double.</summary>
internal sealed class ErrorSum
{
    private double _sum, _squares;
    private int _count;

    public void Add(double error)
    {
        _sum += error;
        _squares += error * error;
        _count++;
    }

    public void Add(ReadOnlySpan<double> errors)
    {
        foreach (double error in errors) Add(error);
    }

    public RegressionError Error()
    {
        if (_count == 0) return RegressionError.None;
        double mean = _sum / _count, variance = _count < 2 ? double.NaN : Math.Max(0, (_squares - (_count * mean * mean)) / (_count - 1));
        return new(mean, Math.Sqrt(variance / _count), _count);
    }
}
