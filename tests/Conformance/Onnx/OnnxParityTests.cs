using MlNetIcl.Models;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Probes;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Conformance.Onnx;

/// <summary>Exported graphs against what transformers computes of the same models with eager attention.</summary>
public sealed class OnnxParityTests
{
    private const double Tolerance = 1e-4;

    public static TheoryData<string> Decoders =>
        ["gpt2-torchscript", "gpt2-dynamo", "gpt2-past", "gpt2-optimized", "gpt2-fused", "llama-torchscript", "llama-dynamo"];

    [Theory]
    [MemberData(nameof(Decoders))]
    public void Run_OfAnExport_EqualsTransformers(string name)
    {
        using var model = LanguageModel.Load(Fixtures.Path("onnx", name + ".onnx"));
        using var expected = SafetensorsFile.Open(Fixtures.Path("onnx", $"expected-{name}.safetensors"));
        using var scope = NewDisposeScope();
        Assert.Equal((2, 4, 96), (model.Config.Layers, model.Config.Heads, model.Config.Vocabulary));
        foreach (string prefix in (string[])["", "ragged."])
        {
            var rows = Rows(expected.Read(prefix + "tokens"), expected.Read(prefix + "mask"));
            Assert.Equal(prefix.Length == 0, rows.IsRectangular);
            using var result = model.Run(rows, new ForwardPlan().Capture(Site.Pattern(0), Site.Pattern(1), Site.Logits));
            for (int row = 0; row < rows.Count; row++)
            {
                int length = rows[row].Length;
                Close(expected.Read(prefix + "logits")[row].narrow(0, 0, length), result[Site.Logits][row].narrow(0, 0, length), $"{prefix}logits of row {row}");
                for (int layer = 0; layer < 2; layer++)
                    Close(Valid(expected.Read($"{prefix}attn.{layer}")), Valid(result[Site.Pattern(layer)]), $"{prefix}attention of layer {layer}, row {row}");

                Tensor Valid(Tensor pattern) => pattern[row].narrow(1, 0, length).narrow(2, 0, length);
            }
        }
    }

    [SkippableFact]
    public void Detect_OneModelInTwoFormats_HasTheSameScores()
    {
        using var folder = LanguageModel.Load(Fixtures.Shared("fixtures", "triple", "hf"));
        using var graph = LanguageModel.Load(Fixtures.Shared("fixtures", "triple", "model.onnx"));
        var rows = new TokenBatch(System.Text.Json.JsonSerializer.Deserialize<int[][]>(File.ReadAllText(Fixtures.Shared("fixtures", "triple", "tokens.json")))!);
        // Rows of text, and rows that repeat.
        foreach (var batch in (TokenBatch[])[rows, RepeatedSequences.Generate(folder, 16, 12).Tokens])
        {
            var (expected, actual) = (HeadDetector.Detect(folder, batch, new() { Entropy = true }), HeadDetector.Detect(graph, batch, new() { Entropy = true }));
            Assert.Equal(expected.Heads.Count, actual.Heads.Count);
            foreach (var (e, a) in expected.Heads.Zip(actual.Heads))
            {
                Assert.Equal(e.Induction.Score!.Value, a.Induction.Score!.Value, Tolerance);
                Assert.Equal(e.PreviousToken.Score!.Value, a.PreviousToken.Score!.Value, Tolerance);
                Assert.Equal(e.DuplicateToken.Score!.Value, a.DuplicateToken.Score!.Value, Tolerance);
                Assert.Equal(e.Entropy!.Value, a.Entropy!.Value, Tolerance);
                Assert.Equal(e.Induction.Verdict, a.Induction.Verdict);
                Assert.NotNull(e.Copying);
                Assert.Null(a.Copying); // weights have no names in a graph
            }
        }
    }

    private static TokenBatch Rows(Tensor tokens, Tensor mask) => new([.. Enumerable.Range(0, (int)tokens.shape[0])
        .Select(row => tokens[row].to_type(ScalarType.Int64).data<long>().Take((int)mask[row].to_type(ScalarType.Int64).sum().item<long>()).Select(id => (int)id).ToArray())]);

    private static void Close(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        float error = (expected - actual).abs().max().item<float>();
        Assert.True(error <= Tolerance, $"{what}: off by {error}");
    }
}
