namespace MlNetIcl.Probes;

/// <summary>The heads that detected heads are held against: those of the same and the neighbouring layers without a verdict of any kind.</summary>
internal static class ControlHeads
{
    /// <summary>Draws of as many control heads as the joint set has.</summary>
    public const int Draws = 20;

    /// <summary>The control heads of some heads, each once, in layer order.</summary>
    public static HeadId[] Of(HeadDetectionResult result, IReadOnlyList<HeadId> heads) =>
        [.. result.Heads.Where(c => HasNoVerdict(c) && heads.Any(h => AreNear(h, c.Layer))).Select(c => new HeadId(c.Layer, c.Head))];

    /// <summary><see cref="Draws"/> different sets of <paramref name="size"/> heads; none where there are not so many.</summary>
    public static HeadId[][] Draw(HeadId[] pool, int size, int seed)
    {
        if (!HasDraws(pool.Length, size)) return [];
        var random = new SeededRandom(seed, RandomStream.ControlHeads);
        int[] order = [.. Enumerable.Range(0, pool.Length)];
        var draws = new Dictionary<string, HeadId[]>();
        while (draws.Count < Draws)
        {
            random.DrawToFront(order, size);
            int[] drawn = [.. order[..size].Order()];
            draws.TryAdd(string.Join(' ', drawn), [.. drawn.Select(i => pool[i])]);
        }
        return [.. draws.Values];
    }

    private static bool AreNear(HeadId head, int layer) => Math.Abs(head.Layer - layer) <= 1;

    private static bool HasNoVerdict(HeadScores head) => Enum.GetValues<HeadKind>().All(kind => head[kind].Verdict == HeadVerdicts.None);

    /// <summary>Whether <paramref name="pool"/> over <paramref name="size"/> reaches the number of draws.</summary>
    private static bool HasDraws(int pool, int size)
    {
        if (size > pool) return false;
        double sets = 1; // sets of i of the pool, up to the middle, where they are most
        for (int i = 1; i <= Math.Min(size, pool - size) && sets < Draws; i++) sets = sets * (pool - i + 1) / i;
        return sets >= Draws;
    }
}
