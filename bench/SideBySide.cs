using System.Diagnostics;

namespace MlNetIcl.Bench;

/// <summary>Times contenders in turn, A B C A B C …, so that a drift of the machine meets all of them alike.</summary>
internal static class SideBySide
{
    /// <summary>Median milliseconds of each contender, printed with their range.</summary>
    public static double[] Medians(string title, int rounds, params (string Name, Action Run)[] contenders) => Medians(title, rounds, warmUp: 2, contenders);

    /// <summary>The same after <paramref name="warmUp"/> rounds that do not count.</summary>
    public static double[] Medians(string title, int rounds, int warmUp, params (string Name, Action Run)[] contenders)
    {
        var times = contenders.Select(_ => new List<double>()).ToArray();
        for (int round = 0; round < warmUp + rounds; round++)
            for (int i = 0; i < contenders.Length; i++)
            {
                var clock = Stopwatch.StartNew();
                contenders[i].Run();
                if (round >= warmUp) times[i].Add(clock.Elapsed.TotalMilliseconds);
            }
        Console.WriteLine($"{title}; median of {rounds} interleaved rounds, milliseconds");
        for (int i = 0; i < contenders.Length; i++)
            Console.WriteLine(FormattableString.Invariant($"  {contenders[i].Name,-44} {Median(times[i]),9:F1}   ({times[i].Min():F1} to {times[i].Max():F1})"));
        return [.. times.Select(Median)];
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
