using MlNetIcl.Models;
using MlNetIcl.Models.Training;

namespace MlNetIcl.Probes.Tests.LinearAttention;

public class KernelEqualityTests
{
    private static readonly KernelEqualityOptions Small = new() { Tasks = 200, Rows = 3, Length = 12, TrainingSteps = 10 };

    [Theory]
    [InlineData(5, 20, 1.0)]
    [InlineData(1, 1, 3.0)]
    [InlineData(12, 4, 0.5)]
    public void Run_Attention_EqualsItsSmootherAndNoOther(int dimension, int examples, double stepSize)
    {
        var result = KernelEquality.Run(Small with { Dimension = dimension, Examples = examples, StepSize = stepSize });

        Assert.Equal(5, result.Equalities.Count()); // linear and softmax, constructed and in decoders, and the Gaussian kernel
        Assert.All(result.Equalities, c =>
        {
            Assert.InRange(c.RelativeDifference, 0, 1e-5);
            Assert.True(c.Scale > 0);
            Assert.InRange(c.Gap.Value, 0, 1e-4);
        });
        if (examples < 20) return;
        Assert.All(result.Comparisons.Where(c => !c.ExpectedEqual && c.Smoother != SmootherKind.Ridge), c => Assert.True(c.Gap.Interval.Low > 0.2, $"{c}"));
        var ridges = result.Comparisons.Where(c => c is { Smoother: SmootherKind.Ridge, Attention: AttentionKind.Linear }).ToArray();
        Assert.True(ridges[0].Gap.Interval.Low > 0.3);
        Assert.InRange(ridges[^1].Gap.Value, 0, 0.01); // (K + ridge I)^-1 nears I / ridge
        Assert.Equal(ridges.Select(c => c.Gap.Value).OrderDescending(), ridges.Select(c => c.Gap.Value));
    }

    [Fact]
    public void Constructed_LinearAndSoftmax_AnswerAsWrittenOut()
    {
        float[] x = [1, 2, -1, 0.5f, 3, 1], y = [2, -1];
        using ConstructedLayer linear = new(AttentionKind.Linear, 2, 2, 0.5), softmax = new(AttentionKind.Softmax, 2, 2, 0.5);

        // Products with the query (3, 1): 5 and -2.5.
        Assert.Equal(0.5 / 2 * ((2 * 5) + (-1 * -2.5)), linear.Answers(x, y)[0], 5);
        double first = Math.Exp(5 / Math.Sqrt(2)), second = Math.Exp(-2.5 / Math.Sqrt(2)); // exp(0), the query's with itself, is not among them
        Assert.Equal(((2 * first) - second) / (first + second), softmax.Answers(x, y)[0], 5);
    }

    [Fact]
    public void Ridge_OneExample_IsItsClosedForm()
    {
        double[][] x = [[2, 1]];
        double[] query = [1, 3];

        Assert.Equal(4.0 * 5 / (5 + 0.5), KernelSmoother.Ridge(x, [4], query, KernelSmoother.Linear, 0.5), 12);
        Assert.Throws<ArithmeticException>(() => KernelSmoother.Ridge([[0, 0]], [4], query, KernelSmoother.Linear, 0));
    }

    [Fact]
    public void Ridge_LinearKernel_IsRidgeRegressionInTheInputs()
    {
        // (X^T X + r I)^-1 X^T y for X = [[1, 0], [1, 1], [0, 2]], y = (1, 2, 3), r = 1: [[3, 1], [1, 6]] w = (3, 8)
        double[] w = [10.0 / 17, 21.0 / 17], query = [0.3, -2];

        Assert.Equal((w[0] * 0.3) - (2 * w[1]), KernelSmoother.Ridge([[1, 0], [1, 1], [0, 2]], [1, 2, 3], query, KernelSmoother.Linear, 1), 12);
    }

    [Fact]
    public void Gap_MultipleOrUnrelated_IsNoneOrAll()
    {
        OutputPairs multiple = new(50, 1), unrelated = new(50, 1);
        for (int i = 0; i < 50; i++)
        {
            multiple.Add(i, 0, i - 20, 3 * (i - 20));
            unrelated.Add(i, 0, 1, i % 2 == 0 ? 1 : -1);
        }

        Assert.Equal(0, multiple.Gap(0).Value, 6);
        Assert.Equal(1, unrelated.Gap(0).Value, 6);
        Assert.Equal((58.0, 29.0), multiple.Largest());
    }

    [Fact]
    public void Run_GivenModel_IsComparedThroughRotationAndSharedKeys()
    {
        using var model = Random(new() { Layers = 2, DModel = 32, Heads = 4, KeyHeads = 2, Vocabulary = 20, Context = 16, Positions = PositionEncoding.Rotary, Rotary = new(8) });
        var own = KernelEquality.Run(Small, model).Comparisons.Where(c => c.Model == "given").ToArray();

        Assert.Equal((SmootherKind.Normalised, 8), (own[0].Smoother, own[0].Heads));
        Assert.InRange(own[0].RelativeDifference, 0, 1e-5);
        Assert.False(own[1].ExpectedEqual);
    }

    [Fact]
    public void Run_ModelWithAlibi_IsRefused()
    {
        using var model = Random(new() { Layers = 1, DModel = 8, Heads = 2, Vocabulary = 20, Context = 16, Positions = PositionEncoding.Alibi });

        Assert.Contains("ALiBi", Assert.Throws<UnsupportedModelException>(() => KernelEquality.Run(Small, model)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9, 20, 5, "Tasks")]
    [InlineData(100, 0, 5, "Examples")]
    [InlineData(100, 20, 0, "Dimension")]
    public void Run_OptionOutOfRange_NamesIt(int tasks, int examples, int dimension, string name) =>
        Assert.Contains(name, Assert.ThrowsAny<ArgumentException>(() => KernelEquality.Run(new() { Tasks = tasks, Examples = examples, Dimension = dimension })).Message, StringComparison.Ordinal);

    private static LanguageModel Random(DecoderConfig config) => new(config, DecoderInitializer.Normal(config, 1, std: 0.3), name: "given");
}
