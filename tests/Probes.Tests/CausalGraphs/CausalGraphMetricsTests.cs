namespace MlNetIcl.Probes.Tests.CausalGraphs;

public class CausalGraphMetricsTests
{
    // Positions 1 to 3 count; position 4 has an edge that does not.
    private static readonly CausalGraph Graph = new([[], [0], [], [1], [0]]);
    private static readonly EdgeMap Map = new([[1], [0.7, 0.3], [0.6, 0.1, 0.3], [0.1, 0.4, 0.2, 0.3], [0.9, 0.1, 0, 0, 0]]);

    [Fact]
    public void Of_AMadeUpMap_IsWhatWasCountedByHand()
    {
        var metrics = CausalGraphMetrics.Of(Graph, [Map], 3);

        Assert.Equal(0.55, metrics.EdgeAttention, 12); // 0.7 and 0.4
        Assert.Equal((2, 2), (metrics.ArgmaxRight, metrics.Children)); // 3 attends most to 1, below the threshold
        Assert.Equal(2, metrics.StructuralHammingDistance); // 1->3 missing, 0->2 added
        Assert.Equal(0.5, metrics.Precision, 12);
        Assert.Equal(0.5, metrics.Recall, 12);
        Assert.Equal(7 / 8.0, metrics.Auroc, 12); // edges 0.7, 0.4 against 0.6, 0.1, 0.1, 0.2: one pair of eight is wrong
    }

    [Theory]
    [InlineData(0.4, 1, 2 / 3.0, 1)]
    [InlineData(0.65, 1, 1, 0.5)]
    [InlineData(0.8, 2, double.NaN, 0)]
    public void Of_Threshold_MovesTheGraph(double threshold, int distance, double precision, double recall)
    {
        var metrics = CausalGraphMetrics.Of(Graph, [Map], 3, threshold);

        Assert.Equal(distance, metrics.StructuralHammingDistance);
        Assert.Equal(precision, metrics.Precision, 12);
        Assert.Equal(recall, metrics.Recall, 12);
    }

    [Fact]
    public void Of_TwoHeads_TakesTheLargestAndNeedsAllParents()
    {
        var graph = new CausalGraph([[], [], [0, 1], []]);
        EdgeMap first = new([[1], [0.5, 0.5], [0.9, 0.05, 0.05], [1, 0, 0, 0]]), second = new([[1], [0.4, 0.6], [0.1, 0.8, 0.1], [1, 0, 0, 0]]);

        Assert.Equal(0.85, CausalGraphMetrics.Of(graph, [first, second], 2).EdgeAttention, 12);
        Assert.Equal(1, CausalGraphMetrics.Of(graph, [first, second], 2).ArgmaxRight);
        Assert.Equal(0, CausalGraphMetrics.Of(graph, [first, first], 2).ArgmaxRight);
        Assert.Equal(0.5, CausalGraphMetrics.Of(graph, [first, second], 2).ArgmaxByChance, 12); // 01 and 10 of 00, 01, 10, 11
    }

    [Fact]
    public void Of_AHeadThatLooksAtItsOwnPosition_FindsTheParentAmongTheEarlierOnes()
    {
        var graph = new CausalGraph([[], [0], [1], [1], []]);
        EdgeMap map = new([[1], [0.2, 0.8], [0.1, 0.4, 0.5], [0.1, 0.7, 0.1, 0.1], [1, 0, 0, 0, 0]]);

        var metrics = CausalGraphMetrics.Of(graph, [map], 3);

        Assert.Equal((3, 1, 3), (metrics.ArgmaxRight, metrics.ArgmaxRightWithSelf, metrics.Children));
        Assert.Equal(1 + (1 / 2.0) + (1 / 3.0), metrics.ArgmaxByChance, 12);
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    public void Of_MoreHeadsThanParents_ChanceIsThatOfAllChoicesCounted(int heads, int parents)
    {
        const int Child = 5;
        var graph = new CausalGraph([[], [], [], [], [], [.. Enumerable.Range(1, parents)], []]);
        EdgeMap map = new(Enumerable.Range(0, 7).Select(i => (double[])[1, .. new double[i]]));
        int all = (int)Math.Pow(Child, heads), right = Enumerable.Range(0, all).Count(choice =>
            Enumerable.Range(0, heads).Select(h => choice / (int)Math.Pow(Child, h) % Child).ToHashSet().SetEquals(graph.Parents[Child]));

        Assert.Equal((double)right / all, CausalGraphMetrics.Of(graph, [.. Enumerable.Repeat(map, heads)], Child).ArgmaxByChance, 12);
    }

    [Fact]
    public void Of_GraphWithoutEdges_HasNoAttentionAndNoRecall()
    {
        var metrics = CausalGraphMetrics.Of(new([[], [], []]), [new([[1], [0.1, 0.9], [0.1, 0.1, 0.8]])], 2);

        Assert.Equal((double.NaN, double.NaN, double.NaN), (metrics.EdgeAttention, metrics.Recall, metrics.Auroc));
        Assert.Equal(0, metrics.StructuralHammingDistance);
        Assert.True(metrics.AllArgmaxRight);
    }

    [Fact]
    public void Map_OfAnotherForm_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new EdgeMap([[1], [0.5]]));
        Assert.Throws<ArgumentException>(() => new EdgeMap([[1], [0.5, double.NaN]]));
        Assert.Throws<ArgumentException>(() => CausalGraphMetrics.Of(Graph, [new([[1]])], 3));
    }
}
