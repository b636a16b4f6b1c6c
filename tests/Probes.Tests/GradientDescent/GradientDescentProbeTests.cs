using System.Text;
using MlNetIcl.Models;

namespace MlNetIcl.Probes.Tests.GradientDescent;

public sealed class GradientDescentProbeTests : IDisposable
{
    /// <summary>Few inputs, and a learning rate that gets one layer to its optimum in seconds.</summary>
    private static readonly GradientDescentOptions Quick = new() { Dimension = 3, Examples = 6, Range = 1, Seeds = 1, Steps = 600, BatchTasks = 256, LearningRate = 0.01, ClipNorm = 0.1, TestTasks = 40_000 };

    private static readonly GradientDescentOptions Brief = Quick with { Seeds = 2, Steps = 30, BatchTasks = 16, TestTasks = 200, SearchTasks = 200, Softmax = new SoftmaxOptions { Layers = 1, Width = 8, Heads = 2, Steps = 20, BatchTasks = 16 } };

    private readonly string _folder = Directory.CreateTempSubdirectory("gd").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Run_OneLayer_BecomesTheBestStep()
    {
        var result = GradientDescentProbe.Run(Quick);
        var run = Assert.Single(result.Runs);

        AssertOneStep(result, run);
        Assert.InRange(run.OptimumDistance!.Value, 0, 0.15);
        Assert.InRange(run.ConstructionDistance!.Value, run.OptimumDistance.Value - 0.05, 0.2);
        Assert.True(run.With(result.Reference(ReferenceKind.LeastSquares, 0)!).Cosine.Value < run.With(result.Steps).Cosine.Value);
        Assert.Equal(Quick.Steps, run.Curve[^1].Step);
        Assert.True(run.Curve[^1].Loss < run.Curve[0].Loss);
        AssertShifts(result);
    }

    /// <summary>The protocol of the paper. With inputs of ±0.5 one step leaves 0.2062.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public void Run_ProtocolOfThePaper_IsOneStepForEverySeed()
    {
        var result = GradientDescentProbe.Run();

        Assert.All(result.Runs, run =>
        {
            Assert.InRange(run.Loss.Value, 0.97 * 0.2062, 1.03 * 0.2062);
            AssertOneStep(result, run);
        });
        AssertShifts(result);
    }

    [Fact]
    public void Run_TwoLayers_AreNearerToPlusPlusThanToPlainSteps()
    {
        var result = GradientDescentProbe.Run(Quick with { Layers = 2, Steps = 1200 });
        var run = Assert.Single(result.Runs);
        GradientReference plain = result.Steps, corrected = result.Reference(ReferenceKind.PlusPlus, 2)!;

        Assert.True(corrected.Loss.Value < plain.Loss.Value);
        Assert.True(run.Loss.Value < plain.Loss.Value, $"{run.Loss} against {plain.Loss}");
        Assert.True(run.With(corrected).Cosine.Value > run.With(plain).Cosine.Value);
        Assert.Null(run.OptimumDistance);
        Assert.All(result.Shifts.SelectMany(s => s.Points), p => Assert.Null(p.Expected));
    }

    [Fact]
    public void Run_InterruptedOrWithMoreSteps_ResumesToTheSameBytesAndFigures()
    {
        string whole = Path.Combine(_folder, "whole"), broken = Path.Combine(_folder, "broken");
        var expected = GradientDescentProbe.Run(Brief with { CheckpointFolder = whole });
        GradientDescentProbe.Run(Brief with { CheckpointFolder = broken, Steps = 12 });
        using (var stop = new CancellationTokenSource())
            Assert.ThrowsAny<OperationCanceledException>(() => GradientDescentProbe.Run(Brief with { CheckpointFolder = broken }, new Stop(stop, 0.4), stop.Token));

        var resumed = GradientDescentProbe.Run(Brief with { CheckpointFolder = broken });

        string[] files = [.. Directory.GetFiles(whole).Select(f => Path.GetFileName(f)!).Order()];
        Assert.Equal(["linear-L1-seed1.losses.safetensors", "linear-L1-seed1.safetensors"], files.Take(2));
        Assert.Equal(8, files.Length);
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(whole, file)), File.ReadAllBytes(Path.Combine(broken, file))));
        Assert.Equal(Show(expected), Show(resumed));
        Assert.Equal(Show(expected), Show(GradientDescentProbe.Run(Brief)));
        Assert.NotEqual(Show(expected), Show(GradientDescentProbe.Run(Brief with { Seed = 1 })));
    }

    [Fact]
    public void Run_FolderOfAnotherProtocol_IsRefused()
    {
        var options = Brief with { Softmax = null, Seeds = 1, CheckpointFolder = _folder };
        GradientDescentProbe.Run(options);

        Assert.Throws<ModelFormatException>(() => GradientDescentProbe.Run(options with { LearningRate = 0.02 }));
        Assert.Contains("beyond the last step", Assert.Throws<ModelFormatException>(() => GradientDescentProbe.Run(options with { Steps = 10 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_AnyOptions_ReportsAllProgress()
    {
        var seen = new List<double>();
        GradientDescentProbe.Run(Brief, new Heard(seen));

        Assert.Equal(seen.Order(), seen);
        Assert.Equal(1, seen[^1], 12);
    }

    public static TheoryData<string, GradientDescentOptions> Wrong => new()
    {
        { "Dimension", new() { Dimension = 0 } },
        { "Examples", new() { Examples = 257 } },
        { "Range", new() { Range = double.NaN } },
        { "Layers", new() { Layers = 9 } },
        { "Seeds", new() { Seeds = 0 } },
        { "Steps", new() { Steps = 0 } },
        { "BatchTasks", new() { BatchTasks = 0 } },
        { "LearningRate", new() { LearningRate = 0 } },
        { "ClipNorm", new() { ClipNorm = 0 } },
        { "InitialVariance", new() { InitialVariance = double.PositiveInfinity } },
        { "TestTasks", new() { TestTasks = 99 } },
        { "SearchTasks", new() { SearchTasks = 0 } },
        { "ShiftFactors", new() { ShiftFactors = [1, 1] } },
        { "ShiftFactors", new() { ShiftFactors = [] } },
        { "Width", new() { Softmax = new SoftmaxOptions { Width = 10, Heads = 4 } } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Run_OptionOutOfRange_IsRefusedByName(string name, GradientDescentOptions options) =>
        Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(() => GradientDescentProbe.Run(options)).ParamName);

    private static void AssertOneStep(GradientDescentResult result, GradientDescentRun run)
    {
        var alignment = run.With(result.Steps);
        Assert.InRange(run.Loss.Value, 0.97 * result.Optimum.Loss, 1.03 * result.Optimum.Loss);
        Assert.True(alignment.Cosine.Interval.Low > 0.99, $"{alignment.Cosine}");
        Assert.InRange(alignment.ExcessLoss.Value, -0.01 * result.Optimum.Loss, 0.02 * result.Optimum.Loss);
        Assert.Equal([0, 0.25, 0.5, 0.75, 1], run.Interpolation.Select(p => p.Share));
        Assert.All(run.Interpolation, p => Assert.InRange(p.Loss.Value, result.Steps.Loss.Value - 1e-3, run.Loss.Value + 1e-3)); // flat
        Assert.All(result.Construction, c => Assert.InRange(Math.Max(c.GradientDescent, c.PlusPlus), 0, 1e-5));
    }

    /// <summary>Other weights and queries change nothing; larger inputs make every step too long, smaller ones too short.</summary>
    private static void AssertShifts(GradientDescentResult result)
    {
        Assert.Equal(Enum.GetValues<TaskShift>(), result.Shifts.Select(s => s.Shift));
        foreach (var point in result.Shifts.Where(s => s.Shift != TaskShift.Covariate).SelectMany(s => s.Points))
        {
            Assert.Equal(result.Optimum.Loss / result.Optimum.NullLoss, point.Expected!.Value, 12);
            Assert.Equal(point.Expected.Value, point.Trained.Value, 0.05);
        }
        var covariate = result.Shifts.Single(s => s.Shift == TaskShift.Covariate).Points.ToDictionary(p => p.Factor);
        Assert.True(covariate[0.5].Trained.Interval.Low > covariate[1].Trained.Interval.High);
        Assert.True(covariate[2].Trained.Interval.Low > 1); // harm
        Assert.All(covariate.Values, p => Assert.Equal(p.Expected!.Value, p.Trained.Value, 0.1 * p.Expected.Value));
        Assert.All(covariate.Values, p => Assert.Equal(0, p.LeastSquares.Value));
    }

    private static string Show(GradientDescentResult result)
    {
        var text = new StringBuilder();
        foreach (var run in result.Runs.Concat(result.Softmax)) text.AppendJoin(' ', [run.Loss, .. run.Curve.Select(p => p.Loss), .. run.Alignments.SelectMany(a => new[] { a.Cosine, a.ExcessLoss, a.GradientDifference })]);
        foreach (var point in result.Shifts.SelectMany(s => s.Points)) text.AppendJoin(' ', point.Trained, point.Softmax, point.GradientDescent);
        return text.ToString();
    }

    private sealed class Stop(CancellationTokenSource source, double at) : IProgress<double>
    {
        public void Report(double value)
        {
            if (value >= at) source.Cancel();
        }
    }

    private sealed class Heard(List<double> values) : IProgress<double>
    {
        public void Report(double value) => values.Add(value);
    }
}
