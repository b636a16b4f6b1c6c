using MlNetIcl.Models;
using MlNetIcl.Probes.Tests.Interventions;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.Circuits;

public sealed class CircuitPatchingTests
{
    private static readonly DecoderConfig LearnedPositions = Pairs.Parallel with { ParallelResidual = false, Heads = 4, KeyHeads = 2 };

    public static TheoryData<string> Models => Pairs.Names;

    [Theory]
    [MemberData(nameof(Models))]
    public void Run_AllEdgesOrNone_IsTheCleanOrTheCorruptedRun(string name)
    {
        using var model = Pairs.Model(name);
        var expected = ActivationPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [new PatchSlot(SiteKind.Z, 0)], Pairs.Metric);

        var result = CircuitPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [PathPatching.AllEdges(model.Config), []], Pairs.Metric);

        for (int row = 0; row < Pairs.Clean.Count; row++)
        {
            Assert.Equal(expected.CleanValues[row], result.Full[row], 1e-4);
            Assert.Equal(expected.CorruptedValues[row], result.Empty[row], 1e-5);
        }
        Assert.Equal(result.Full, result.Values[0]);
        Assert.Equal(result.Empty, result.Values[1]);
        Assert.Equal(1, result.Faithfulness(0)); // exactly
        Assert.Equal(0, result.Faithfulness(1));
        Assert.True(Math.Abs(expected.Clean - expected.Corrupted) > 0.1);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Run_AllEdgesButOne_IsPathPatchingOfThatOneInTheCleanRun(string name)
    {
        using var model = Pairs.Model(name);
        var all = PathPatching.AllEdges(model.Config);
        var expected = PathPatching.Run(model, clean: Pairs.Corrupted, corrupted: Pairs.Clean, [.. all.Select(e => (PathEdge[])[e])], Pairs.Metric);

        var actual = CircuitPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [.. all.Select(left => all.Where(e => e != left).ToArray())], Pairs.Metric);

        for (int i = 0; i < all.Count; i++)
            for (int row = 0; row < Pairs.Clean.Count; row++)
                Assert.True(Math.Abs(expected.RowValues[i][row] - actual.Values[i][row]) < 2e-4, $"{all[i]}: {expected.RowValues[i][row]} and {actual.Values[i][row]}");
        double[] changes = [.. actual.Values.Select(v => v.Average() - actual.Full.Average())];
        Assert.True(changes.Max() - changes.Min() > 0.1);
    }

    [Theory]
    [InlineData("attention only", 0.5)]
    [InlineData("attention only", 0.9)]
    [InlineData("learned positions", 0.5)]
    [InlineData("learned positions", 0.9)]
    [InlineData("learned positions", 0.1)]
    public void Run_RandomCircuits_EqualTheSumOverEdgesSpelledOut(string name, double share)
    {
        using var model = name == "learned positions" ? RandomModels.Create(LearnedPositions) : Pairs.Model(name);
        var random = new Random(5);
        PathEdge[][] circuits = [.. Enumerable.Range(0, 4).Select(_ => PathPatching.AllEdges(model.Config).Where(_ => random.NextDouble() < share).ToArray())];

        var result = CircuitPatching.Run(model, Pairs.Clean, Pairs.Corrupted, circuits, Pairs.Metric);

        using var scope = NewDisposeScope();
        for (int i = 0; i < circuits.Length; i++)
        {
            var last = new NaiveCircuit(model, Pairs.Clean, Pairs.Corrupted, circuits[i]).Logits().select(1, -1);
            float[] expected = (last.select(1, 3) - last.select(1, 7)).data<float>().ToArray();
            for (int row = 0; row < expected.Length; row++) Assert.Equal(expected[row], result.Values[i][row], 2e-4);
        }
    }

    [Fact]
    public void Run_EdgeWithoutASourceOfItsOwn_CarriesNothingNew()
    {
        using var model = Pairs.Model("serial");
        PathEdge[] deaf = [new(new PathSender(1, 0), new PathReceiver(PathInput.Logits)), new(new PathSender(0, null), new PathReceiver(PathInput.Mlp, 2))];
        var result = CircuitPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [deaf], Pairs.Metric);
        Assert.Equal(result.Empty, result.Values[0]);
    }

    [Fact]
    public void Run_MetricOfEachRowsTokens_ReadsTheCleanRowsTargets()
    {
        using var model = Pairs.Model("attention only");
        var result = CircuitPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [], PatchMetric.Loss(8, 8));
        using var run = model.Run(Pairs.Corrupted, new ForwardPlan().Capture(Site.Logits));
        using var losses = -run[Site.Logits].select(1, 7).log_softmax(-1);
        for (int row = 0; row < Pairs.Clean.Count; row++) Assert.Equal(losses[row, Pairs.Clean[row][8]].item<float>(), result.Empty[row], 1e-4);
    }

    [Fact]
    public void Run_WhatDoesNotFit_IsRefused()
    {
        using var model = Pairs.Model("attention only");
        var noMlp = new PathEdge(PathSender.Embedding, new PathReceiver(PathInput.Mlp, 0));
        Assert.Throws<ArgumentException>(() => CircuitPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [[noMlp]], Pairs.Metric));
        Assert.Throws<InvalidTokensException>(() => CircuitPatching.Run(model, Pairs.Clean, new TokenBatch([[1, 2]]), [], Pairs.Metric));
        Assert.Throws<OperationCanceledException>(() => CircuitPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [], Pairs.Metric, cancellationToken: new CancellationToken(true)));
    }

    [Fact]
    public void Run_WeightsThatAreNoNumbers_SaysSo()
    {
        using var model = Pairs.Model("attention only");
        model.Weights.Unembedding.fill_(float.NaN);
        Assert.Throws<ModelFormatException>(() => CircuitPatching.Run(model, Pairs.Clean, Pairs.Corrupted, [], Pairs.Metric));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void AllEdges_AnyModel_HasEachPathOnce(string name)
    {
        using var model = Pairs.Model(name);
        var config = model.Config;
        int senders = 0, edges = 0;
        for (int layer = 0; layer < config.Layers; layer++)
        {
            edges += (1 + senders) * (config.Heads + (2 * config.KeyHeads));
            if (config.DMlp > 0) edges += 1 + senders + (config.ParallelResidual ? 0 : config.Heads);
            senders += config.Heads + (config.DMlp > 0 ? 1 : 0);
        }
        edges += 1 + senders; // the logits

        var all = PathPatching.AllEdges(config);

        Assert.Equal(edges, all.Count);
        Assert.Equal(edges, all.Distinct().Count());
    }
}
