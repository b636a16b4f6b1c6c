using MlNetIcl.Models;

namespace MlNetIcl.Probes.Tests.CausalGraphs;

public class CausalGraphLearnerTests
{
    private const int Length = 10, Vocabulary = 3;

    public static TheoryData<string> Graphs => ["chain", "tree", "random"];

    [Theory]
    [MemberData(nameof(Graphs))]
    public void Learn_RowsWithAKernelEach_FindsTheGraph(string name)
    {
        var graph = Graph(name);
        var task = new CausalTask(graph, Vocabulary, 0.1); // the last position is drawn at random there
        var drawn = task.Draw(new SeededRandom(3, RandomStream.CausalTest), 3000);

        var learned = CausalGraphLearner.Learn([.. Enumerable.Range(0, drawn.Count).Select(i => drawn.Row(i).ToArray())]);

        AssertFound(new CausalGraph(graph.Parents.Select((parents, child) => child == Length - 1 ? [] : parents)), learned);
    }

    [Theory]
    [MemberData(nameof(Graphs))]
    public void Learn_RowsWithOneKernel_FindsTheGraph(string name) => AssertFound(Graph(name), CausalGraphLearner.Learn(Rows(Graph(name), 3000, seed: 4)));

    /// <summary>All edges but one at most, none that is wrong but one at most: another processor's last digits may tip one.</summary>
    private static void AssertFound(CausalGraph graph, LearnedCausalGraph learned)
    {
        var found = learned.Reading.Graph;
        int right = found.Edges.Count(graph.Has);

        Assert.InRange(right, graph.Edges.Count() - 1, graph.Edges.Count());
        Assert.InRange(found.Edges.Count() - right, 0, 1);
        Assert.All(learned.Reading.Evidence.Where(e => graph.Parents[e.Child].Count == 0), e => Assert.InRange(e.Gain.Value, -0.05, 0.05));
        Assert.True(learned.Reading.Loss < learned.Reading.LossWithoutParents - 0.02);
        Assert.All(learned.Reading.Evidence.Where(e => graph.Parents[e.Child].Count > 0 && found.Parents[e.Child].Count > 0), e => Assert.True(e.Gain.Interval.Low > 0));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void Learn_RowsWithoutDependence_FindsNoEdge(int seed)
    {
        var learned = CausalGraphLearner.Learn(Rows(CausalGraph.Chain(Length), 600, seed, dependence: 0), options: new() { Alpha = 0.01 });

        Assert.Empty(learned.Reading.Graph.Edges);
        Assert.Equal(Length - 1, learned.Reading.Evidence.Count);
    }

    [Fact]
    public void Learn_SameSeed_RepeatsBitForBitAndSurvivesSaving()
    {
        int[][] rows = Rows(CausalGraph.Chain(5), 60, seed: 2);
        var options = new CausalGraphLearningOptions { Steps = 40, Starts = 2, Seed = 9 };

        string first = CausalGraphLearner.Learn(rows, Vocabulary, options).ToJson(), second = CausalGraphLearner.Learn(rows, Vocabulary, options).ToJson();

        Assert.Equal(first, second);
        Assert.NotEqual(first, CausalGraphLearner.Learn(rows, Vocabulary, options with { Seed = 10 }).ToJson());
        var loaded = LearnedCausalGraph.FromJson(first);
        Assert.Equal(first, loaded.ToJson());
        Assert.Equal(CausalGraphLearner.Learn(rows, Vocabulary, options).Strengths(rows[0]), loaded.Strengths(rows[0]));
        Assert.Throws<FormatException>(() => LearnedCausalGraph.FromJson(first[..^20]));
        Assert.Throws<FormatException>(() => LearnedCausalGraph.FromJson("null"));
        Assert.Throws<FormatException>(() => LearnedCausalGraph.FromJson(first.Replace("\"concentration\":", "\"concentration\":-", StringComparison.Ordinal)));
    }

    [Fact]
    public void Learn_WrongRows_SaysWhatIsWrong()
    {
        int[][] rows = Rows(CausalGraph.Chain(4), 20, seed: 1);

        Assert.Contains("at least 10 rows", Message(() => CausalGraphLearner.Learn(rows[..9])), StringComparison.Ordinal);
        Assert.Contains("row 3 has 2", Message(() => CausalGraphLearner.Learn([.. rows.Select((row, i) => i == 3 ? row[..2] : row)])), StringComparison.Ordinal);
        Assert.Contains("Row 5 holds token -1", Message(() => CausalGraphLearner.Learn([.. rows.Select((row, i) => i == 5 ? [0, -1, 0, 0] : row)])), StringComparison.Ordinal);
        Assert.Contains("got 257", Message(() => CausalGraphLearner.Learn([.. rows.Select((row, i) => i == 5 ? [0, 256, 0, 0] : row)])), StringComparison.Ordinal);
        Assert.Contains("2 to 64 tokens, got 1", Message(() => CausalGraphLearner.Learn([.. rows.Select(row => row[..1])])), StringComparison.Ordinal);
        Assert.Contains("Threshold", Message(() => CausalGraphLearner.Learn(rows, options: new() { Threshold = double.NaN })), StringComparison.Ordinal);

        static string Message(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;
    }

    [Fact]
    public void Learn_Cancelled_Stops()
    {
        using var source = new CancellationTokenSource();
        var progress = new Halfway(source);

        Assert.Throws<OperationCanceledException>(() => CausalGraphLearner.Learn(Rows(CausalGraph.Chain(4), 40, seed: 1), Vocabulary, new() { Steps = 40 }, progress, source.Token));
        Assert.InRange(progress.Last, 0.5, 0.6);
    }

    [Fact]
    public void Likelihoods_OfCertainAttention_AreDirichletsRuleOverTheOtherPairs()
    {
        int?[] parents = [null, 0, 1, 0, 3, 3, null];
        var attention = Certain(parents, new SeededRandom(1, RandomStream.CausalTest));
        int[] row = [1, 1, 2, 1, 1, 0, 2];

        double[][] likelihoods = attention.Likelihoods(row);

        for (int child = 1; child < row.Length; child++)
        {
            for (int parent = 0; parent < child; parent++)
            {
                var others = Enumerable.Range(0, row.Length).Where(other => other != child && parents[other] is { } its && its != child && row[its] == row[parent]).ToArray();
                double expected = ((attention.Concentration * attention.Kernel[row[parent]][row[child]]) + others.Count(other => row[other] == row[child])) / (attention.Concentration + others.Length);
                Assert.Equal(expected, likelihoods[child][parent], 1e-12);
            }
            double none = ((attention.RootConcentrations[child] * attention.Marginals[child][row[child]]) + row.Where((token, other) => other != child && token == row[child]).Count()) / (attention.RootConcentrations[child] + row.Length - 1);
            Assert.Equal(none, likelihoods[child][child], 1e-12);
        }
    }

    /// <summary>The loss by the other implementation, and its slopes by central differences in one parameter after the other, over softmax and exponentials.</summary>
    [Fact]
    public void Gradient_OfAnyAttention_IsTheSlopeOfTheLogLikelihoods()
    {
        const int Positions = 5;
        int[][] rows = Rows(CausalGraph.Tree(Positions), 20, seed: 3);
        var batch = Batch(rows);
        using var trainer = new ParentAttentionTrainer(Positions, Vocabulary, 0.7, roots: false, new SeededRandom(1, RandomStream.CausalScores), _ => 0.1);
        trainer.Train(15, _ => batch, (_, _) => { }, default);
        var now = trainer.ToAttention();

        var (loss, gradients) = trainer.Gradient(batch);

        now.Validate();
        Assert.Equal(Loss(now), loss, 1e-9);
        for (int child = 1; child < Positions; child++)
            for (int parent = 0; parent <= child; parent++)
                Assert.Equal(Slope(d => now with { Attention = Moved(now.Attention, child, parent, d) }), gradients[0][(child * (Positions + 1)) + (parent == child ? Positions : parent)], 1e-5);
        for (int given = 0; given < Vocabulary; given++)
            for (int value = 0; value < Vocabulary; value++)
                Assert.Equal(Slope(d => now with { Kernel = Moved(now.Kernel, given, value, d) }), gradients[1][(given * Vocabulary) + value], 1e-5);
        for (int position = 1; position < Positions; position++)
        {
            for (int value = 0; value < Vocabulary; value++)
                Assert.Equal(Slope(d => now with { Marginals = Moved(now.Marginals, position, value, d) }), gradients[2][(position * Vocabulary) + value], 1e-5);
            Assert.Equal(Slope(d => now with { RootConcentrations = [.. now.RootConcentrations.Select((c, i) => i == position ? c * Math.Exp(d) : c)] }), gradients[3][position + 1], 1e-5);
        }
        Assert.Equal(Slope(d => now with { Concentration = now.Concentration * Math.Exp(d) }), gradients[3][0], 1e-5);
        Assert.Contains(gradients[0], g => Math.Abs(g) > 1e-3);

        double Loss(ParentAttention attention) => -rows.Average(row => attention.LogLikelihoods(row)[1..].Average());
        double Slope(Func<double, ParentAttention> move) => (Loss(move(1e-5)) - Loss(move(-1e-5))) / 2e-5;
        static double[][] Moved(double[][] distributions, int row, int column, double by)
        {
            double[] moved = [.. distributions[row].Select((p, i) => i == column ? p * Math.Exp(by) : p)];
            return [.. distributions.Select((distribution, i) => i == row ? [.. moved.Select(p => p / moved.Sum())] : distribution)];
        }
    }

    [Fact]
    public void Likelihood_OfAToken_DoesNotKnowTheToken()
    {
        var attention = LearnedOn(Rows(CausalGraph.Tree(6), 60, seed: 3));
        int[] row = [0, 1, 2, 1, 0, 1];

        for (int child = 1; child < row.Length; child++)
            for (int parent = 0; parent <= child; parent++)
                Assert.Equal(1, Enumerable.Range(0, Vocabulary).Sum(value => attention.Likelihoods([.. row.Select((token, i) => i == child ? value : token)])[child][parent]), 1e-9);
    }

    [Fact]
    public void Strengths_OfARow_ArePosteriorsOfParents()
    {
        var learned = CausalGraphLearner.Learn(Rows(CausalGraph.Chain(5), 60, seed: 2), Vocabulary, new() { Steps = 60, Starts = 2 });
        int[] row = [0, 1, 1, 2, 0];
        var attention = LearnedOn(Rows(CausalGraph.Chain(5), 60, seed: 2));
        var own = new LearnedCausalGraph(attention, learned.Reading);

        float[] strengths = own.Strengths(row);

        double[][] likelihoods = attention.Likelihoods(row);
        foreach (var (pair, strength) in own.Reading.Pairs.Zip(strengths))
        {
            double sum = Enumerable.Range(0, pair.Child + 1).Sum(k => attention.Attention[pair.Child][k] * likelihoods[pair.Child][k]);
            Assert.Equal(attention.Attention[pair.Child][pair.Parent] * likelihoods[pair.Child][pair.Parent] / sum, strength, 1e-6);
        }
        Assert.Equal(10, strengths.Length);
        Assert.Throws<InvalidTokensException>(() => own.Strengths([0, 1]));
        Assert.Throws<InvalidTokensException>(() => own.Strengths([0, 1, 2, 3, 0]));
    }

    private static ParentAttention LearnedOn(int[][] rows)
    {
        var batch = Batch(rows);
        using var trainer = new ParentAttentionTrainer(rows[0].Length, Vocabulary, 1, roots: false, null, _ => 0.1);
        trainer.Train(40, _ => batch, (_, _) => { }, default);
        return trainer.ToAttention();
    }

    private static CausalRows Batch(int[][] rows)
    {
        var batch = new CausalRows(rows.Length, rows[0].Length, Vocabulary);
        for (int i = 0; i < rows.Length; i++) rows[i].CopyTo(batch.Row(i));
        return batch;
    }

    private static ParentAttention Certain(int?[] parents, SeededRandom random)
    {
        double[] Distribution()
        {
            double[] values = [.. Enumerable.Range(0, Vocabulary).Select(_ => random.NextDouble() + 0.1)];
            return [.. values.Select(v => v / values.Sum())];
        }
        return new(
            [.. parents.Select((parent, child) => Enumerable.Range(0, child + 1).Select(k => k == (parent ?? child) ? 1.0 : 0).ToArray())],
            [.. Enumerable.Range(0, Vocabulary).Select(_ => Distribution())], [.. parents.Select(_ => Distribution())], 1.7, [.. parents.Select((_, child) => 0.4 + child)]);
    }

    private static CausalGraph Graph(string name) => name switch
    {
        "chain" => CausalGraph.Chain(Length),
        "tree" => CausalGraph.Tree(Length),
        _ => CausalGraph.Random(Length, 1),
    };

    /// <summary>Rows from a graph with one parent at most, all with one kernel.</summary>
    internal static int[][] Rows(CausalGraph graph, int count, int seed, double dependence = 1)
    {
        var random = new SeededRandom(seed, RandomStream.CausalTest);
        double[] kernel = new double[Vocabulary * Vocabulary], roots = new double[Vocabulary];
        for (int value = 0; value < Vocabulary; value++) DirichletDraws.Fill(random, 0.5, kernel.AsSpan(value * Vocabulary, Vocabulary));
        StationaryDistribution.Of(kernel, roots);
        int[][] rows = new int[count][];
        for (int i = 0; i < count; i++)
        {
            rows[i] = new int[graph.Length];
            for (int position = 0; position < graph.Length; position++)
            {
                bool follows = graph.Parents[position].Count > 0 && random.NextDouble() < dependence;
                var from = follows ? kernel.AsSpan(rows[i][graph.Parents[position][0]] * Vocabulary, Vocabulary) : roots;
                double left = random.NextDouble();
                while (rows[i][position] < Vocabulary - 1 && (left -= from[rows[i][position]]) >= 0) rows[i][position]++;
            }
        }
        return rows;
    }

    private sealed class Halfway(CancellationTokenSource source) : IProgress<double>
    {
        public double Last { get; private set; }

        public void Report(double value)
        {
            Last = value;
            if (value >= 0.5) source.Cancel();
        }
    }
}
