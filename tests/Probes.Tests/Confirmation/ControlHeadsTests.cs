namespace MlNetIcl.Probes.Tests.Confirmation;

public sealed class ControlHeadsTests
{
    [Fact]
    public void Of_HeadsNearby_AreThoseWithoutAVerdictOfAnyKind()
    {
        var result = Heads(layers: 5, perLayer: 4, (2, 0, "induction", "none", "none"), (2, 1, "weak", "none", "none"), (1, 0, "none", "previous_token", "none"), (3, 3, "none", "none", "weak"), (4, 0, "induction", "none", "none"));

        Assert.Equal(["L1.H1", "L1.H2", "L1.H3", "L2.H2", "L2.H3", "L3.H0", "L3.H1", "L3.H2"], Names(result, new HeadId(2, 0)));
        Assert.Equal(["L3.H0", "L3.H1", "L3.H2", "L4.H1", "L4.H2", "L4.H3"], Names(result, new HeadId(4, 0)));
        Assert.Equal(["L1.H1", "L1.H2", "L1.H3", "L2.H2", "L2.H3", "L3.H0", "L3.H1", "L3.H2", "L4.H1", "L4.H2", "L4.H3"], Names(result, new HeadId(4, 0), new HeadId(2, 0)));
        Assert.Empty(Names(result));
    }

    [Theory]
    [InlineData(19, 1, 0)]
    [InlineData(20, 1, 20)]
    [InlineData(6, 2, 0)] // 15 pairs
    [InlineData(7, 2, 20)] // 21
    [InlineData(6, 3, 20)] // 20
    [InlineData(5, 2, 0)]
    [InlineData(13, 12, 0)]
    [InlineData(20, 19, 20)]
    [InlineData(12, 12, 0)]
    [InlineData(4, 5, 0)]
    [InlineData(0, 1, 0)]
    [InlineData(300, 12, 20)]
    public void Draw_PoolOfEachSize_GivesTwentyDifferentSetsOrNone(int pool, int size, int expected)
    {
        HeadId[] heads = [.. Enumerable.Range(0, pool).Select(i => new HeadId(i / 10, i % 10))];
        var draws = ControlHeads.Draw(heads, size, seed: 3);
        Assert.Equal(expected, draws.Length);
        Assert.All(draws, draw => Assert.Equal(size, draw.Intersect(heads).Count()));
        Assert.Equal(expected, draws.Select(d => string.Join(' ', d)).Distinct().Count());
        Assert.Equal(draws, ControlHeads.Draw(heads, size, seed: 3));
    }

    [Fact]
    public void Draw_LargePool_DrawsAllHeadsAlike()
    {
        HeadId[] heads = [.. Enumerable.Range(0, 30).Select(i => new HeadId(0, i))];
        int[] counts = new int[30];
        for (int seed = 0; seed < 300; seed++)
            foreach (var head in ControlHeads.Draw(heads, 5, seed).SelectMany(d => d)) counts[head.Head]++;
        Assert.All(counts, count => Assert.InRange(count, 850, 1150)); // 1000 expected, standard deviation about 29
    }

    private static string[] Names(HeadDetectionResult result, params HeadId[] heads) => [.. ControlHeads.Of(result, heads).Select(h => h.ToString())];

    private static HeadDetectionResult Heads(int layers, int perLayer, params (int Layer, int Head, string Induction, string Previous, string Duplicate)[] verdicts) => new()
    {
        Model = "synthetic",
        Layers = layers,
        HeadsPerLayer = perLayer,
        Protocol = new SequenceProtocol { Source = HeadScoreSource.Generated, Sequences = 32, Seed = 0, BosSource = "none" },
        Alpha = 0.01,
        Threshold = 0.2,
        WeakThreshold = 0.05,
        Heads = [.. Enumerable.Range(0, layers * perLayer).Select(i =>
        {
            var found = verdicts.Where(v => v.Layer == i / perLayer && v.Head == i % perLayer).DefaultIfEmpty((0, 0, "none", "none", "none")).Single();
            return new HeadScores { Layer = i / perLayer, Head = i % perLayer, Induction = Of(found.Item3), PreviousToken = Of(found.Item4), DuplicateToken = Of(found.Item5) };
        })],
    };

    private static HeadMeasure Of(string verdict) => new() { Verdict = verdict };
}
