using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.InContextRegression;

public class RegressionTaskSourceTests
{
    private const int Dimension = 4, Demonstrations = 6;

    static RegressionTaskSourceTests() => Models.Native.NativeTorch.EnsureLoaded();

    public static TheoryData<RegressionShiftKind> Kinds => [.. Enum.GetValues<RegressionShiftKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Draw_EveryShift_IsRepeatableAndLinear(RegressionShiftKind kind)
    {
        using var scope = NewDisposeScope();
        var shift = new RegressionShift(kind, 2);
        var tasks = Draw(500, shift);

        Assert.True(tasks.Inputs.equal(Draw(500, shift).Inputs).all().item<bool>());
        Assert.True(tasks.Targets.equal(Draw(500, shift).Targets).all().item<bool>());
        if (kind is RegressionShiftKind.Noisy or RegressionShiftKind.HalfSubspace) return;
        // Least squares from enough demonstrations answers every query: one linear function is behind all points.
        var weights = linalg.lstsq(tasks.Inputs, tasks.Outputs.unsqueeze(2)).Solution;
        Assert.True((bmm(tasks.Queries, weights).squeeze(2) - tasks.Targets).abs().median().item<double>() < 1e-9);
    }

    [Fact]
    public void Draw_OfTheFamily_AsksForTheNextDemonstration()
    {
        using var scope = NewDisposeScope();
        var tasks = Draw(2000, default);

        Assert.True(tasks.Queries.narrow(1, 0, Demonstrations).equal(tasks.Inputs).all().item<bool>());
        Assert.True(tasks.Targets.narrow(1, 0, Demonstrations).equal(tasks.Outputs).all().item<bool>());
        Assert.InRange(tasks.Outputs.square().mean().item<double>(), Dimension * 0.93, Dimension * 1.07);
    }

    [Fact]
    public void Draw_SkewedAndHalfSubspace_HaveTheSpectrumAndTheTotalVariance()
    {
        using var scope = NewDisposeScope();
        var skewed = new RegressionTaskSource(RegressionFamily.Linear, Dimension, 4000).Draw(3, 1, RandomStream.RegressionTest, 0, new(RegressionShiftKind.Skewed)).Inputs;
        var half = Draw(200, new(RegressionShiftKind.HalfSubspace)).Inputs;

        double[] spectrum = [.. linalg.eigvalsh(mm(skewed[0].t(), skewed[0]) / 4000).data<double>().ToArray().Reverse()];
        double sum = Enumerable.Range(1, Dimension).Sum(i => 1.0 / (i * i));
        Assert.All(spectrum.Select((value, i) => value / (Dimension / sum / ((i + 1) * (i + 1)))), ratio => Assert.InRange(ratio, 0.88, 1.12));
        Assert.InRange(half.square().sum(-1).mean().item<double>(), Dimension * 0.9, Dimension * 1.1);
        var values = linalg.svdvals(half);
        Assert.True(values.select(1, 1).min().item<double>() > 1e-3);
        Assert.True(values.select(1, 2).max().item<double>() < 1e-9); // rank d / 2
    }

    [Fact]
    public void Draw_RandomQuadrants_KeepsEachTasksDemonstrationsInOneOrthant()
    {
        using var scope = NewDisposeScope();
        var tasks = Draw(300, new(RegressionShiftKind.RandomQuadrants));

        Assert.True(tasks.Inputs.sign().sum(1).abs().eq(Demonstrations).all().item<bool>());
        Assert.InRange(tasks.Queries.gt(0).to_type(ScalarType.Float64).mean().item<double>(), 0.45, 0.55);
    }

    [Fact]
    public void Draw_OrthogonalQuery_IsOrthogonalAndAsLong()
    {
        using var scope = NewDisposeScope();
        var (plain, tasks) = (Draw(300, default), Draw(300, new(RegressionShiftKind.Orthogonal)));

        for (int k = 1; k < Dimension; k++)
        {
            var (x, _, query, _) = tasks.At(k);
            Assert.True(bmm(x, query.unsqueeze(2)).abs().max().item<double>() < 1e-9);
            Assert.True((query.norm(1) - plain.Queries.select(1, k).norm(1)).abs().max().item<double>() < 1e-9);
        }
        Assert.False(new RegressionShift(RegressionShiftKind.Orthogonal).Exists(Dimension, Dimension));
    }

    [Fact]
    public void Draw_OverlappingQuery_IsOneOfTheDemonstrationsEachAlikeOften()
    {
        using var scope = NewDisposeScope();
        var (x, _, query, _) = Draw(3000, new(RegressionShiftKind.Overlapping)).At(Demonstrations);

        var same = (x - query.unsqueeze(1)).abs().sum(-1).eq(0); // [task, n]
        Assert.True(same.sum(-1).eq(1).all().item<bool>());
        Assert.All(same.to_type(ScalarType.Float64).mean([0]).data<double>().ToArray(), share => Assert.InRange(share, (1.0 / 6) - 0.03, (1.0 / 6) + 0.03));
    }

    [Fact]
    public void Draw_Scales_MultiplyInputsOrFunctions()
    {
        using var scope = NewDisposeScope();
        var (plain, x, y) = (Draw(50, default), Draw(50, new(RegressionShiftKind.InputScale, 3)), Draw(50, new(RegressionShiftKind.LabelScale, 3)));

        Assert.True((x.Inputs - (3 * plain.Inputs)).abs().max().item<double>() < 1e-12);
        Assert.True((x.Targets - (3 * plain.Targets)).abs().max().item<double>() < 1e-9);
        Assert.True(y.Inputs.equal(plain.Inputs).all().item<bool>());
        Assert.True((y.Targets - (3 * plain.Targets)).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void Draw_NoiseAndPadding_AreAsAsked()
    {
        using var scope = NewDisposeScope();
        var source = new RegressionTaskSource(RegressionFamily.Linear, Dimension, Demonstrations, 1) { NoiseVaries = true, PaddedShare = 0.5 };
        var noisy = source.Draw(4000, 1, RandomStream.RegressionTest, 0);
        var noise = noisy.Outputs - noisy.Targets.narrow(1, 0, Demonstrations);
        var used = noisy.Inputs.ne(0).any(1).sum(-1); // features that are not padding, by task

        Assert.InRange(noise.square().mean().item<double>(), (1.0 / 3) - 0.03, (1.0 / 3) + 0.03); // E u^2
        Assert.InRange(used.eq(Dimension).to_type(ScalarType.Float64).mean().item<double>(), 0.47, 0.53);
        Assert.InRange(used.eq(1).to_type(ScalarType.Float64).mean().item<double>(), (0.5 / 3) - 0.03, (0.5 / 3) + 0.03);
    }

    [Fact]
    public void Draw_Sinusoids_AreWithinTheirRanges()
    {
        using var scope = NewDisposeScope();
        var tasks = new RegressionTaskSource(RegressionFamily.Sinusoid, 1, 30).Draw(2000, 1, RandomStream.RegressionTest, 0);

        Assert.InRange(tasks.Inputs.abs().max().item<double>(), 4.99, 5);
        Assert.InRange(tasks.Outputs.abs().max().item<double>(), 4.8, 5);
        Assert.Equal(RegressionFamily.Sinusoid.Output(1), Math.Sqrt(tasks.Outputs.square().mean().item<double>()), 0.06);
    }

    private static RegressionTasks Draw(int tasks, RegressionShift shift) =>
        new RegressionTaskSource(RegressionFamily.Linear, Dimension, Demonstrations).Draw(tasks, 5, RandomStream.RegressionTest, 0, shift);
}
