using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.GradientDescent;

public class AlignmentBenchTests
{
    private static readonly GradientDescentOptions Options = new() { Dimension = 3, Examples = 6, Range = 1, TestTasks = 300, SearchTasks = 100, ShiftFactors = [2] };

    static AlignmentBenchTests() => Models.Native.NativeTorch.EnsureLoaded();

    /// <summary>A model that is not linear in anything tells the shifts apart: of linear ones relative losses don't change with weights or queries.</summary>
    [Theory]
    [InlineData(TaskShift.Task, 1, 1, 2)]
    [InlineData(TaskShift.Query, 1, 2, 1)]
    [InlineData(TaskShift.Covariate, 2, 2, 1)]
    public void Shifts_OfASoftmaxTransformer_AreLossesOnTasksScaledByHand(TaskShift shift, double examples, double query, double weights)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var optimum = OneStepOptimum.Of(3, 6, 1);
        GradientReference[] settings = [new(ReferenceKind.GradientDescent, 1, optimum.Eta, 0, default), new(ReferenceKind.PlusPlus, 2, optimum.Eta, 0, default), new(ReferenceKind.LeastSquares, 0, 0, 0, default)];
        using var bench = new AlignmentBench(Options, optimum, settings);
        var model = new SoftmaxTransformer(Options.Family, new SoftmaxOptions { Width = 16 }, 1); // the bench's from then on
        model.Train(20);
        bench.Add(new LinearAttentionTrainer(Options, 1), 1, [1.0], settings[0]);
        bench.Add(model, 1, [1.0]);
        var tasks = Options.Family.Draw(300, Options.Seed, RandomStream.GradientDescentTest, 0);
        var moved = new LinearTasks(tasks.X * examples, tasks.Y * examples * weights, tasks.Query * query, tasks.Weights * weights);

        double loss = (model.Answer(moved).Predicted - (moved.Weights * moved.Query).sum(-1)).square().mean().item<double>() / 2;

        double unit = 0.5 * 3 * (1.0 / 3) * query * query * weights * weights;
        Assert.Equal(loss / unit, bench.Shifts(default).Single(s => s.Shift == shift).Points.Single().Softmax!.Value.Value, 1e-9);
    }
}
