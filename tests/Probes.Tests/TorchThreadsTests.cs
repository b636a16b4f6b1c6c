using MlNetIcl.Probes.Tests.InContextRegression;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests;

[CollectionDefinition(nameof(TorchThreadsTests), DisableParallelization = true)]
[Collection(nameof(TorchThreadsTests))]
public class TorchThreadsTests
{
    public static TheoryData<string> Experiments => ["emergence", "gd", "kernels", "positions", "regression", "paradigms", "prior", "regressor"];

    /// <summary>Small tensors on several threads of a busy machine wait for each other many times as long as they work, and their sums depend on the number.</summary>
    [Theory]
    [MemberData(nameof(Experiments))]
    public void Run_OnManyCores_UsesOneThreadAndGivesTheOthersBack(string experiment)
    {
        Models.Native.NativeTorch.EnsureLoaded();
        int before = get_num_threads();
        var seen = new Threads();
        try
        {
            set_num_threads(2);
            Run(experiment, seen);

            Assert.Equal([1], seen.Seen);
            Assert.Equal(2, get_num_threads());
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void One_OnSeveralThreads_EachHasOne()
    {
        Models.Native.NativeTorch.EnsureLoaded();
        int before = get_num_threads(), outside = 0;
        using var both = new Barrier(2);
        int Inside() => TorchThreads.One(() =>
        {
            both.SignalAndWait();
            return get_num_threads();
        });
        int[] inside = new int[2];
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(i => new Thread(() =>
        {
            set_num_threads(2);
            both.SignalAndWait();
            inside[i] = Inside();
        }))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        TorchThreads.One(() => TorchThreads.One(() => outside = get_num_threads()));

        Assert.Equal([1, 1], inside);
        Assert.Equal(1, outside);
        Assert.Equal(before, get_num_threads());
    }

    private static void Run(string experiment, Threads progress)
    {
        var regressor = InContextRegressorTests.Small with { Steps = 2 };
        switch (experiment)
        {
            case "emergence":
                EmergenceProbe.Train(new() { Sizes = [new(1, 8, 1)], Seeds = 1, Steps = 100, Every = 100 }, progress);
                break;
            case "gd":
                GradientDescentProbe.Run(new() { Dimension = 2, Examples = 2, Seeds = 1, Steps = 2, BatchTasks = 2, TestTasks = 100, SearchTasks = 100 }, progress);
                break;
            case "kernels":
                KernelEquality.Run(new() { Tasks = 10, Rows = 2, Length = 4, TrainingSteps = 2 }, progress: progress);
                break;
            case "positions":
                PositionStudy.Run(new() { Schemes = [PositionScheme.None], Seeds = 1, Steps = 2, Rows = 2, LearningRates = [0.01] }, progress);
                break;
            case "regression":
                RegressionStudy.Run(new() { BaselineTasks = 100, BaselineShots = [2], BaselineDimension = 2, Regressor = regressor, TestTasks = 16, Shifts = [] }, progress: progress);
                break;
            case "paradigms":
                ParadigmStudy.Run(new() { Families = [RegressionFamily.Linear], Dimension = 2, Shots = [2], TestTasks = 16, InContextSteps = 2, MetaSteps = 2, ScratchSteps = 2, Hidden = 4 }, progress);
                break;
            case "prior":
                CrossTaskPrior.Run(new() { Ranks = [1], Steps = 2, TestTasks = 16, PriorTasks = 16 }, progress);
                break;
            default:
                using (InContextRegressor.Train(regressor, progress)) { }
                break;
        }
    }

    private sealed class Threads : IProgress<double>
    {
        public HashSet<int> Seen { get; } = [];

        public void Report(double value) => Seen.Add(get_num_threads());
    }
}
