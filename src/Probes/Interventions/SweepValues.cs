namespace MlNetIcl.Probes;

/// <summary>The values of stacks as they come in, and how much is done.</summary>
internal sealed class SweepValues(SweepStack[] stacks, IProgress<double>? progress)
{
    private readonly List<double[]> _values = [];
    private readonly double _all = stacks.Sum(s => (double)s.Patches.Length * s.Rows);
    private double _done;

    /// <summary>Adds [patch * row] of the next stack.</summary>
    public void Add(double[] values)
    {
        _values.Add(values);
        _done += values.Length;
        progress?.Report(_done / _all);
    }

    /// <summary>[patch][row]: the base run's metric where no stack has the patch, as the metric cannot notice it there.</summary>
    public IReadOnlyList<double[]> Patched(double[] metrics, int patches)
    {
        if (stacks.Length == 0 && patches > 0) progress?.Report(1);
        double[][] patched = [.. Enumerable.Range(0, patches).Select(_ => (double[])metrics.Clone())];
        foreach (var (stack, values) in stacks.Zip(_values))
            for (int i = 0; i < stack.Patches.Length; i++)
                Array.Copy(values, i * stack.Rows, patched[stack.Patches[i]], stack.FirstRow, stack.Rows);
        return patched;
    }
}
