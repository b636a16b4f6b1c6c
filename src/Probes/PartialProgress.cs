namespace MlNetIcl.Probes;

/// <summary>A part of a whole: reports synchronously, so that order is kept.</summary>
internal sealed class PartialProgress(IProgress<double> whole, double from, double to) : IProgress<double>
{
    public void Report(double value) => whole.Report(from + value * (to - from));
}

internal static class ProgressParts
{
    /// <summary>Reports a part's share done as the whole's, between two shares of it.</summary>
    public static PartialProgress? Part(this IProgress<double>? whole, double from, double to) => whole is null ? null : new(whole, from, to);
}
