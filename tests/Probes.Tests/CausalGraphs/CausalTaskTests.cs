namespace MlNetIcl.Probes.Tests.CausalGraphs;

public class CausalTaskTests
{
    [Fact]
    public void Stationary_TwoStates_IsTheClosedForm()
    {
        double[] mu = new double[2];
        StationaryDistribution.Of([0.9, 0.1, 0.3, 0.7], mu);

        Assert.Equal(0.75, mu[0], 12); // b / (a + b)
        Assert.Equal(0.25, mu[1], 12);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(20)]
    public void Stationary_OfADrawnKernel_IsKeptByIt(int states)
    {
        var random = new SeededRandom(1, RandomStream.CausalRows);
        double[] kernel = new double[states * states], mu = new double[states];
        for (int from = 0; from < states; from++) DirichletDraws.Fill(random, 0.1, kernel.AsSpan(from * states, states));
        StationaryDistribution.Of(kernel, mu);

        Assert.Equal(1, mu.Sum(), 12);
        for (int to = 0; to < states; to++)
            Assert.Equal(mu[to], Enumerable.Range(0, states).Sum(from => mu[from] * kernel[(from * states) + to]), 12);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.9)]
    [InlineData(2.5)]
    public void Dirichlet_Draws_HaveItsMeanAndVariance(double alpha)
    {
        const int draws = 40_000, n = 4;
        var random = new SeededRandom(2, RandomStream.CausalRows);
        double[] drawn = new double[n];
        double sum = 0, squares = 0, fourths = 0;
        for (int i = 0; i < draws; i++)
        {
            DirichletDraws.Fill(random, alpha, drawn);
            Assert.Equal(1, drawn.Sum(), 9);
            double off = drawn[1] - (1.0 / n);
            sum += off;
            squares += off * off;
            fourths += off * off * off * off;
        }
        double variance = 1.0 / n * (1 - (1.0 / n)) / ((n * alpha) + 1);
        Assert.InRange(sum / draws, -5 * Math.Sqrt(variance / draws), 5 * Math.Sqrt(variance / draws));
        double error = Math.Sqrt(((fourths / draws) - (variance * variance)) / draws);
        Assert.InRange(squares / draws, variance - (5 * error), variance + (5 * error));
    }

    [Fact]
    public void Draw_Chain_FollowsTheKernelThatItShows()
    {
        const int rows = 20_000;
        var task = new CausalTask(CausalGraph.Chain(4), 3, 0.5);
        var drawn = task.Draw(new SeededRandom(3, RandomStream.CausalRows), rows);

        // x_2 given x_1 = v has the probabilities that the row's target of query v says, on average; x_2 given x_0 = v has not.
        double right = 0, expected = 0, wrong = 0;
        for (int row = 0; row < rows; row++)
        {
            var tokens = drawn.Row(row);
            right += drawn.TargetOf(row, tokens[1])[tokens[2]];
            wrong += drawn.TargetOf(row, tokens[0])[tokens[2]];
            foreach (float p in drawn.TargetOf(row, tokens[1])) expected += p * p;
        }
        Assert.InRange(right / rows, (expected / rows) - 0.015, (expected / rows) + 0.015); // 5 standard errors of less than 0.003
        Assert.True(wrong < right - (0.03 * rows));
    }

    [Fact]
    public void Draw_TwoParents_LastPositionFollowsThemToo()
    {
        const int rows = 4000;
        var task = new CausalTask(CausalGraph.SeveralParents(4, 2), 2, 0.01);
        var drawn = task.Draw(new SeededRandom(4, RandomStream.CausalRows), rows);

        Assert.Equal([1, 3], task.TargetParents); // (4 - 1) / 2 and 4 - 1, of the target after position 3
        Assert.Equal([1, 2], task.Graph.Parents[3]);
        // Rows of a kernel of concentration 0.01 are nearly certain: where x_1, x_2 before x_3 equal x_0, x_1 before x_2, so do the children.
        int same = 0, equal = 0;
        for (int row = 0; row < rows; row++)
            if (drawn.Row(row) is var t && t[0] == t[1] && t[1] == t[2])
            {
                same++;
                if (t[2] == t[3]) equal++;
            }
        Assert.True(same > 100);
        Assert.InRange((double)equal / same, 0.97, 1);
    }

    [Fact]
    public void CountEstimate_CountsWhatFollowedTheQuery()
    {
        var task = new CausalTask(CausalGraph.Chain(5), 3, 0.5);

        // 0 1 0 1, query 0: followed by 1 twice. (2 + .5) / (2 + 3 * .5).
        Assert.Equal([0.5 / 3.5, 2.5 / 3.5, 0.5 / 3.5], task.CountEstimate([0, 1, 0, 1, 2], 0));
        Assert.Equal([1 / 3.0, 1 / 3.0, 1 / 3.0], task.CountEstimate([0, 1, 0, 1, 2], 2));
    }

    [Fact]
    public void Information_WithoutDependence_IsZeroAndGrowsWithIt()
    {
        double At(double dependence) => new CausalTask(CausalGraph.Chain(4), 3, 0.1, dependence).Information(new SeededRandom(1, RandomStream.CausalInformation));

        Assert.Equal(0, At(0), 12);
        Assert.InRange(At(0.5), 0.01, At(1));
        Assert.InRange(At(1), 0.2, Math.Log(3));
    }

    [Fact]
    public void Graphs_OfEachKind_HaveTheStatedParents()
    {
        Assert.Equal("X0->X1 X1->X2 X2->X3", string.Join(' ', CausalGraph.Chain(4).Edges));
        Assert.Equal("X0->X1 X0->X2 X1->X3 X1->X4 X2->X5", string.Join(' ', CausalGraph.Tree(6).Edges));
        Assert.Equal("X0->X1 X2->X3", string.Join(' ', CausalGraph.Pairs(5).Edges));
        Assert.Equal("X0->X2 X1->X2 X1->X3 X2->X3 X1->X4 X3->X4", string.Join(' ', CausalGraph.SeveralParents(5, 2).Edges));
        Assert.NotEqual(CausalGraph.Random(10, 1).Edges, CausalGraph.Random(10, 2).Edges);
        Assert.Contains("position 1", Assert.Throws<ArgumentException>(() => new CausalGraph([[], [1]])).Message, StringComparison.Ordinal);
    }
}
