namespace MlNetIcl.Probes;

/// <summary>
/// Drops and plateaus of a loss curve. Speed is the loss lost for each step. A drop is a peak of speed that a valley of at most half its height parts
/// from the next one (of two peaks that none does, the higher one stands for both) and that takes at least a given loss from valley to valley; what takes
/// less belongs to the neighbour. A plateau is the slowest point between two drops, and each end of the curve.
/// </summary>
internal static class LossDrops
{
    /// <summary>The deepest that a valley may be, relative to the lower of the peaks beside it.</summary>
    public const double Valley = 0.5;

    /// <summary>Indices into the curve: where each drop is fastest, and the plateaus before, between and after them.</summary>
    /// <param name="steps">Ascending, at least two.</param>
    /// <param name="losses">The loss at each of them.</param>
    /// <param name="least">What a drop takes at least.</param>
    public static (int[] Drops, int[] Plateaus) Of(IReadOnlyList<int> steps, IReadOnlyList<double> losses, double least)
    {
        double[] speed = [.. Enumerable.Range(0, steps.Count - 1).Select(i => Math.Max(0, (losses[i] - losses[i + 1]) / (steps[i + 1] - steps[i])))];
        var peaks = Enumerable.Range(0, speed.Length).Where(i => speed[i] > 0 && (i == 0 || speed[i] > speed[i - 1]) && (i == speed.Length - 1 || speed[i] >= speed[i + 1])).ToList();
        while (Shallowest(speed, peaks) is { } pair) peaks.RemoveAt(speed[peaks[pair]] >= speed[peaks[pair + 1]] ? pair + 1 : pair);
        while (Smallest(speed, peaks, losses, least) is { } small) peaks.RemoveAt(small);
        return ([.. peaks], Plateaus(speed, peaks));
    }

    /// <summary>The pair of neighbours (its first one) with the shallowest valley between, or null where all valleys are deep enough.</summary>
    private static int? Shallowest(double[] speed, List<int> peaks)
    {
        (double depth, int? pair) = (Valley, null);
        for (int i = 0; i + 1 < peaks.Count; i++)
        {
            double height = speed[Slowest(speed, peaks[i], peaks[i + 1])] / Math.Min(speed[peaks[i]], speed[peaks[i + 1]]);
            if (height > depth) (depth, pair) = (height, i);
        }
        return pair;
    }

    private static int? Smallest(double[] speed, List<int> peaks, IReadOnlyList<double> losses, double least)
    {
        int[] ends = Plateaus(speed, peaks);
        (double size, int? smallest) = (least, null);
        for (int i = 0; i < peaks.Count; i++)
            if (losses[ends[i]] - losses[ends[i + 1]] is var taken && taken < size) (size, smallest) = (taken, i);
        return smallest;
    }

    private static int[] Plateaus(double[] speed, List<int> peaks) => peaks.Count == 0 ? [speed.Length] :
        [0, .. peaks.Zip(peaks.Skip(1), (from, to) => Slowest(speed, from, to)), speed.Length];

    private static int Slowest(double[] speed, int from, int to) => Enumerable.Range(from, to - from + 1).MinBy(i => speed[i]);
}
