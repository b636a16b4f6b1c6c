using MlNetIcl.Probes;

namespace MlNetIcl.Transforms.InContextRegression;

/// <summary>
/// Which demonstrations a regressor sees where there may be more than it takes. Answers are averaged over draws, as the decoder reads
/// demonstrations in an order and at most so many.
/// </summary>
internal static class SupportDraws
{
    /// <summary>
    /// Indices of each draw, which depend on the arguments alone. Draws share no demonstration where there are enough for all; where all fit into one,
    /// they differ in their order, the first having the rows' own.
    /// </summary>
    /// <param name="rows">Demonstrations that there are, at least 0.</param>
    /// <param name="most">The most that the regressor takes.</param>
    /// <param name="draws">How many draws. One where there are fewer than two rows.</param>
    /// <param name="seed">The seed.</param>
    public static int[][] Of(int rows, int most, int draws, int seed)
    {
        int size = Math.Min(rows, most);
        if (rows < 2) return [[.. Enumerable.Range(0, size)]];
        int[] order = [.. Enumerable.Range(0, rows)];
        var random = new SeededRandom(seed, RandomStream.SupportDraw);
        if (rows > most && rows >= (long)size * draws)
        {
            random.DrawToFront(order.AsSpan(), size * draws);
            return [.. order.Take(size * draws).Chunk(size)];
        }
        var drawn = new int[draws][];
        for (int draw = 0; draw < draws; draw++)
        {
            if (draw > 0 || rows > most) random.DrawToFront(order.AsSpan(), size);
            drawn[draw] = order[..size];
        }
        return drawn;
    }
}
