using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Tests.Onnx;

/// <summary>Graphs written in the ways of several exporters, against the decoder that they were written from.</summary>
public sealed class ExportTests : IDisposable
{
    private static readonly DecoderConfig Config = new()
    {
        Layers = 3,
        DModel = 24,
        Heads = 4,
        KeyHeads = 2,
        DHead = 8,
        DMlp = 40,
        Vocabulary = 31,
        Context = 20,
        Positions = PositionEncoding.Learned,
        Activation = ActivationKind.GeluTanh,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, OnnxStyle> Styles => new()
    {
        { "plain", new() },
        { "with a mask", new() { Mask = true } },
        { "opset 11, decomposed norms", new() { Opset = 11, Mask = true } },
        { "opset 12", new() { Opset = 12 } },
        { "opset 21", new() { Opset = 21 } },
        { "empty rows guarded", new() { Attention = "guarded" } },
        { "masked by Where", new() { Attention = "where", Mask = true } },
        { "einsum", new() { Attention = "einsum" } },
        { "batch and heads in one axis", new() { Attention = "flat", Mask = true } },
        { "key heads in an axis of their own", new() { Attention = "grouped" } },
        { "cache and positions", new() { Past = true, Mask = true } },
        { "two branches", new() { Past = true, Mask = true, Merged = true } },
        { "one number of rows", new() { FixedBatch = 2, Mask = true } },
        { "one length", new() { FixedLength = 12, Mask = true } },
        { "one shape", new() { FixedBatch = 1, FixedLength = 12 } },
        { "half precision", new() { Half = true, Mask = true } },
        { "int32 ids of another name", new() { Int32 = true, Tokens = "x" } },
        { "weights in a file of their own", new() { External = true } },
        { "router and classifier", new() { OtherSoftmaxes = true } },
        { "MultiHeadAttention", new() { Attention = "MultiHeadAttention" } },
        { "MultiHeadAttention with a mask", new() { Attention = "MultiHeadAttention", Mask = true } },
        { "GroupQueryAttention", new() { Attention = "GroupQueryAttention" } },
        { "Attention of the standard", new() { Attention = "Attention", Opset = 23 } },
        { "Attention with an axis for heads, and a mask", new() { Attention = "Attention.heads", Mask = true, Opset = 23 } },
        { "queries and keys scaled by roots", new() { Attention = "roots", Mask = true } },
        { "scores divided", new() { Attention = "divided" } },
        { "weights to 8 bits and back", new() { Attention = "quantized" } },
        { "products of whole numbers", new() { Attention = "integer", Mask = true } },
        { "MultiHeadAttention with biases inside", new() { Attention = "MultiHeadAttention.bias" } },
        { "GroupQueryAttention of packed values", new() { Attention = "GroupQueryAttention.packed" } },
        { "number of logits as an input", new() { LogitsToKeep = true } },
        { "rotation written out", new() { Mask = true } },
        { "rotation in GroupQueryAttention", new() { Attention = "GroupQueryAttention.packed" } },
    };

    private static DecoderConfig ConfigOf(OnnxStyle style, string name)
    {
        // MultiHeadAttention has a key head for every head.
        var config = style.Attention is "MultiHeadAttention" or "MultiHeadAttention.bias" or "einsum" ? Config with { KeyHeads = 4 } : Config;
        return name.StartsWith("rotation", StringComparison.Ordinal) ? config with { Positions = PositionEncoding.Rotary, DHead = 16, Rotary = new RotaryConfig(16) } : config;
    }

    /// <summary>What half precision leaves, and eight bits in three layers: another value than the right one is off by more than one.</summary>
    private static double ToleranceOf(OnnxStyle style) => style.Half ? 5e-2 : style.Attention is "integer" or "quantized" ? 0.3 : 1e-4;

    private static bool IsOperator(OnnxStyle style) => style.Attention.Contains("Attention", StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Styles))]
    public void Run_OfAGraph_EqualsTheDecoder(string name, OnnxStyle style)
    {
        var config = ConfigOf(style, name);
        using var decoder = RandomModels.Create(config, seed: 3);
        OnnxExport.Write(decoder, _folder.File("model.onnx"), style);
        using var graph = LanguageModel.Load(_folder.File("model.onnx"));
        Assert.True(graph.IsGraph, name);
        Assert.Equal((3, 4, config.DHead, 24, 31, name.StartsWith("rotation", StringComparison.Ordinal) ? 2048 : style.FixedLength ?? 20), (graph.Config.Layers, graph.Config.Heads, graph.Config.DHead, graph.Config.DModel, graph.Config.Vocabulary, graph.Config.Context));

        double tolerance = ToleranceOf(style);
        var rows = RandomModels.Tokens(config, 5, 11, 4, 12, 1, 7);
        Site[] sites = [.. Enumerable.Range(0, 3).SelectMany(l => (Site[])[Site.Pattern(l), Site.Z(l)]), Site.Logits];
        var plan = new ForwardPlan().Capture(sites).TokenLosses();
        Same(decoder, graph, rows, plan, sites, tolerance);

        // Losses without logits that are kept, and a graph that ends early.
        Same(decoder, graph, rows, new ForwardPlan().TokenLosses(), [], tolerance);
        Same(decoder, graph, rows, new ForwardPlan().Capture(Site.Pattern(1)), [Site.Pattern(1)], tolerance);
    }

    [Theory]
    [MemberData(nameof(Styles))]
    public void Run_WithReplacedValues_EqualsTheDecoder(string name, OnnxStyle style)
    {
        var config = ConfigOf(style, name);
        using var decoder = RandomModels.Create(config, seed: 4);
        OnnxExport.Write(decoder, _folder.File("model.onnx"), style);
        using var graph = LanguageModel.Load(_folder.File("model.onnx"));
        var rows = RandomModels.Tokens(config, 6, 9, 12, 3);
        bool isOperator = IsOperator(style);
        var seen = new List<Site>();
        // Each replacement depends on the value, and the second one on what the first one did.
        var plan = new ForwardPlan()
            .Replace(Site.Z(0), z => z.roll(1, 2) * 0.5)
            .Replace(Site.Z(1), z =>
            {
                var edited = z.clone();
                edited.select(2, 3).zero_();
                return edited + z.mean([1], keepdim: true);
            })
            .Observe(Site.Z(1), _ => seen.Add(Site.Z(1)))
            .Observe(Site.Pattern(2), _ => seen.Add(Site.Pattern(2)))
            .Observe(Site.Pattern(1), _ => seen.Add(Site.Pattern(1)));
        if (!isOperator) plan.Replace(Site.Pattern(1), pattern => pattern.flip(1));
        Site[] sites = [Site.Z(0), Site.Pattern(2), Site.Z(2), Site.Logits];
        // The mean over positions is over padding, too: compare rows of one length.
        rows = new TokenBatch([.. rows.Rows.Where(r => r.Length == 12), [.. rows.Rows[0], 1, 2, 3]]);
        Same(decoder, graph, rows, plan.Capture(sites).TokenLosses(), sites, ToleranceOf(style));
        Site[] order = [Site.Pattern(1), Site.Z(1), Site.Pattern(2)];
        Assert.Equal([.. order, .. order], seen); // of both models
        if (isOperator)
        {
            var error = Assert.Throws<ArgumentException>(() => graph.Run(rows, new ForwardPlan().Replace(Site.Pattern(1), p => p * 2).Capture(Site.Logits)));
            string op = style.Attention.Split('.')[0];
            Assert.Contains($"({(op == "Attention" ? "" : "com.microsoft.")}{op})", error.Message, StringComparison.Ordinal);
        }
        Assert.NotEmpty(name);
    }

    [Fact]
    public void Run_OfAnUnchangedPlan_DoesNotDependOnNeighbours()
    {
        using var decoder = RandomModels.Create(Config);
        OnnxExport.Write(decoder, _folder.File("model.onnx"), new() { Mask = true });
        using var graph = LanguageModel.Load(_folder.File("model.onnx"));
        var rows = RandomModels.Tokens(Config, 5, 3, 12);
        using var scope = NewDisposeScope();
        var together = graph.Run(rows, new ForwardPlan().Capture(Site.Logits))[Site.Logits][0].narrow(0, 0, 3);
        var alone = graph.Run(new TokenBatch([rows.Rows[0]]), new ForwardPlan().Capture(Site.Logits))[Site.Logits][0];
        Assert.True((together - alone).abs().max().item<float>() < 1e-5f);
    }

    [Fact]
    public void Run_OfAGraphWhoseRowsMeet_RunsEachByItself()
    {
        using var decoder = RandomModels.Create(Config);
        OnnxExport.Write(decoder, _folder.File("model.onnx"), new() { RowsMeet = true });
        using var graph = LanguageModel.Load(_folder.File("model.onnx"));
        var rows = RandomModels.Tokens(Config, 5, 3, 12, 7);
        using var scope = NewDisposeScope();
        Site[] sites = [Site.Pattern(2), Site.Z(1), Site.Logits];
        var plan = new ForwardPlan().Replace(Site.Z(0), z => z * 2).Capture(sites).TokenLosses();
        var together = graph.Run(rows, plan);
        for (int row = 0; row < rows.Count; row++)
        {
            var alone = graph.Run(new TokenBatch([rows.Rows[row]]), plan);
            int length = rows[row].Length;
            Close(alone[Site.Pattern(2)][0], together[Site.Pattern(2)][row].narrow(1, 0, length).narrow(2, 0, length), "pattern", 1e-5);
            Close(alone[Site.Z(1)][0], together[Site.Z(1)][row].narrow(0, 0, length), "z", 1e-5);
            Close(alone[Site.Logits][0], together[Site.Logits][row].narrow(0, 0, length), "logits", 1e-5);
            Close(alone.TokenLosses![0], together.TokenLosses![row].narrow(0, 0, length - 1), "losses", 1e-5);
        }
    }

    private static void Same(LanguageModel decoder, LanguageModel graph, TokenBatch rows, ForwardPlan plan, Site[] sites, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var expected = decoder.Run(rows, plan);
        using var actual = graph.Run(rows, plan);
        Assert.Equal(expected.Sites.Order(Comparer<Site>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()))),
            actual.Sites.Order(Comparer<Site>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()))));
        foreach (var site in sites)
            for (int row = 0; row < rows.Count; row++)
                Close(Valid(expected[site], site, rows[row].Length)[row], Valid(actual[site], site, rows[row].Length)[row], $"{site}, row {row}", tolerance);
        if (expected.TokenLosses is not { } losses) return;
        Assert.Equal(losses.shape, actual.TokenLosses!.shape);
        Assert.True(losses.isnan().eq(actual.TokenLosses.isnan()).all().item<bool>());
        Close(losses.nan_to_num(0), actual.TokenLosses.nan_to_num(0), "losses", tolerance);

        // What padded positions hold is nobody's concern.
        static Tensor Valid(Tensor value, Site site, int length) =>
            site.Kind == SiteKind.Pattern ? value.narrow(2, 0, length).narrow(3, 0, length) : value.narrow(1, 0, length);
    }

    private static void Close(Tensor expected, Tensor actual, string what, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        float error = ((expected - actual).abs() / expected.abs().clamp(min: 1)).max().item<float>();
        Assert.True(error <= tolerance, $"{what}: off by {error}");
    }
}
