namespace MlNetIcl.Probes;

/// <summary>Finds change points of curves that rise, with intervals.</summary>
internal static class ChangePoints
{
    private static readonly double[] Shares = [0.1, 0.5, 0.9];

    /// <summary>The steps at which 10 %, 50 % and 90 % of the rise are reached; null where the curve rises by less than <paramref name="leastRise"/>.</summary>
    /// <param name="steps">Ascending; at least two.</param>
    /// <param name="curve">A value at each.</param>
    /// <param name="leastRise">Above 0.</param>
    public static double[]? Crossings(IReadOnlyList<int> steps, IReadOnlyList<double> curve, double leastRise)
    {
        double[] rising = Isotonic(curve);
        double low = rising[0], rise = rising[^1] - low;
        if (rise < leastRise) return null;
        return [.. Shares.Select(share =>
        {
            double level = low + (share * rise);
            int at = Array.FindIndex(rising, v => v >= level);
            return at == 0 ? steps[0] : steps[at - 1] + ((steps[at] - steps[at - 1]) * (level - rising[at - 1]) / (rising[at] - rising[at - 1]));
        })];
    }

    /// <summary>The change point of a run, with percentile intervals over resamples of the sequences.</summary>
    /// <param name="steps">Ascending; at least two.</param>
    /// <param name="differences">[checkpoint][head][sequence]; the curve is the largest mean over heads.</param>
    /// <param name="options">Least rise, resamples and seed.</param>
    public static ChangePoint? Of(IReadOnlyList<int> steps, double[][][] differences, EmergenceOptions options)
    {
        int n = differences[0][0].Length;
        int[] draw = [.. Enumerable.Range(0, n)];
        if (Crossings(steps, Curve(differences, draw), options.LeastRise) is not { } found) return null;
        var random = new SeededRandom(options.Seed, RandomStream.Emergence);
        var resampled = new List<double[]>();
        for (int b = 0; b < options.Resamples; b++)
        {
            for (int i = 0; i < n; i++) draw[i] = random.Next(n);
            if (Crossings(steps, Curve(differences, draw), options.LeastRise) is { } other) resampled.Add(other);
        }
        ChangeTime Time(int i) => new(found[i], resampled.Count < 2 ? null : Percentiles([.. resampled.Select(r => r[i]).Order()]));
        return new(Time(0), Time(1), Time(2));
    }

    /// <summary>Means over runs, with BCa intervals over the runs.</summary>
    public static ChangePoint? Mean(IEnumerable<ChangePoint?> runs, EmergenceOptions options)
    {
        ChangePoint[] found = [.. runs.OfType<ChangePoint>()];
        if (found.Length == 0) return null;
        var bootstrap = new BootstrapInterval(found.Length, options.Seed, options.Resamples);
        ChangeTime Time(Func<ChangePoint, ChangeTime> of)
        {
            double[] steps = [.. found.Select(c => of(c).Step)];
            return new(steps.Average(), steps.Length < 2 ? null : bootstrap.OfMean(steps));
        }
        return new(Time(c => c.Onset), Time(c => c.Midpoint), Time(c => c.Completion));
    }

    /// <summary>The nearest curve that never falls, in squares: pool adjacent violators (Ayer et al. 1955).</summary>
    internal static double[] Isotonic(IReadOnlyList<double> values)
    {
        var blocks = new Stack<(double Mean, int Count)>();
        foreach (double value in values)
        {
            (double Mean, int Count) block = (value, 1);
            while (blocks.Count > 0 && blocks.Peek().Mean >= block.Mean)
            {
                var before = blocks.Pop();
                block = (((before.Mean * before.Count) + (block.Mean * block.Count)) / (before.Count + block.Count), before.Count + block.Count);
            }
            blocks.Push(block);
        }
        return [.. blocks.Reverse().SelectMany(b => Enumerable.Repeat(b.Mean, b.Count))];
    }

    private static double[] Curve(double[][][] differences, int[] draw)
    {
        var curve = new double[differences.Length];
        for (int at = 0; at < curve.Length; at++)
        {
            double best = double.NegativeInfinity;
            foreach (double[] head in differences[at])
            {
                double sum = 0;
                foreach (int row in draw) sum += head[row];
                best = Math.Max(best, sum / draw.Length);
            }
            curve[at] = best;
        }
        return curve;
    }

    private static Interval Percentiles(double[] sorted)
    {
        double At(double p) => sorted[(int)Math.Round(p * (sorted.Length - 1))];
        return new(At(0.025), At(0.975));
    }
}
