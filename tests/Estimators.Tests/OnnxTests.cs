using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Models;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Testing;
using MlNetIcl.Transforms.Attention;
using static TorchSharp.torch;

namespace MlNetIcl.Estimators.Tests;

/// <summary>Models that are ONNX graphs: in this library's stages, and in ML.NET's own.</summary>
public sealed class OnnxTests : IDisposable
{
    private static readonly DecoderConfig Config = new()
    {
        Layers = 2,
        DModel = 16,
        Heads = 2,
        DMlp = 24,
        Vocabulary = 40,
        Context = 48,
        Positions = PositionEncoding.Learned,
        Activation = ActivationKind.Relu,
    };

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Stages_OfAGraph_PutOutWhatTheDecodersDo()
    {
        using var decoder = RandomModels.Create(Config, seed: 6);
        using var graph = Export(decoder);
        var data = DataOf(Data.Tokens(12, Config.Vocabulary, 24));
        var (expected, actual) = (Stages(decoder, data).Transform(data), Stages(graph, data).Transform(data));
        foreach (string column in (string[])["Pattern", "Induction", "Losses"])
        {
            Assert.Equal(expected.Schema[column].Type, actual.Schema[column].Type);
            foreach (var (e, a) in Rows.Vectors(expected, column).Zip(Rows.Vectors(actual, column)))
            {
                Assert.Equal(e.Length, a.Length);
                for (int i = 0; i < e.Length; i++) Assert.True(e[i].Equals(a[i]) || Math.Abs(e[i] - a[i]) < 1e-4f, $"{column}: {e[i]} and {a[i]}");
            }
        }
    }

    [Fact]
    public void Save_OfAGraphsStage_RefersToItsFilesWhereverTheyAre()
    {
        using var decoder = RandomModels.Create(Config, seed: 6);
        var data = DataOf(Data.Tokens(5, Config.Vocabulary, 24));
        string saved = _folder.File("pipeline.zip");
        float[][] expected;
        using (var graph = Export(decoder))
        {
            var fitted = _ml.Transforms.ScoreInductionHeads("Induction", "Tokens", graph).Fit(data);
            expected = Rows.Vectors(fitted.Transform(data), "Induction");
            _ml.Model.Save(fitted, data.Schema, saved);
        }
        Directory.CreateDirectory(_folder.File("moved"));
        foreach (string name in (string[])["graph.onnx", "graph.onnx.data"]) File.Move(_folder.File(name), Path.Combine(_folder.File("moved"), name));
        _ml.Icl().ModelPaths = [_folder.File("moved")];
        var loaded = _ml.Icl().LoadPipeline(saved, out _);
        foreach (var (e, a) in expected.Zip(Rows.Vectors(loaded.Transform(data), "Induction"))) Assert.Equal(e, a);
        (loaded as IDisposable)?.Dispose();
    }

    [Theory]
    [InlineData("gpt2-torchscript")]
    [InlineData("llama-dynamo")]
    [InlineData("gpt2-optimized")]
    [InlineData("gpt2-fused")]
    public void ApplyOnnxModel_OfAnExposedFile_GivesLogitsAndAttention(string name)
    {
        var found = OnnxFile.ExposeAttention(Fixtures.Path("onnx", name + ".onnx"), _folder.File("exposed.onnx"));
        using var expected = SafetensorsFile.Open(Fixtures.Path("onnx", $"expected-{name}.safetensors"));
        using var scope = NewDisposeScope();
        long[] ids = [.. expected.Read("tokens").to_type(ScalarType.Int64).data<long>()];
        int length = ids.Length / 2;
        // ML.NET runs a row at a time, of a length that it is told.
        var data = _ml.Data.LoadFromEnumerable(ids.Chunk(length).Select(row => new OnnxRow { Ids = row, Mask = [.. row.Select(_ => 1L)] }), Schema(length));
        string[] outputs = ["logits", .. found.Select(f => f.Output)];
        var view = _ml.Transforms.ApplyOnnxModel(outputs, ["input_ids", "attention_mask"], _folder.File("exposed.onnx"),
            new Dictionary<string, int[]> { ["input_ids"] = [1, length], ["attention_mask"] = [1, length] }, gpuDeviceId: null, fallbackToCpu: false).Fit(data).Transform(data);
        foreach (var (output, reference) in outputs.Zip((string[])["logits", "attn.0", "attn.1"]))
        {
            float[] values = [.. Rows.Vectors(view, output).SelectMany(row => row)];
            float[] wanted = [.. expected.Read(reference).data<float>()];
            Assert.Equal(wanted.Length, values.Length);
            for (int i = 0; i < wanted.Length; i++) Assert.Equal(wanted[i], values[i], 1e-4f);
        }
    }

    private static SchemaDefinition Schema(int length)
    {
        var schema = SchemaDefinition.Create(typeof(OnnxRow));
        schema["input_ids"].ColumnType = schema["attention_mask"].ColumnType = new VectorDataViewType(NumberDataViewType.Int64, length);
        return schema;
    }

    private LanguageModel Export(LanguageModel decoder)
    {
        OnnxExport.Write(decoder, _folder.File("graph.onnx"), new() { Mask = true, External = true });
        return _ml.Icl().LoadModel(_folder.File("graph.onnx"));
    }

    private IDataView DataOf(int[][] rows) => Data.OfTokens(_ml, rows);

    private ITransformer Stages(LanguageModel model, IDataView data) =>
        _ml.Transforms.ExtractAttention("Pattern", "Tokens", model, AttentionOutput.Pattern)
            .Append(_ml.Transforms.ScoreInductionHeads("Induction", "Tokens", model))
            .Append(_ml.Transforms.ScoreInContextLearning("Losses", "Tokens", model)).Fit(data);

    private sealed class OnnxRow
    {
        [ColumnName("input_ids")]
        public long[] Ids { get; set; } = [];

        [ColumnName("attention_mask")]
        public long[] Mask { get; set; } = [];
    }
}
