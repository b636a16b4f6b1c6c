namespace MlNetIcl.Probes;

/// <summary>A part of a whole: reports synchronously, so that order is kept.</summary>
internal sealed class PartialProgress(IProgress<double> whole, double from, double to) : IProgress<double>
{
    public void Report(double value) => whole.Report(from + value * (to - from));
}
