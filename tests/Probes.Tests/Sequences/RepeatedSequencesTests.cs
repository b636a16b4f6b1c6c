using MlNetIcl.Models;
using MlNetIcl.Testing;

namespace MlNetIcl.Probes.Tests.Sequences;

public sealed class RepeatedSequencesTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Generate_AnyRepeats_RepeatsTheFirstPeriodAndControlsUseNoIdTwice(int repeats)
    {
        using var model = RandomModels.Create(Shapes.Llama);
        var drawn = RepeatedSequences.Generate(model, sequences: 20, period: 9, repeats: repeats, seed: 3);

        Assert.Equal(new Periodicity(1, 9, repeats), drawn.Shape);
        for (int i = 0; i < 20; i++)
        {
            var (row, control) = (drawn.Tokens.Rows[i], drawn.Controls.Rows[i]);
            Assert.Equal(1 + 9 * repeats, row.Length);
            Assert.Equal(1, row[0]);
            for (int at = 10; at < row.Length; at++) Assert.Equal(row[at - 9], row[at]);
            Assert.Equal(row[..10], control[..10]);
            Assert.Equal(control.Length, control.Distinct().Count());
            // 4 % of 70 ids is 2 at each end; 1 and 2 are special.
            Assert.All(control[1..], id => Assert.InRange(id, 3, 67));
        }
        Assert.Equal(20, drawn.Tokens.Rows.Select(r => string.Join(' ', r)).Distinct().Count());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fresh_OfGeneratedAndOfGivenRows_AreOtherSequencesOfTheSameShape(bool generated)
    {
        using var model = RandomModels.Create(Shapes.Llama);
        var drawn = generated ? RepeatedSequences.Generate(model, sequences: 20, period: 9, repeats: 3, seed: 3)
            : RepeatedSequences.FromRows(model, new TokenBatch([[50, 4, 5, 6, 4, 5, 6], [51, 7, 8, 9, 7, 8, 9]]), seed: 3)!;
        var (offset, period, repeats) = drawn.Shape;

        var fresh = drawn.Fresh(model, 32).Rows;

        Assert.Equal(drawn.Shape, Periodicity.Infer(drawn.Fresh(model, 32), bosTokenId: 1));
        Assert.Equal(32, fresh.Count);
        for (int i = 0; i < 32; i++)
        {
            Assert.Equal(drawn.Tokens.Rows[i % drawn.Tokens.Count][..offset], fresh[i][..offset]);
            Assert.Equal(period, fresh[i][offset..].Distinct().Count());
            Assert.Equal(offset + (period * repeats), fresh[i].Length);
            Assert.All(fresh[i][offset..], id => Assert.InRange(id, 3, 67));
        }
        Assert.Equal(32, fresh.Select(r => string.Join(' ', r)).Distinct().Count());
        Assert.Empty(fresh.Select(r => string.Join(' ', r)).Intersect(drawn.Tokens.Rows.Select(r => string.Join(' ', r))));
    }

    [Fact]
    public void Generate_Draws_AreUniformOverTheUsableIds()
    {
        using var model = RandomModels.Create(Shapes.Llama);
        var drawn = RepeatedSequences.Generate(model, sequences: 2000, period: 10, seed: 1);
        var counts = drawn.Controls.Rows.SelectMany(r => r[1..]).GroupBy(id => id).ToDictionary(g => g.Key, g => g.Count());
        double expected = 2000 * 20 / 65.0; // ids 3 to 67
        Assert.Equal(65, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, expected - 5 * Math.Sqrt(expected), expected + 5 * Math.Sqrt(expected)));
    }

    [Theory]
    [InlineData(40, 60, 2, 19)]      // context: (40 - 1) / 2
    [InlineData(400, 60, 2, 27)]     // usable ids: 60 - 2 * 2 = 56, less BOS (58 is left out already) = 56 - 1
    [InlineData(400, 2000, 2, 50)]
    [InlineData(100, 2000, 3, 33)]
    public void Generate_NoPeriodGiven_IsTheLargestUpToFifty(int context, int vocabulary, int repeats, int expected)
    {
        using var model = RandomModels.Create(Shapes.Gpt2 with { Context = context, Vocabulary = vocabulary, BosTokenId = 30, EosTokenId = null });
        Assert.Equal(expected, RepeatedSequences.Generate(model, 2, repeats: repeats).Shape.Period);
    }

    [Theory]
    [InlineData(5, 7, 5, "configuration")]
    [InlineData(null, 7, 7, "end-of-text token")]
    [InlineData(50256, 7, 7, "end-of-text token")]
    [InlineData(null, null, null, "none")]
    public void Generate_BosOfEachOrigin_StartsTheRowsAndIsNamed(int? bos, int? eos, int? expected, string source)
    {
        using var model = RandomModels.Create(Shapes.Gpt2 with { BosTokenId = bos, EosTokenId = eos });
        var drawn = RepeatedSequences.Generate(model, 4, period: 5);
        Assert.Equal((expected, source), (drawn.Protocol.BosTokenId, drawn.Protocol.BosSource));
        Assert.Equal(expected is null ? 10 : 11, drawn.Tokens.MaxLength);
        if (expected is { } id) Assert.All(drawn.Tokens.Rows, row => Assert.Equal(id, row[0]));
        Assert.DoesNotContain(drawn.Controls.Rows.SelectMany(r => expected is null ? r : r[1..]), id => id == bos || id == eos);
    }

    [Fact]
    public void TokenPool_SpecialIdsOfTheConfiguration_AreLeftOut() =>
        Assert.Equal(TokenPool.Of(Shapes.Gpt2).Ids.Except([20, 30]), TokenPool.Of(Shapes.Gpt2 with { SpecialTokenIds = [20, 30, 58, 59] }).Ids);

    [Fact]
    public void Generate_SameSeed_IsTheSameAndAnotherSeedIsNot()
    {
        using var model = RandomModels.Create(Shapes.Gpt2);
        Assert.Equal(RepeatedSequences.Generate(model, 3, seed: 7).Controls.Rows, RepeatedSequences.Generate(model, 3, seed: 7).Controls.Rows);
        Assert.NotEqual(RepeatedSequences.Generate(model, 3, seed: 7).Controls.Rows, RepeatedSequences.Generate(model, 3, seed: 8).Controls.Rows);
    }

    [Fact]
    public void Generate_PeriodThatDoesNotFit_SaysTheLargest()
    {
        using var model = RandomModels.Create(Shapes.Gpt2);
        Assert.Contains("at most 19", Assert.Throws<ArgumentException>(() => RepeatedSequences.Generate(model, 2, period: 20)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => RepeatedSequences.Generate(model, 2, period: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => RepeatedSequences.Generate(model, 2, repeats: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => RepeatedSequences.Generate(model, 0));
    }

    [Fact]
    public void FromRows_RowsThatRepeat_GetControlsWithFreshIds()
    {
        using var model = RandomModels.Create(Shapes.Gpt2);
        int[] x = [10, 11, 12, 11], y = [20, 21, 22, 23]; // a token may stand twice in a user's period
        var rows = new TokenBatch([[58, .. x, .. x, .. x], [58, .. y, .. y, .. y]]);
        var drawn = RepeatedSequences.FromRows(model, rows, seed: 2)!;
        Assert.Equal(new Periodicity(1, 4, 3), drawn.Shape);
        Assert.Equal("rows", drawn.Protocol.BosSource);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(rows.Rows[i][..5], drawn.Controls.Rows[i][..5]);
            int[] fresh = drawn.Controls.Rows[i][5..];
            Assert.Equal(8, fresh.Except(rows.Rows[i]).Distinct().Count());
        }
    }

    [Fact]
    public void FromRows_TooFewIdsForControls_Throws()
    {
        using var model = RandomModels.Create(Shapes.Gpt2 with { Context = 200 });
        int[] x = [.. Enumerable.Range(2, 40)];
        Assert.Contains("needs 40 usable ids", Assert.Throws<ArgumentException>(() => RepeatedSequences.FromRows(model, new TokenBatch([[.. x, .. x]]))).Message);
    }
}

public sealed class PeriodicityTests
{
    [Fact]
    public void Infer_RowsOfEachForm_FindsOffsetPeriodAndRepeats()
    {
        Assert.Equal(new Periodicity(0, 3, 2), Infer([1, 2, 3, 1, 2, 3]));
        Assert.Equal(new Periodicity(1, 3, 2), Infer([9, 1, 2, 3, 1, 2, 3]));
        Assert.Equal(new Periodicity(0, 2, 4), Infer([1, 2, 1, 2, 1, 2, 1, 2]));  // the shortest period
        Assert.Equal(new Periodicity(0, 3, 3), Infer([1, 2, 3, 1, 2, 3, 1, 2, 3]));
        Assert.Equal(new Periodicity(1, 2, 2), Infer([7, 1, 2, 1, 2], [8, 3, 4, 3, 4]));
    }

    [Fact]
    public void Infer_RowsThatDoNotAllRepeatInOneWay_IsNull()
    {
        Assert.Null(Infer([1, 2, 3, 4, 5, 6]));
        Assert.Null(Infer([1, 2, 3, 1, 2]));                       // no whole repeat
        Assert.Null(Infer([1, 2, 1, 2], [1, 2, 3, 4]));
        Assert.Null(Infer([1, 2, 1, 2], [1, 2, 1, 2, 1, 2]));      // not of one length
        Assert.Null(Infer([1]));
        Assert.Null(Infer([1, 1]));                                // a period of 1 has no successor to attend to
        Assert.Null(Infer([5, 5, 5, 5]));
        Assert.Null(Infer([1, 5, 5, 5, 5]));
        Assert.Equal(new Periodicity(0, 2, 2), Infer([5, 5, 5, 5], [5, 6, 5, 6]));
    }

    [Fact]
    public void Infer_FirstTokenIsBos_IsPartOfAPeriodOnlyWhereNothingElseRepeats()
    {
        Assert.Equal(new Periodicity(1, 3, 2), Periodicity.Infer(new TokenBatch([[0, 1, 2, 0, 1, 2, 0]]), bosTokenId: 0));
        Assert.Equal(new Periodicity(0, 2, 2), Periodicity.Infer(new TokenBatch([[0, 1, 0, 1]]), bosTokenId: 0));
        Assert.Null(Periodicity.Infer(new TokenBatch([[0, 1, 2, 0]]), bosTokenId: 0));
    }

    private static Periodicity? Infer(params int[][] rows) => Periodicity.Infer(new TokenBatch(rows));
}
