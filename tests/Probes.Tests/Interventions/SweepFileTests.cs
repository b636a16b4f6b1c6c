using MlNetIcl.Models;
using MlNetIcl.Testing;

namespace MlNetIcl.Probes.Tests.Interventions;

public sealed class SweepFileTests : IDisposable
{
    private static readonly PatchMetric Loss = PatchMetric.Loss(2, 8);

    private static readonly Dictionary<string, Func<LanguageModel, SweepOptions, IProgress<double>?, CancellationToken, double[]>> Sweeps = new()
    {
        ["activation patching"] = (model, options, progress, stop) =>
            [.. ActivationPatching.Run(model, Pairs.Clean, Pairs.Corrupted, SiteKind.Z, Pairs.Metric, perPosition: true, options: options, progress: progress, cancellationToken: stop).Effects.Select(e => e.Value)],
        ["ablation, zero"] = Ablate(AblationKind.Zero),
        ["ablation, mean"] = Ablate(AblationKind.Mean),
        ["ablation, mean per position"] = Ablate(AblationKind.MeanPerPosition),
        ["ablation, resample"] = Ablate(AblationKind.Resample),
        ["knock-out"] = (model, options, progress, stop) => [.. AttentionKnockout.Run(
            model, Pairs.Clean, [.. Enumerable.Range(1, 8).SelectMany(query => Enumerable.Range(0, 3).Select(layer => (AttentionEdge[])[new(layer, null, query, 0)]))], Pairs.Metric, options, progress, stop).Patched.SelectMany(p => p)],
        ["path patching"] = (model, options, progress, stop) => [.. PathPatching.Run(
            model, Pairs.Clean, Pairs.Corrupted, [.. PathPatching.ReceiversAfter(new PathSender(0, 1), model.Config).Select(r => (PathEdge[])[new(new PathSender(0, 1), r)])], Pairs.Metric, options, progress, stop).Values],
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("mlneticl-tests-").FullName;

    public static TheoryData<string> Kinds => [.. Sweeps.Keys];

    private string Results => Path.Combine(_folder, "sweep.txt");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Run_CutAnywhereAndResumed_GivesTheSameBytes(string kind)
    {
        using var model = Pairs.Model("serial");
        var (sweep, plain) = (Sweeps[kind], new SweepOptions { MaxStack = 3 });
        var options = plain with { ResultsFile = Results };
        double[] whole = sweep(model, options, null, default);
        byte[] bytes = File.ReadAllBytes(Results);
        Assert.Equal(sweep(model, plain, null, default), whole);
        Assert.True(whole.Max() - whole.Min() > 1e-3);

        foreach (int length in (int[])[0, 1, bytes.Length / 5, bytes.Length / 2, bytes.Length - 2, bytes.Length - 1, bytes.Length, .. Lines(bytes).Take(3)])
        {
            File.WriteAllBytes(Results, bytes[..length]);
            Assert.Equal(whole, sweep(model, options, null, default));
            Assert.Equal(bytes, File.ReadAllBytes(Results));
        }
        int last = Lines(bytes).TakeLast(2).First();
        File.WriteAllBytes(Results, [.. bytes[..last], .. Enumerable.Repeat((byte)'9', bytes.Length - last + 10)]); // torn, and of other values
        Assert.Equal(whole, sweep(model, options, null, default));
        Assert.Equal(bytes, File.ReadAllBytes(Results));
        File.Delete(Results);
        for (int stacks = 1; stacks < 4; stacks++)
        {
            using var source = new CancellationTokenSource();
            var stop = new StopAfter(stacks, source);
            Assert.Throws<OperationCanceledException>(() => sweep(model, options, stop, source.Token));
            Assert.Equal(stacks + 1, Lines(File.ReadAllBytes(Results)).Count()); // the head and what was done
        }
        Assert.Equal(whole, sweep(model, options, null, default));
        Assert.Equal(bytes, File.ReadAllBytes(Results));
    }

    [Fact]
    public void Run_AllStacksInTheFile_ComputesNoneAndReadsThem()
    {
        using var model = Pairs.Model("serial");
        int calls = 0;
        Patch[] patches = [.. Enumerable.Range(0, 3).Select(layer => new Patch(new SiteEdit(Site.Z(layer), z => { calls++; z.zero_(); })) { Identity = $"{layer}" })];
        var options = new SweepOptions { ResultsFile = Results, MaxStack = 1 };
        var first = PatchSweep.Run(model, Pairs.Clean, patches, Loss, options);
        Assert.Equal(3, calls);
        var shares = new Shares();
        var second = PatchSweep.Run(model, Pairs.Clean, patches, Loss, options, shares);
        Assert.Equal(3, calls);
        Assert.Equal(first.Patched, second.Patched);
        Assert.Equal(1, shares.Last);
        // What counts is what the file says, to the last bit.
        string[] lines = File.ReadAllLines(Results);
        lines[2] = "1 NaN 1.0000000000000002";
        File.WriteAllLines(Results, lines);
        Assert.Equal([double.NaN, 1.0000000000000002], PatchSweep.Run(model, Pairs.Clean, patches, Loss, options).Patched[1]);
    }

    [Fact]
    public void Run_AnotherSweep_IsRefusedByName()
    {
        using var model = Pairs.Model("serial");
        using var other = RandomModels.Create(Pairs.Serial, seed: 2);
        void Run(LanguageModel with, TokenBatch clean, TokenBatch corrupted, SiteKind kind, PatchMetric metric, int stack = 3) =>
            ActivationPatching.Run(with, clean, corrupted, kind, metric, options: new SweepOptions { ResultsFile = Results, MaxStack = stack });
        Run(model, Pairs.Clean, Pairs.Corrupted, SiteKind.Z, Loss);
        byte[] bytes = File.ReadAllBytes(Results);

        Refused("model", () => Run(other, Pairs.Clean, Pairs.Corrupted, SiteKind.Z, Loss));
        Refused("tokens", () => Run(model, Pairs.Clean, Pairs.Clean, SiteKind.Z, Loss));
        Refused("patches", () => Run(model, Pairs.Corrupted, Pairs.Corrupted, SiteKind.Z, Loss));
        Refused("patches", () => Run(model, Pairs.Clean, Pairs.Corrupted, SiteKind.Query, Loss));
        Refused("metric", () => Run(model, Pairs.Clean, Pairs.Corrupted, SiteKind.Z, PatchMetric.Loss(2, 7)));
        Refused("stacking", () => Run(model, Pairs.Clean, Pairs.Corrupted, SiteKind.Z, Loss, stack: 2));
        File.WriteAllText(Results, "dear diary\n");
        bytes = File.ReadAllBytes(Results);
        Refused("no results of a sweep", () => Run(model, Pairs.Clean, Pairs.Corrupted, SiteKind.Z, Loss));

        void Refused(string part, Action run)
        {
            Assert.Contains(part, Assert.Throws<InvalidDataException>(run).Message, StringComparison.Ordinal);
            Assert.Equal(bytes, File.ReadAllBytes(Results));
        }
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(30)] // edges are estimated first
    public void TraceCopying_CutAnywhereAndResumed_GivesTheSameCircuit(int mostPatched)
    {
        using var model = LanguageModel.LoadEmbedded();
        var sequences = RepeatedSequences.Generate(model, 4, period: 6);
        var options = new CircuitOptions { Threshold = 0.1, MaxPatchedEdges = mostPatched, RandomCircuits = 2, Sweep = new SweepOptions { MaxStack = 8 } };
        var whole = CircuitTracer.TraceCopying(model, sequences, options);
        options = options with { ResultsFile = Results };
        Same(CircuitTracer.TraceCopying(model, sequences, options));
        byte[] bytes = File.ReadAllBytes(Results);
        int[] lines = [.. Lines(bytes)];
        Assert.True(whole.Edges.Count > 3 && lines.Length > 12);

        foreach (int length in (int[])[0, 1, lines[0], lines[1] - 3, lines[1], lines[^1] / 2, lines[^3], bytes.Length - 1, bytes.Length])
        {
            File.WriteAllBytes(Results, bytes[..length]);
            Same(CircuitTracer.TraceCopying(model, sequences, options));
            Assert.Equal(bytes, File.ReadAllBytes(Results));
        }
        // What the file holds is not computed again: changed values change the circuit.
        File.WriteAllText(Results, string.Join('\n', File.ReadAllLines(Results).Select((line, i) => i < lines.Length - 1 ? line : $"{line[..line.IndexOf(' ', StringComparison.Ordinal)]} 7 7 7 7")) + "\n");
        Assert.NotEqual(whole.Evaluation!.Random, CircuitTracer.TraceCopying(model, sequences, options).Evaluation!.Random);

        void Same(Circuit circuit)
        {
            Assert.Equal(whole.Edges, circuit.Edges);
            Assert.Equal(whole.Evaluation, circuit.Evaluation);
            Assert.Equal((whole.PatchedEdges, whole.ScreenedEdges), (circuit.PatchedEdges, circuit.ScreenedEdges));
        }
    }

    [Fact]
    public void TraceCopying_AnotherSearch_IsRefusedByName()
    {
        using var model = LanguageModel.LoadEmbedded();
        var options = new CircuitOptions { Threshold = 0.3, RandomCircuits = 0, ResultsFile = Results };
        var sequences = RepeatedSequences.Generate(model, 2, period: 5);
        CircuitTracer.TraceCopying(model, sequences, options);
        byte[] bytes = File.ReadAllBytes(Results);

        Refused("another options", sequences, options with { Threshold = 0.2 });
        Refused("another stacking", sequences, options with { Sweep = new SweepOptions { MaxStack = 2 } });
        Refused("another tokens", RepeatedSequences.Generate(model, 2, period: 5, seed: 1), options);
        File.AppendAllText(Results, $"{Lines(bytes).Count() - 1} 1 2\n");
        bytes = File.ReadAllBytes(Results);
        Refused("damaged", sequences, options);
        ActivationPatching.Run(model, sequences.Tokens, sequences.Tokens, SiteKind.Z, Loss, options: new SweepOptions { ResultsFile = Results + ".sweep" });
        File.Copy(Results + ".sweep", Results, overwrite: true);
        bytes = File.ReadAllBytes(Results);
        Refused("no results of a circuit's search", sequences, options);

        void Refused(string part, RepeatedSequences rows, CircuitOptions with)
        {
            Assert.Contains(part, Assert.Throws<InvalidDataException>(() => CircuitTracer.TraceCopying(model, rows, with)).Message, StringComparison.Ordinal);
            Assert.Equal(bytes, File.ReadAllBytes(Results));
        }
    }

    [Fact]
    public void Run_AnotherAblation_IsRefused()
    {
        using var model = Pairs.Model("serial");
        var options = new AblationOptions { Sweep = new SweepOptions { ResultsFile = Results }, Kind = AblationKind.Resample };
        Ablation.OfHeads(model, Pairs.Clean, Loss, options: options);
        foreach (var changed in (AblationOptions[])[options with { Seed = 1 }, options with { Kind = AblationKind.Mean }, options with { KeepPatterns = true }, options with { Reference = Pairs.Corrupted }])
            Assert.Throws<InvalidDataException>(() => Ablation.OfHeads(model, Pairs.Clean, Loss, options: changed));
        Ablation.OfHeads(model, Pairs.Clean, Loss, options: options);
    }

    [Fact]
    public void Run_DamagedOrOverlongFile_IsRefused()
    {
        using var model = Pairs.Model("serial");
        void Run() => ActivationPatching.Run(model, Pairs.Clean, Pairs.Corrupted, SiteKind.Z, Loss, options: new SweepOptions { ResultsFile = Results, MaxStack = 4 });
        Run();
        string[] lines = File.ReadAllLines(Results);
        foreach (string line in (string[])["1 0.5", "1 a b c d e f g h", "2" + lines[2][1..], ""])
        {
            File.WriteAllLines(Results, [lines[0], lines[1], line, lines[3]]);
            Assert.Contains("line 3", Assert.Throws<InvalidDataException>(Run).Message, StringComparison.Ordinal);
        }
        File.WriteAllText(Results, lines[0] + "\n" + new string(' ', 1 << 20));
        Assert.Throws<InvalidDataException>(Run);
    }

    [Fact]
    public void Run_PatchWithoutIdentity_IsRefusedWithAFileAlone()
    {
        using var model = Pairs.Model("serial");
        Patch[] patches = [new(new SiteEdit(Site.Z(0), z => z.zero_()))];
        Assert.Contains("Identity", Assert.Throws<ArgumentException>(() => PatchSweep.Run(model, Pairs.Clean, patches, Loss, new SweepOptions { ResultsFile = Results })).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Results));
        Assert.Single(PatchSweep.Run(model, Pairs.Clean, patches, Loss).Patched);
    }

    private static Func<LanguageModel, SweepOptions, IProgress<double>?, CancellationToken, double[]> Ablate(AblationKind kind) => (model, options, progress, stop) =>
        [.. Ablation.OfHeads(model, Pairs.Clean, Loss, options: new AblationOptions { Kind = kind, Sweep = options }, progress: progress, cancellationToken: stop).Effects.SelectMany(e => e.Changes)];

    /// <summary>Where lines end.</summary>
    private static IEnumerable<int> Lines(byte[] bytes) => Enumerable.Range(0, bytes.Length).Where(i => bytes[i] == '\n').Select(i => i + 1);

    /// <summary>Cancels once a number of stacks was computed in all.</summary>
    private sealed class StopAfter(int stacks, CancellationTokenSource source) : IProgress<double>
    {
        private int _reports;

        public void Report(double value)
        {
            if (++_reports == stacks) source.Cancel();
        }
    }

    private sealed class Shares : IProgress<double>
    {
        public double Last { get; private set; }

        public void Report(double value) => Last = value;
    }
}
