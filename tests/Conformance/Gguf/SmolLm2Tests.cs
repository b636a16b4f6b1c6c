using System.Text.Json;
using System.Text.Json.Serialization;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Conformance.Gguf;

/// <summary>A model that people use, as it comes out of its file: texts against transformers, heads against what is known of it.</summary>
public sealed class SmolLm2Tests : IClassFixture<SmolLm2Tests.Loaded>
{
    /// <summary>Loads the model once, where it is at hand.</summary>
    public sealed class Loaded : IDisposable
    {
        public LanguageModel? Model { get; } = Path.Exists(ModelPath) ? LanguageModel.Load(ModelPath) : null;

        public static string ModelPath => Path.Combine(Fixtures.SharedRoot, "models", "smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf");

        public void Dispose() => Model?.Dispose();
    }

    private sealed record Expected(Case[] Cases);

    private sealed record Case(string Text, int[] Ids, string[] Tokens, double[] Nll,
        [property: JsonPropertyName("last_top5")] double[][] LastTop5, int[] Greedy, [property: JsonPropertyName("greedy_text")] string GreedyText);

    private static readonly JsonSerializerOptions s_json = new() { PropertyNameCaseInsensitive = true };
    private readonly LanguageModel _model;

    public SmolLm2Tests(Loaded loaded)
    {
        Fixtures.Shared("models", "smollm2");
        _model = loaded.Model!;
    }

    private static Case[] Cases => JsonSerializer.Deserialize<Expected>(File.ReadAllText(Fixtures.Shared("fixtures", "smollm2", "expected.json")), s_json)!.Cases;

    [SkippableFact]
    public void Tokenize_Texts_GivesTheIdsOfTransformers() => Assert.All(Cases, c =>
    {
        var text = _model.Tokenizer!.Tokenize(c.Text);
        Assert.Equal(c.Ids, text.Ids);
        Assert.Equal(c.Tokens.Select(token => token), text.Tokens);
        Assert.Equal(c.GreedyText, _model.Tokenizer.Decode(c.Greedy));
    });

    [SkippableFact]
    public void Run_Texts_GivesTheLossesOfTransformers()
    {
        foreach (var c in Cases)
        {
            using var result = _model.Run(new TokenBatch([c.Ids]), new ForwardPlan().TokenLosses());
            double[] losses = [.. result.TokenLosses!.to(ScalarType.Float64).data<double>()];
            Assert.All(c.Nll.Select((expected, i) => (expected, i)), nll => Assert.InRange(losses[nll.i], nll.expected - 1e-2, nll.expected + 1e-2));
        }
    }

    /// <summary>In one pass over text and continuation: greedy decoding goes the same way if every token of it is the best after those before.</summary>
    [SkippableFact]
    public void Run_Texts_ContinuesAsTransformersDoes()
    {
        foreach (var c in Cases)
        {
            using var scope = NewDisposeScope();
            using var result = _model.Run(new TokenBatch([[.. c.Ids, .. c.Greedy]]), new ForwardPlan().Capture(Site.Logits));
            var logits = result[Site.Logits][0].log_softmax(1);
            var (values, ids) = logits[c.Ids.Length - 1].topk(5);
            Assert.Equal(c.LastTop5.Select(pair => (long)pair[0]), ids.data<long>());
            Assert.All(values.data<float>().Zip(c.LastTop5), pair => Assert.InRange(pair.First, pair.Second[1] - 1e-2, pair.Second[1] + 1e-2));
            Assert.Equal(c.Greedy.Select(id => (long)id), logits.argmax(1).narrow(0, c.Ids.Length - 1, c.Greedy.Length).data<long>());
        }
    }

    /// <summary>The known values are of other random tokens and another period, which move a score by up to .05.</summary>
    [SkippableFact]
    [Trait("Category", "Long")]
    public void DetectHeads_OnGeneratedSequences_FindsTheKnownHeads()
    {
        var heads = HeadDetector.Detect(_model, new HeadDetectionOptions { Sequences = 16 }).Heads.ToDictionary(h => (h.Layer, h.Head));

        Assert.Equal((18, 6), heads.MaxBy(h => h.Value.Induction.Score).Key);
        Assert.Equal((16, 0), heads.MaxBy(h => h.Value.PreviousToken.Score).Key);
        Assert.All(new[] { ((18, 6), .86), ((17, 3), .71), ((17, 4), .68), ((18, 7), .59) }, known => Assert.InRange(heads[known.Item1].Induction.Score!.Value, known.Item2 - .06, known.Item2 + .06));
        Assert.All(new[] { ((16, 0), .89), ((11, 1), .84) }, known => Assert.InRange(heads[known.Item1].PreviousToken.Score!.Value, known.Item2 - .03, known.Item2 + .03));
    }
}
