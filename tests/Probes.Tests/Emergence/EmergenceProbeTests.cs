using System.Text;
using MlNetIcl.Models;
using MlNetIcl.Testing;

namespace MlNetIcl.Probes.Tests.Emergence;

public class EmergenceProbeTests
{
    private static readonly EmergenceOptions Short = new() { Sizes = [new(2, 16, 2)], Seeds = 1, Steps = 100, Every = 25, Seed = 4 };

    [Fact]
    public void Train_OneSeed_TwoLayersFormInductionHeadsAndOneDoesNot()
    {
        var result = EmergenceProbe.Train(new EmergenceOptions { Seeds = 1, Steps = 400, Every = 40 });

        AssertFormed(result, 1);
        var run = result.Groups[0].Runs[0];
        Assert.Equal(Enumerable.Range(0, 11).Select(i => 40 * i), run.Points.Select(p => p.Step));
        Assert.InRange(run.Change!.Midpoint.Step, 100, 350);
        Assert.True(run.Change.Onset.Step < run.Change.Midpoint.Step && run.Change.Midpoint.Step < run.Change.Completion.Step);
        Assert.Equal(Math.Log(64), run.Points[0].Losses.SecondRepeat, 0.3);
        Assert.True(run.Points[^1].Losses.CopyAccuracy > 0.9);
        Assert.True(run.Points[^1].Losses.InContextLearningScore < -3);
    }

    [Fact]
    [Trait("Category", "Long")]
    public void Train_FiveSeeds_TwoLayersFormInductionHeadsInAllAndOneLayerInNone() => AssertFormed(EmergenceProbe.Train(), 5);

    /// <summary>The curve of a run is what the detector says of the model at its end, on the same sequences.</summary>
    [Fact]
    public void Train_LastPoint_IsTheDetectorsOnTheSavedModel()
    {
        using var folder = new Folder();
        var last = EmergenceProbe.Train(Short with { CheckpointFolder = folder.Path }).Groups[0].Runs[0].Points[^1];
        using var model = ModelArchive.Load(Path.Combine(folder.Path, "L2-d16-h2-seed4001", "step-000100.safetensors"));

        var detection = HeadDetector.Detect(model, new HeadDetectionOptions { Sequences = Short.Sequences, Seed = Short.Seed, Losses = true });

        Assert.Equal(detection.Heads.Max(h => h.Induction.Difference!.Value), last.Induction, 1e-9);
        Assert.Equal(detection.Heads.Max(h => h.PreviousToken.Difference!.Value), last.PreviousToken, 1e-9);
        Assert.Equal(detection.Losses!.SecondRepeat, last.Losses.SecondRepeat, 1e-9);
        Assert.Equal(detection[last.InductionHead.Layer, last.InductionHead.Head].Copying, last.Copying);
    }

    [Fact]
    public void Train_InterruptedAndResumed_SameBytesAndSameResult()
    {
        using Folder whole = new(), broken = new();
        var expected = EmergenceProbe.Train(Short with { CheckpointFolder = whole.Path });
        using (var stop = new CancellationTokenSource())
            Assert.ThrowsAny<OperationCanceledException>(() => EmergenceProbe.Train(Short with { CheckpointFolder = broken.Path }, new Stop(stop, 0.5), stop.Token));
        Assert.False(File.Exists(Path.Combine(broken.Path, "L2-d16-h2-seed4001", "step-000100.safetensors")));

        var resumed = EmergenceProbe.Train(Short with { CheckpointFolder = broken.Path });

        string[] files = [.. Directory.GetFiles(whole.Path, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(whole.Path, f)).Order()];
        Assert.Equal(6, files.Length); // five checkpoints and the state
        Assert.All(files, f => Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Path, f)), File.ReadAllBytes(Path.Combine(broken.Path, f))));
        Assert.Equal(Show(expected), Show(resumed));
        Assert.Equal(Show(expected), Show(EmergenceProbe.Train(Short)));
        Assert.NotEqual(Show(expected), Show(EmergenceProbe.Train(Short with { Seed = 5 })));
    }

    [Fact]
    public void OfCheckpoints_FolderOfARun_GivesItsCurve()
    {
        using var folder = new Folder();
        var trained = EmergenceProbe.Train(Short with { CheckpointFolder = folder.Path });

        var read = EmergenceProbe.OfCheckpoints(Path.Combine(folder.Path, "L2-d16-h2-seed4001"), new EmergenceOptions { Seed = 4 });

        Assert.Equal(Show(trained), Show(read));
        Assert.Equal(("L2-d16-h2-seed4001", null, new EmergenceSize(2, 16, 2)), (read.Groups[0].Runs[0].Name, read.TokensPerStep, read.Groups[0].Size));
    }

    [Fact]
    public void Train_ResumedWithOtherSteps_IsRefused()
    {
        using var folder = new Folder();
        EmergenceProbe.Train(Short with { CheckpointFolder = folder.Path });

        var error = Assert.Throws<ModelFormatException>(() => EmergenceProbe.Train(Short with { Every = 10, CheckpointFolder = folder.Path }));
        Assert.Contains("step-000010", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OfCheckpoints_BadFolders_AreRefused()
    {
        using var folder = new Folder();
        Assert.Throws<DirectoryNotFoundException>(() => EmergenceProbe.OfCheckpoints(Path.Combine(folder.Path, "missing")));
        Assert.Contains("step-500", Assert.Throws<ArgumentException>(() => EmergenceProbe.OfCheckpoints(folder.Path)).Message, StringComparison.Ordinal);
        foreach (string name in new[] { "step-5", "step-005" }) Directory.CreateDirectory(Path.Combine(folder.Path, name));
        Assert.Contains("both of step 5", Assert.Throws<ArgumentException>(() => EmergenceProbe.OfCheckpoints(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OfCheckpoints_FilesOfOtherModels_AreRefusedByName()
    {
        using var folder = new Folder();
        string At(string name) => Path.Combine(folder.Path, name);
        using (var trainer = EmergenceProbe.Trainer(new(1, 16, 2), 1))
        using (var model = trainer.ToModel())
        {
            ModelArchive.Save(model, At("step-1.safetensors"));
            trainer.Save(At("step-2.safetensors"));
        }
        ModelFormatException Refused() => Assert.ThrowsAny<ModelFormatException>(() => EmergenceProbe.OfCheckpoints(folder.Path));

        Assert.Contains("step-2.safetensors", Refused().Message, StringComparison.Ordinal); // a trainer's state
        using (var model = RandomModels.Create(new DecoderConfig { Layers = 1, DModel = 16, Heads = 2, Vocabulary = 65, Context = 64, Positions = PositionEncoding.Shortformer, BosTokenId = 0 })) ModelArchive.Save(model, At("step-2.safetensors"));
        Assert.Contains("vocabulary of 65, but the first checkpoint one of 64", Refused().Message, StringComparison.Ordinal);
        using (var model = RandomModels.Create(new DecoderConfig { Layers = 2, DModel = 16, Heads = 2, Vocabulary = 64, Context = 64, Positions = PositionEncoding.Shortformer, BosTokenId = 0 })) ModelArchive.Save(model, At("step-2.safetensors"));
        Assert.Contains("not of one training", Refused().Message, StringComparison.Ordinal);
        File.WriteAllText(At("step-2.safetensors"), "half");
        Assert.Contains("step-2.safetensors", Refused().Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unembed.weight")]
    [InlineData("blocks.0.attn.qkv.weight")]
    public void OfCheckpoints_WeightsThatAreNoNumbers_AreRefusedByName(string weight)
    {
        using var folder = new Folder();
        foreach (int step in new[] { 1, 2 })
        {
            using var model = RandomModels.Create(new DecoderConfig { Layers = 1, DModel = 16, Heads = 2, Vocabulary = 64, Context = 64, Positions = PositionEncoding.Shortformer, BosTokenId = 0 });
            if (step == 2) Diverge(model, weight);
            ModelArchive.Save(model, Path.Combine(folder.Path, $"step-{step}.safetensors"));
        }

        var error = Assert.Throws<ModelFormatException>(() => EmergenceProbe.OfCheckpoints(folder.Path));
        Assert.Contains("step-2.safetensors", error.Message, StringComparison.Ordinal);
    }

    private static void Diverge(LanguageModel model, string weight)
    {
        using var noGradients = TorchSharp.torch.no_grad();
        model.Weights.Named().Single(w => w.Name == weight).Value.fill_(float.NaN);
    }

    [Fact]
    public void OfCheckpoints_WhatIsNoCheckpoint_IsLeftOut()
    {
        using var folder = new Folder();
        var trained = EmergenceProbe.Train(Short with { CheckpointFolder = folder.Path });
        string run = Path.Combine(folder.Path, "L2-d16-h2-seed4001");
        Directory.CreateDirectory(Path.Combine(run, "logs"));
        File.WriteAllText(Path.Combine(run, "notes-7.txt"), "no model");

        Assert.Equal(Show(trained), Show(EmergenceProbe.OfCheckpoints(run, new EmergenceOptions { Seed = 4 })));
    }

    [Fact]
    public void Validate_OutOfRange_NamesTheSetting()
    {
        Assert.Contains("Steps", Assert.Throws<ArgumentOutOfRangeException>(() => new EmergenceOptions { Steps = 99 }.Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("Width", Assert.Throws<ArgumentOutOfRangeException>(() => new EmergenceOptions { Sizes = [new(2, 66, 4)] }.Validate()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Claim_TwoLengths_DependsOnTheLength()
    {
        // Midpoint at step 200 in both runs: 40 % of 500 steps, 20 % of 1,000.
        int[] steps = [.. Enumerable.Range(0, 51).Select(i => 20 * i)];
        double[][][] differences = [.. steps.Select(s => new double[][] { [.. Enumerable.Repeat(s < 200 ? 0.0 : s == 200 ? 0.45 : 0.9, 16)] })];
        var run = new EmergenceRun { Name = "seed 1", Points = [.. steps.Select(Point)], Change = null, InductionHeads = [new(1, 0)], PreviousTokenHeads = [], Differences = differences };
        var group = new EmergenceGroup { Size = new(2, 64, 4), Runs = [run, run], Change = null };
        var result = new EmergenceResult { Groups = [group], Options = new(), TokensPerStep = 2048, Protocol = new SequenceProtocol { Source = HeadScoreSource.Generated, Sequences = 16, Seed = 0, BosSource = "none" } };

        var finding = EmergenceClaim.Find(result, [500, 1000]);

        Assert.Equal(ClaimVerdict.Depends, finding.Verdict);
        Assert.Equal([40, 20], finding.Figures.Take(2).Select(f => Math.Round(f.Value, 6)));
        Assert.Equal(ClaimVerdict.Reproduced, EmergenceClaim.Find(result, [1000]).Verdict);
        Assert.Equal(ClaimVerdict.Refuted, EmergenceClaim.Find(result, [500]).Verdict);
    }

    private static EmergencePoint Point(int step) => new() { Step = step, Induction = 0, InductionHead = new(0, 0), PreviousToken = 0, Losses = new RepetitionLosses { ByPosition = [1], FirstRepeat = 1, SecondRepeat = 1 } };

    private static void AssertFormed(EmergenceResult result, int seeds)
    {
        Assert.Equal([(2, seeds, seeds), (1, 0, seeds)], result.Groups.Select(g => (g.Size.Layers, g.Formed, g.Runs.Count)));
        Assert.All(result.Groups[0].Runs, r => Assert.All(r.InductionHeads, h => Assert.Equal(1, h.Layer)));
        Assert.All(result.Groups[0].Runs, r => Assert.NotNull(r.Change));
        Assert.All(result.Groups[1].Runs, r => Assert.Null(r.Change));
    }

    private static string Show(EmergenceResult result)
    {
        var text = new StringBuilder();
        foreach (var run in result.Groups.SelectMany(g => g.Runs))
        {
            text.AppendLine($"{run.Change}");
            foreach (var p in run.Points) text.AppendLine($"{p.Step} {p.Induction:R} {p.InductionHead} {p.PreviousToken:R} {p.Copying:R} {string.Join(' ', p.Losses.ByPosition)} {p.Losses.CopyAccuracy}");
        }
        return text.ToString();
    }

    private sealed class Stop(CancellationTokenSource source, double at) : IProgress<double>
    {
        public void Report(double value)
        {
            if (value >= at) source.Cancel();
        }
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("emergence").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
