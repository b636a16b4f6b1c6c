using MlNetIcl.Models.Onnx;
using MlNetIcl.Testing;

namespace MlNetIcl.Models.Tests.Onnx;

/// <summary>What is refused, and that the message names what is in the way.</summary>
public sealed class RefusalTests : IDisposable
{
    private static readonly DecoderConfig Config = new()
    {
        Layers = 2,
        DModel = 16,
        Heads = 2,
        DMlp = 24,
        Vocabulary = 19,
        Context = 16,
        Positions = PositionEncoding.Learned,
        Activation = ActivationKind.Relu,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_WithoutAttention_NamesTheFile()
    {
        var error = Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(Fixtures.Path("onnx", "mlp.onnx")));
        Assert.Contains("'mlp.onnx' has no attention", error.Message, StringComparison.Ordinal);
        Assert.Contains("'fc2' (Gemm)", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<OnnxStyle, string> Refused => new()
    {
        { new() { Causal = false }, "(Softmax) looks at tokens that come later" },
        { new() { Attention = "right" }, "(Softmax) is a softmax over a product of two values that depend on the input" },
        { new() { Attention = "com.microsoft.Attention" }, "(com.microsoft.Attention) computes attention in one" },
        { new() { StrangeInput = "loudness" }, "input 'loudness' (float32 [1]) is not known" },
        { new() { Tokens = "position_ids" }, "none of the inputs 'position_ids' (int64 [batch, sequence]) is looked up" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Load_WhatIsInTheWay_IsNamed(OnnxStyle style, string expected)
    {
        using var decoder = RandomModels.Create(Config);
        OnnxExport.Write(decoder, _folder.File("model.onnx"), style);
        var error = Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(_folder.File("model.onnx")));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("'model.onnx'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_OfTwoAttentionsSideBySide_NamesBoth()
    {
        // One softmax over a product, beside an equal one: neither needs the other.
        OnnxNode[] nodes =
        [
            OnnxNode.Create("Gather", ["table", "input_ids"], ["x"]),
            OnnxNode.Create("Transpose", ["x"], ["t"]),
            .. Enumerable.Range(0, 2).SelectMany(i => (OnnxNode[])
            [
                OnnxNode.Create("MatMul", ["x", "x"], [$"s{i}"]), OnnxNode.Create("Softmax", [$"s{i}"], [$"p{i}"], ("axis", -1)), OnnxNode.Create("MatMul", [$"p{i}", "x"], [$"z{i}"]),
            ]),
        ];
        OnnxExport.Write(_folder.File("m.onnx"), nodes, [OnnxExport.Tensor("table", new float[8], 2, 4)], [OnnxExport.Value("input_ids", OnnxType.Int64, "b", "s")], [OnnxValue.Create("z0", 1), OnnxValue.Create("z1", 1)]);
        var error = Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(_folder.File("m.onnx")));
        Assert.Contains("'mlneticl/p1' (Softmax) is attention beside that of node 'mlneticl/p0' (Softmax)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "calls an operator that the file defines itself")]
    [InlineData(false, "holds graphs of its own")]
    public void Load_OfALayerThatIsHidden_NamesItsNode(bool isFunction, string expected)
    {
        // The first layer can be read, the second cannot: a model of one layer would be another one.
        OnnxNode[] hidden = Layer("x1", "h");
        OnnxNode call = isFunction ? Call("Layer", ["x1"], "x2") : Choose("x2", hidden);
        OnnxExport.Write(_folder.File("m.onnx"), [OnnxNode.Create("Gather", ["table", "input_ids"], ["x0"]), .. Layer("x0", "x1"), call],
            [OnnxExport.Tensor("table", new float[8], 2, 4), OnnxTensor.Create("yes", OnnxType.Bool, [1], new byte[] { 1 })], [OnnxExport.Value("input_ids", OnnxType.Int64, "b", "s")], [OnnxValue.Create("x2", 1)]);
        if (isFunction)
        {
            var function = new WireWriter().Text(1, "Layer").Text(4, "x1").Text(5, "h").Text(10, "custom");
            foreach (var node in hidden) function.Bytes(7, node.Raw);
            File.AppendAllBytes(_folder.File("m.onnx"), new WireWriter().Message(25, function).ToArray());
        }

        string message = Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(_folder.File("m.onnx"))).Message;
        Assert.Contains($"'call' ({(isFunction ? "custom.Layer" : "If")}) {expected}", message, StringComparison.Ordinal);
        Assert.Contains("a softmax or attention inside", message, StringComparison.Ordinal);
    }

    /// <summary>Attention over x, without weights.</summary>
    private static OnnxNode[] Layer(string x, string output) =>
    [
        OnnxNode.Create("Transpose", [x], [output + "t"]), OnnxNode.Create("MatMul", [x, x], [output + "s"]),
        OnnxNode.Create("Softmax", [output + "s"], [output + "p"], ("axis", -1)), OnnxNode.Create("MatMul", [output + "p", x], [output]),
    ];

    private static OnnxNode Call(string function, string[] inputs, string output)
    {
        var message = new WireWriter();
        foreach (string input in inputs) message.Text(1, input);
        message.Text(2, output).Text(3, "call").Text(4, function).Text(7, "custom");
        return new() { Name = "call", Operator = function, Domain = "custom", Inputs = inputs, Outputs = [output], Attributes = new Dictionary<string, OnnxAttribute>(), Raw = message.ToArray() };
    }

    private static OnnxNode Choose(string output, OnnxNode[] branch)
    {
        var graph = new OnnxGraph { Nodes = branch, Initializers = new Dictionary<string, OnnxTensor>(), Inputs = [], Outputs = [OnnxValue.Create(branch[^1].Output(0))], Values = new Dictionary<string, OnnxValue>(), Other = [] };
        var message = new WireWriter().Text(1, "yes").Text(2, output).Text(3, "call").Text(4, "If");
        foreach (string name in new[] { "then_branch", "else_branch" }) message.Message(5, new WireWriter().Text(1, name).Message(6, graph.Write().Text(2, name)).Integer(20, 5));
        return new() { Name = "call", Operator = "If", Domain = "", Inputs = ["yes"], Outputs = [output], Attributes = new Dictionary<string, OnnxAttribute>(), Raw = message.ToArray() };
    }

    [Fact]
    public void Load_WithAnotherModelsConfiguration_SaysWhatDiffers()
    {
        using var decoder = RandomModels.Create(Config);
        OnnxExport.Write(decoder, _folder.File("model.onnx"));
        File.WriteAllText(_folder.File("config.json"), """{"model_type":"gpt2","n_layer":3,"n_head":2,"n_positions":16}""");
        var error = Assert.Throws<ModelFormatException>(() => LanguageModel.Load(_folder.File("model.onnx")));
        Assert.Contains("says 3 for n_layer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WithItsConfiguration_TakesContextAndSpecialTokensFromThere()
    {
        using var decoder = RandomModels.Create(Config);
        Directory.CreateDirectory(_folder.File("onnx"));
        OnnxExport.Write(decoder, Path.Combine(_folder.File("onnx"), "model.onnx"));
        File.WriteAllText(_folder.File("config.json"), """{"model_type":"gpt2","n_layer":2,"n_head":2,"n_positions":12,"bos_token_id":3,"eos_token_id":[4,99],"pad_token_id":null}""");
        using var graph = LanguageModel.Load(Path.Combine(_folder.File("onnx"), "model.onnx"));
        using var ofFolder = LanguageModel.Load(_folder.Path);
        Assert.Equal(graph.SourcePath, ofFolder.SourcePath);
        Assert.Equal(("gpt2", 12, 3, 4), (graph.Config.Family, graph.Config.Context, graph.Config.BosTokenId, graph.Config.EosTokenId));
    }

    [Fact]
    public void Load_WithoutLogits_GivesAttentionAlone()
    {
        using var decoder = RandomModels.Create(Config);
        OnnxExport.Write(decoder, _folder.File("model.onnx"), new() { Logits = false });
        using var graph = LanguageModel.Load(_folder.File("model.onnx"));
        Assert.Equal([SiteKind.Pattern, SiteKind.Z], graph.Config.Sites);
        var error = Assert.Throws<ArgumentException>(() => graph.Run(new TokenBatch([[1, 2]]), new ForwardPlan().Capture(Site.Logits)));
        Assert.Contains("only attn.hook_pattern, attn.hook_z can be found", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => graph.Run(new TokenBatch([[1, 2]]), new ForwardPlan().TokenLosses()));
    }

    [Fact]
    public void Run_OfWhatAGraphCannotGive_IsRefusedByName()
    {
        using var decoder = RandomModels.Create(Config);
        OnnxExport.Write(decoder, _folder.File("model.onnx"));
        using var graph = LanguageModel.Load(_folder.File("model.onnx"));
        var rows = new TokenBatch([[1, 2, 3]]);
        Assert.Contains("blocks.1.hook_resid_pre", Assert.Throws<ArgumentException>(() => graph.Run(rows, new ForwardPlan().Capture(Site.ResidPre(1)))).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidTokensException>(() => graph.Run(new TokenBatch([[19]]), new ForwardPlan().Capture(Site.Logits)));
        Assert.Throws<InvalidTokensException>(() => graph.Run(new TokenBatch([new int[17]]), new ForwardPlan().Capture(Site.Logits)));
        Assert.Contains("ONNX graph", Assert.Throws<UnsupportedModelException>(() => graph.Weights).Message, StringComparison.Ordinal);
        Assert.Throws<UnsupportedModelException>(() => graph.Gradients(rows, new ForwardPlan(), [Site.Z(0)], Site.Logits, logits => logits.sum()));
        Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(_folder.File("model.onnx"), new() { Precision = TorchSharp.torch.ScalarType.BFloat16 }));
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => graph.Run(rows, new ForwardPlan().Capture(Site.Logits), stop.Token));
    }

    [Fact]
    public void Expose_OfAGraph_AddsOutputsAndKeepsTheRest()
    {
        using var decoder = RandomModels.Create(Config);
        OnnxExport.Write(decoder, _folder.File("model.onnx"), new() { External = true, Half = true, Past = true, Mask = true });
        Directory.CreateDirectory(_folder.File("out"));
        string target = Path.Combine(_folder.File("out"), "exposed.onnx");
        var found = OnnxFile.ExposeAttention(_folder.File("model.onnx"), target);
        Assert.Equal([0, 1], found.Select(f => f.Layer));
        using var session = new Microsoft.ML.OnnxRuntime.InferenceSession(target);
        Assert.Equal(["present.0.key", "present.0.value", "present.1.key", "present.1.value", "logits", .. found.Select(f => f.Output)], session.OutputMetadata.Keys);
        Assert.All(found, f => Assert.Equal(typeof(float), session.OutputMetadata[f.Output].ElementType));
        Assert.Throws<IOException>(() => OnnxFile.ExposeAttention(_folder.File("model.onnx"), target)); // its tensors' file is there already
        Assert.Throws<ArgumentException>(() => OnnxFile.ExposeAttention(target, target));
    }
}
