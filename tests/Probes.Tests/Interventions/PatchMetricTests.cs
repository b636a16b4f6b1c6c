using MlNetIcl.Models;
using MlNetIcl.Testing;

namespace MlNetIcl.Probes.Tests.Interventions;

/// <summary>Metrics of rows that differ, against plain loops over logits.</summary>
public sealed class PatchMetricTests
{
    [Fact]
    public void Loss_StretchOfItsOwnForEachRow_IsTheMeanOverThatStretch()
    {
        using var model = Pairs.Model("serial");
        var rows = RandomModels.Tokens(model.Config, 3, 9, 5, 7);
        (int First, int Last)[] stretches = [(1, 8), (2, 4), (3, 3)];

        var values = Base(model, rows, PatchMetric.Loss(stretches));

        for (int row = 0; row < rows.Count; row++)
        {
            var logits = Logits(model, rows.Rows[row]);
            var (first, last) = stretches[row];
            Assert.Equal(Enumerable.Range(first, last - first + 1).Average(pos => LogSumExp(logits[pos - 1]) - logits[pos - 1][rows[row][pos]]), values[row], 1e-5);
        }
    }

    [Fact]
    public void CopyAccuracy_RowsThatRepeatDifferently_IsTheShareOfArgmaxesFromTheSecondCopiedTokenOn()
    {
        using var model = LanguageModel.LoadEmbedded();
        int[][] rows = [[1, 9, 9, 17, 30, 9, 9, 17, 30], [5, 6, 7, 5, 6, 7, 5, 6, 7], [1, 40, 41, 42, 43, 44, 45, 40, 41, 42, 43, 44, 45]];
        Periodicity[] shapes = [new(1, 4, 2), new(0, 3, 3), new(1, 6, 2)];

        var values = Base(model, new TokenBatch(rows), PatchMetric.CopyAccuracy(shapes));

        for (int row = 0; row < rows.Length; row++)
        {
            var (logits, shape) = (Logits(model, rows[row]), shapes[row]);
            int[] targets = [.. Enumerable.Range(shape.Offset + shape.Period + 1, shape.Period - 1)]; // the first of the repeat cannot be copied
            Assert.Equal(targets.Average(pos => Array.IndexOf(logits[pos - 1], logits[pos - 1].Max()) == rows[row][pos] ? 1.0 : 0), values[row], 1e-6);
        }
        Assert.True(values.Distinct().Count() > 1); // some were copied, some not
    }

    [Fact]
    public void SecondRepeatLoss_OneShapeForAllRows_EqualsAShapeForEach()
    {
        using var model = Pairs.Model("parallel");
        var rows = RandomModels.Tokens(model.Config, 3, 9, 9);
        var shape = new Periodicity(1, 4, 2);

        Assert.Equal(Base(model, rows, PatchMetric.SecondRepeatLoss(shape)), Base(model, rows, PatchMetric.SecondRepeatLoss([shape, shape])), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void Loss_StretchesThatDoNotFit_AreRefused()
    {
        using var model = Pairs.Model("serial");
        var rows = RandomModels.Tokens(model.Config, 3, 9, 5);

        Assert.Throws<ArgumentOutOfRangeException>(() => PatchMetric.Loss([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PatchMetric.Loss([(0, 3)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PatchMetric.Loss([(3, 2)]));
        Assert.Contains("row 1 has 5 tokens", Assert.Throws<InvalidTokensException>(() => Base(model, rows, PatchMetric.Loss([(1, 8), (1, 5)]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Base(model, rows, PatchMetric.Loss([(1, 2), (1, 2), (1, 2)])));
    }

    [Theory]
    [InlineData(PatchDirection.CleanIntoCorrupted)]
    [InlineData(PatchDirection.CorruptedIntoClean)]
    public void ActivationPatching_ValuesOfEachRow_AreThoseOfTheRowAlone(PatchDirection direction)
    {
        using var model = Pairs.Model("serial");
        var (clean, corrupted) = (RandomModels.Tokens(model.Config, 5, 9, 6, 8), RandomModels.Tokens(model.Config, 6, 9, 6, 8));
        int[] answers = [3, 4, 5], foils = [7, 8, 9];

        var all = ActivationPatching.Run(model, clean, corrupted, SiteKind.Z, PatchMetric.LogitDifference(answers, foils), direction: direction);

        for (int row = 0; row < 3; row++)
        {
            var one = ActivationPatching.Run(model, new TokenBatch([clean.Rows[row]]), new TokenBatch([corrupted.Rows[row]]), SiteKind.Z, PatchMetric.LogitDifference(answers[row], foils[row]), direction: direction);
            Assert.Equal(one.Clean, all.CleanValues[row], 1e-5);
            Assert.Equal(one.Corrupted, all.CorruptedValues[row], 1e-5);
            foreach (var (expected, actual) in one.Effects.Zip(all.Effects)) Assert.Equal(expected.Value, actual.Values[row], 1e-5);
        }
        Assert.Equal(all.Clean, all.CleanValues.Average(), 1e-9);
        Assert.Equal(all.Corrupted, all.CorruptedValues.Average(), 1e-9);
        Assert.All(all.Effects, e => Assert.Equal(e.Value, e.Values.Average(), 1e-9));
    }

    private static double[] Base(LanguageModel model, TokenBatch rows, PatchMetric metric) => [.. PatchSweep.Run(model, rows, [], metric).Base];

    /// <summary>[pos][vocab]</summary>
    private static float[][] Logits(LanguageModel model, int[] row)
    {
        using var run = model.Run(new TokenBatch([row]), new ForwardPlan().Capture(Site.Logits));
        using var dense = run[Site.Logits].contiguous();
        return [.. dense.data<float>().ToArray().Chunk(model.Config.Vocabulary)];
    }

    private static double LogSumExp(float[] logits)
    {
        double max = logits.Max();
        return max + Math.Log(logits.Sum(v => Math.Exp(v - max)));
    }
}
