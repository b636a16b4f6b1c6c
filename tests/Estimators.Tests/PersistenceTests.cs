using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Models;
using MlNetIcl.Transforms.Induction;
using MlNetIcl.Transforms.Rows;

namespace MlNetIcl.Estimators.Tests;

public sealed class PersistenceTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ColdProcess_ModelSavedWhole_GivesTheSameBits()
    {
        using var model = LanguageModel.LoadEmbedded();
        var data = Data.OfPrompts(_ml);
        var chain = AllStages(model, _ml.Transforms.TokenizePrompt("Tokens", "Prompt", model)).Fit(data);

        AssertSameBits(chain, data, Data.Prompts.Select(prompt => new { Prompt = prompt }));
    }

    [Fact]
    public void ColdProcess_ModelOfAFolder_GivesTheSameBits()
    {
        using var model = LanguageModel.Load(TestModels.CopyFolder(_folder.Path));
        int[][] rows = Data.Tokens(20, model.Config.Vocabulary, model.Config.Context);
        var data = Data.OfTokens(_ml, rows);
        var chain = AllStages(model, _ml.Transforms.CopyColumns("Copy", "Tokens")).Fit(data);

        AssertSameBits(chain, data, rows.Select(tokens => new { Tokens = tokens }));
    }

    [Fact]
    public void ColdProcess_ModelMoved_IsFoundByTheVariable()
    {
        var (saved, data, expected) = SaveScores();
        string moved = Move("elsewhere");

        var (lines, errors, exit) = ColdProcess.Run(saved, Rows.Of(data).Select(row => new { Tokens = row["Tokens"] }), ("MLNETICL_MODEL_PATHS", Path.GetDirectoryName(moved)!));

        Assert.True(exit == 0, errors);
        Assert.Equal(Bits(expected), lines.Where(line => line.Contains(" Out ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Load_ModelMoved_SaysWhatWasExpectedAndWhatToDo()
    {
        var (saved, _, _) = SaveScores();
        Move("elsewhere");

        var log = new List<string>();
        _ml.Log += (_, e) => log.Add(e.Message);

        string message = Assert.Throws<FileNotFoundException>(() => _ml.Icl().LoadPipeline(saved, out _)).Message;

        Assert.Contains(message, Messages(Assert.ThrowsAny<Exception>(() => _ml.Model.Load(saved, out _))), StringComparison.Ordinal);
        Assert.Contains(log, line => line.Contains("Kind=Error", StringComparison.Ordinal) && line.Contains(message, StringComparison.Ordinal));
        Assert.Contains($"saved from '{_folder.File("tiny-llama")}'", message, StringComparison.Ordinal);
        Assert.Contains("model.safetensors: 107192 bytes, SHA-256 ", message, StringComparison.Ordinal);
        Assert.Contains("does not exist", message, StringComparison.Ordinal);
        Assert.Contains("mlContext.Icl().ModelPaths", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("elsewhere/tiny-llama")] // the model's own folder
    [InlineData("elsewhere")] // the folder that it lies in
    public void Load_ModelMovedAndPathGiven_FindsIt(string path)
    {
        var (saved, data, expected) = SaveScores();
        Move("elsewhere");
        var ml = new MLContext();
        ml.Icl().ModelPaths = [_folder.File("nowhere"), _folder.File(path)];

        var loaded = ml.Model.Load(saved, out _);

        EstimatorChecks.AssertSameValues(expected, loaded.Transform(data));
        ((IDisposable)loaded).Dispose();
    }

    [Theory]
    [InlineData("")] // where it was
    [InlineData("elsewhere")] // the folder that it lies in, which is no model itself
    [InlineData("elsewhere/model.gguf")]
    public void Load_ModelOfAGgufFile_FindsIt(string moved)
    {
        string file = _folder.File("model.gguf"), saved = _folder.File("scores.zip");
        File.Copy(MlNetIcl.Testing.Fixtures.Path("gguf", "llama", "smollm-F16.gguf"), file);
        var data = Data.OfPrompts(_ml);
        using var model = _ml.Icl().LoadModel(file);
        var fitted = _ml.Transforms.TokenizePrompt("Tokens", "Prompt", model).Append(_ml.Transforms.ScoreInductionHeads("Out", "Tokens", model)).Fit(data);
        _ml.Model.Save(fitted, data.Schema, saved);
        if (moved.Length > 0) File.Move(file, Path.Combine(Directory.CreateDirectory(_folder.File("elsewhere")).FullName, "model.gguf"));
        var ml = new MLContext();
        if (moved.Length > 0) ml.Icl().ModelPaths = [_folder.File(moved)];

        var loaded = ml.Model.Load(saved, out _);

        EstimatorChecks.AssertSameValues(fitted.Transform(data), loaded.Transform(data));
        ((IDisposable)loaded).Dispose();
    }

    [Fact]
    public void Load_GgufFileChanged_IsRefused()
    {
        string file = _folder.File("model.gguf"), saved = _folder.File("scores.zip");
        File.Copy(MlNetIcl.Testing.Fixtures.Path("gguf", "llama", "smollm-F16.gguf"), file);
        var data = Data.OfTokens(_ml, Data.Tokens(5, 300, 40));
        using (var model = _ml.Icl().LoadModel(file)) _ml.Model.Save(_ml.Transforms.ScoreInductionHeads("Out", "Tokens", model).Fit(data), data.Schema, saved);
        byte[] content = File.ReadAllBytes(file);
        content[^1] ^= 1;
        File.WriteAllBytes(file, content);

        Assert.Contains("is not the file that was used", Messages(Assert.ThrowsAny<Exception>(() => _ml.Model.Load(saved, out _))), StringComparison.Ordinal);
    }

    [Fact]
    public void LoadPipeline_ModelMovedAndPathGiven_FindsItAndKeepsTheContextsPaths()
    {
        var (saved, data, expected) = SaveScores();
        string moved = Move("elsewhere");
        _ml.Icl().ModelPaths = ["nowhere"];

        var loaded = _ml.Icl().LoadPipeline(saved, out var schema, moved);

        EstimatorChecks.AssertSameValues(expected, loaded.Transform(data));
        Assert.Contains(schema, column => column.Name == "Tokens");
        Assert.Equal(["nowhere"], _ml.Icl().ModelPaths);
        ((IDisposable)loaded).Dispose();
    }

    [Fact]
    public void LoadPipeline_StageDamaged_SaysWhat()
    {
        var (saved, _, _) = SaveScores();
        using (var zip = System.IO.Compression.ZipFile.Open(saved, System.IO.Compression.ZipArchiveMode.Update))
        {
            var (entry, content) = zip.Entries.Select(e => (Entry: e, Content: Read(e))).First(e => e.Content.AsSpan().IndexOf("BatchRows"u8) >= 0);
            content[content.AsSpan().IndexOf("BatchRows"u8)] = (byte)'"'; // no JSON any more
            using var changed = entry.Open();
            changed.Write(content);
        }

        Assert.Contains("InductionScoringSettings cannot be read", Assert.Throws<FormatException>(() => _ml.Icl().LoadPipeline(saved, out _)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 0x00010002)]
    [InlineData(false, 0x00010002)]
    [InlineData(false, 0x00010001)] // as it was written before there were confirmations
    [InlineData(true, 0x00010001)]
    public void Load_DetectionWithAndWithoutConfirmation_IsWhatWasSaved(bool confirm, int version)
    {
        using var model = LanguageModel.LoadEmbedded();
        var data = Data.OfTokens(_ml, Data.Tokens(3, model.Config.Vocabulary, 40));
        using var fitted = _ml.Transforms.DetectInductionHeads(model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", Confirm = confirm }).Fit(data);
        string saved = _folder.File("detected.zip");
        _ml.Model.Save(fitted, data.Schema, saved);
        int changed = 0;
        using (var zip = System.IO.Compression.ZipFile.Open(saved, System.IO.Compression.ZipArchiveMode.Update))
            foreach (var entry in zip.Entries)
            {
                byte[] content = Read(entry);
                int at = content.AsSpan().IndexOf("ICLDETEC"u8);
                if (at < 0) continue;
                Assert.Equal(0x00010002, BitConverter.ToInt32(content, at + 8));
                Assert.Equal(0x00010001, BitConverter.ToInt32(content, at + 12)); // what a reader must be able to read at least
                Assert.Equal(confirm, content.AsSpan().IndexOf("Specificity"u8) >= 0);
                BitConverter.TryWriteBytes(content.AsSpan(at + 8), version);
                using var stream = entry.Open();
                stream.Write(content);
                changed++;
            }
        Assert.Equal(1, changed);

        var loaded = _ml.Model.Load(saved, out _);
        var detection = Assert.IsType<InductionDetectingTransformer>(loaded).Detection;

        Assert.Equal(JsonSerializer.Serialize(fitted.Detection), JsonSerializer.Serialize(detection));
        Assert.Equal(confirm, detection.Confirmation is not null);
        EstimatorChecks.AssertSameValues(fitted.Transform(data), loaded.Transform(data));
        ((IDisposable)loaded).Dispose();
    }

    [Fact]
    public void Load_WeightsChanged_AreRefused()
    {
        var (saved, _, _) = SaveScores();
        string weights = Path.Combine(_folder.File("tiny-llama"), "model.safetensors");
        byte[] content = File.ReadAllBytes(weights);
        content[^1] ^= 1;
        File.WriteAllBytes(weights, content);

        var error = Assert.ThrowsAny<Exception>(() => _ml.Model.Load(saved, out _));

        Assert.Contains("is not the file that was used", Messages(error), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WeightsSavedOnRequest_NeedsNoFiles()
    {
        int[][] rows = Data.Tokens(5, 96, 40);
        var data = Data.OfTokens(_ml, rows);
        string saved = _folder.File("whole.zip");
        IDataView expected;
        using var model = LanguageModel.Load(TestModels.CopyFolder(_folder.Path));
        var fitted = _ml.Transforms.ScoreInductionHeads(model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", SaveWeights = true }).Fit(data);
        expected = fitted.Transform(data);
        _ml.Model.Save(fitted, data.Schema, saved);
        Directory.Delete(_folder.File("tiny-llama"), recursive: true);

        var loaded = _ml.Model.Load(saved, out _);

        EstimatorChecks.AssertSameValues(expected, loaded.Transform(data));
        ((IDisposable)loaded).Dispose();
    }

    [Fact]
    public void Load_SeveralStages_ShareOneModelThatGoesWithTheLast()
    {
        using var model = TestModels.InMemory(seed: 77);
        var data = Data.OfPrompts(_ml);
        byte[] saved = EstimatorChecks.Save(_ml, AllStages(model, _ml.Transforms.TokenizePrompt("Tokens", "Prompt", model)).Fit(data), data.Schema);

        var loaded = (TransformerChain<ITransformer>)EstimatorChecks.Load(_ml, saved, out _);
        var stages = loaded.OfType<ModelTransformer>().ToList();

        Assert.True(stages.Count > 3);
        var shared = stages[0].Model;
        Assert.All(stages, stage => Assert.Same(shared, stage.Model));
        Assert.NotSame(model, shared);
        foreach (var stage in stages.Skip(1)) stage.Dispose();
        Assert.False(shared.Weights.Embedding.IsInvalid);
        loaded.Dispose();
        Assert.True(shared.Weights.Embedding.IsInvalid);
    }

    [Fact]
    public void Dispose_OfAChainWithTheUsersModel_LeavesTheModel()
    {
        using var model = TestModels.InMemory();
        var data = Data.OfPrompts(_ml);
        var chain = _ml.Transforms.TokenizePrompt("Tokens", "Prompt", model).Append(_ml.Transforms.ScoreInductionHeads("Out", "Tokens", model)).Fit(data);

        chain.Dispose();

        Assert.False(model.Weights.Embedding.IsInvalid);
        Assert.Throws<ObjectDisposedException>(() => chain.Transform(data));
    }

    [Fact]
    public void LoadModel_WithTokenizer_LogsWhatWasLoaded()
    {
        var log = new List<string>();
        _ml.Log += (_, e) => log.Add(e.Message);

        using var model = _ml.Icl().LoadModel(TestModels.CopyFolder(_folder.Path));

        Assert.Contains(log, line => line.Contains("Loaded the model 'tiny-llama'", StringComparison.Ordinal));
    }

    private EstimatorChain<ITransformer> AllStages(LanguageModel model, IEstimator<ITransformer> first)
    {
        var chain = new EstimatorChain<ITransformer>().Append(first);
        foreach (string stage in Stages.Names)
            chain = chain.Append(Stages.Create(_ml, model, stage)).Append<ITransformer>(_ml.Transforms.CopyColumns(stage, "Out"));
        return chain;
    }

    private (string Saved, IDataView Data, IDataView Expected) SaveScores()
    {
        var data = Data.OfTokens(_ml, Data.Tokens(9, 96, 40));
        string saved = _folder.File("scores.zip");
        using var model = LanguageModel.Load(TestModels.CopyFolder(_folder.Path));
        var fitted = _ml.Transforms.ScoreInductionHeads("Out", "Tokens", model).Fit(data);
        _ml.Model.Save(fitted, data.Schema, saved);
        return (saved, data, _ml.Data.LoadFromEnumerable(_ml.Data.CreateEnumerable<Scored>(fitted.Transform(data), false).ToArray(), SchemaOf(8)));
    }

    private static SchemaDefinition SchemaOf(int heads)
    {
        var schema = SchemaDefinition.Create(typeof(Scored));
        schema["Out"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, heads);
        return schema;
    }

    private string Move(string parent)
    {
        string target = Path.Combine(Directory.CreateDirectory(_folder.File(parent)).FullName, "tiny-llama");
        Directory.Move(_folder.File("tiny-llama"), target);
        return target;
    }

    private void AssertSameBits(ITransformer chain, IDataView data, IEnumerable<object> rows)
    {
        string saved = _folder.File("pipeline.zip");
        _ml.Model.Save(chain, data.Schema, saved);

        var (lines, errors, exit) = ColdProcess.Run(saved, rows);

        Assert.True(exit == 0, errors);
        string[] expected = Bits(chain.Transform(data));
        Assert.NotEmpty(expected);
        Assert.Equal(expected, lines);
    }

    private static byte[] Read(System.IO.Compression.ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static string[] Bits(IDataView view) => [.. Rows.Of(view).SelectMany((row, i) => row.Where(cell => cell.Value is float[]).Select(cell =>
        $"{i} {cell.Key} {string.Join(' ', ((float[])cell.Value).Select(v => BitConverter.SingleToInt32Bits(v).ToString("x8", CultureInfo.InvariantCulture)))}"))];

    private static string Messages(Exception? error)
    {
        var messages = new List<string>();
        for (; error is not null; error = error.InnerException) messages.Add(error.Message);
        return string.Join("\n", messages);
    }

    private sealed class Scored
    {
        public int Id { get; set; }

        public int[] Tokens { get; set; } = [];

        public float[] Out { get; set; } = [];
    }
}
