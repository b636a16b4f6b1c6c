using MlNetIcl.Models;

namespace MlNetIcl.Probes.Tests.CausalGraphs;

public sealed class AttentionGraphReaderTests : IDisposable
{
    private readonly LanguageModel _model = LanguageModel.LoadEmbedded();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Read_APreviousTokenHead_IsAChain()
    {
        var random = new Random(1);
        int[][] rows = [.. Enumerable.Range(0, 40).Select(_ => Enumerable.Range(0, 8).Select(_ => random.Next(2, _model.Config.Vocabulary)).ToArray())];

        var (reading, heads) = AttentionGraphReader.Read(_model, rows, [new(0, 0)]);

        Assert.Equal(CausalGraph.Chain(8).Edges, reading.Graph.Edges);
        Assert.All(heads, head => Assert.Equal(new HeadId(0, 0), head));
        Assert.All(AttentionGraphReader.Read(_model, rows).Heads, head => Assert.Equal(0, head.Layer));
        Assert.Equal(40, reading.Rows);
    }

    [Fact]
    public void Read_AnyHeads_IsTheLargestMeanOfWholePatterns()
    {
        int[][] rows = [[5, 6, 7, 5, 6], [9, 9, 8, 7, 9], [1, 2, 3, 4, 5]];
        HeadId[] chosen = [new(0, 1), new(1, 2)];
        var (reading, heads) = AttentionGraphReader.Read(_model, rows, chosen, 0.3);
        using var run = _model.Run(new TokenBatch(rows), new ForwardPlan().Capture(Site.Pattern(0), Site.Pattern(1)));

        float[][] strengths = AttentionGraphReader.Strengths(_model, new TokenBatch(rows), heads);

        foreach (var (pair, i) in reading.Pairs.Select((pair, i) => (pair, i)))
        {
            double[] means = [.. chosen.Select(h => rows.Select((_, row) => (double)run[Site.Pattern(h.Layer)][row, h.Head, pair.Child, pair.Parent].item<float>()).Average())];
            Assert.Equal(means.Max(), reading.Map[pair.Child, pair.Parent], 1e-6);
            Assert.Equal(chosen[Array.IndexOf(means, means.Max())], heads[i]);
            Assert.Equal(means.Max(), strengths.Average(row => (double)row[i]), 1e-6);
            Assert.Equal(reading.Map[pair.Child, pair.Parent] >= 0.3, reading.Graph.Has(pair));
        }
    }

    [Fact]
    public void Read_WrongInput_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => AttentionGraphReader.Read(_model, []));
        Assert.Throws<ArgumentException>(() => AttentionGraphReader.Read(_model, [[1, 2], [1, 2, 3]]));
        Assert.Throws<ArgumentException>(() => AttentionGraphReader.Read(_model, [[1, 2]], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionGraphReader.Read(_model, [[1, 2]], [new(7, 0)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionGraphReader.Read(_model, [[1, 2]], threshold: 0));
        Assert.Throws<InvalidTokensException>(() => AttentionGraphReader.Read(_model, [[1, 1_000_000]]));
        Assert.Throws<ArgumentException>(() => AttentionGraphReader.Strengths(_model, new TokenBatch([[1, 2, 3]]), [new(0, 0)]));
    }
}
