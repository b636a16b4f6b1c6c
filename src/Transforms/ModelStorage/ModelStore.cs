using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Transforms.Rows;
using static TorchSharp.torch;

namespace MlNetIcl.Transforms.ModelStorage;

/// <summary>Saves a stage's model as a reference to its files or whole, and gets it back.</summary>
internal static class ModelStore
{
    private const string WeightsFile = "Model.safetensors";

    /// <summary>Saves a model.</summary>
    /// <param name="context">Where to.</param>
    /// <param name="model">The model.</param>
    /// <param name="whole">Whether the weights are saved, too. They are in any case where the model has no files.</param>
    public static void Save(ModelSaveContext context, LanguageModel model, bool whole)
    {
        var precision = model.Precision;
        if (whole && model.IsGraph) throw new UnsupportedModelException($"The model '{model.Name}' is an ONNX graph, which a pipeline refers to and does not hold. Save without SaveWeights, and keep '{model.SourcePath}' beside the pipeline.");
        if (!whole && model is { SourcePath: { } path, Files: { } files })
        {
            context.WriteJson(new ModelReference { Name = model.Name, Path = path, Files = files.Fingerprint, Precision = precision });
            return;
        }
        TemporaryFile.Use(WeightsFile, file =>
        {
            ModelArchive.Save(model, file);
            context.WriteJson(new ModelReference { Name = model.Name, Files = new ModelFiles(Path.GetDirectoryName(file)!, [WeightsFile]).Fingerprint, Precision = precision });
            context.SaveBinaryStream(WeightsFile, writer =>
            {
                using var content = File.OpenRead(file);
                content.CopyTo(writer.BaseStream);
            });
            return 0;
        });
    }

    /// <summary>Loads what <see cref="Save"/> saved, and makes the stage that it belongs to.</summary>
    /// <exception cref="FileNotFoundException">The model's files are nowhere.</exception>
    /// <exception cref="FormatException">The stage was saved damaged.</exception>
    public static T Load<T>(IHostEnvironment environment, ModelLoadContext context, Func<ModelLease, T> create)
    {
        var reference = context.ReadJson<ModelReference>();
        reference.Validate();
        var device = Devices.Resolve(environment);
        var lease = ModelLease.Share($"{reference.Identity}|{device}", () => reference.Path is null
            ? LoadWhole(context, reference, device)
            : LoadFiles(environment, reference, device));
        try
        {
            return create(lease);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private static LanguageModel LoadFiles(IHostEnvironment environment, ModelReference reference, Device device)
    {
        string path = ModelSearch.Find(environment, reference);
        using var channel = environment.Start("Load model");
        channel.Info($"Loading the model '{reference.Name}' from '{path}'.");
        return LanguageModel.Load(path, new LoadOptions { Precision = reference.Precision, Device = device, Tokenizer = false });
    }

    private static LanguageModel LoadWhole(ModelLoadContext context, ModelReference reference, Device device) => TemporaryFile.Use(WeightsFile, file =>
    {
        bool found = context.TryLoadBinaryStream(WeightsFile, reader =>
        {
            using var content = File.Create(file);
            reader.BaseStream.CopyTo(content);
        });
        if (!found) throw new FormatException($"The saved stage has no file '{WeightsFile}', which its reference to the model '{reference.Name}' asks for.");
        if (ModelSearch.Difference(file, reference.Files) is { } difference)
            throw new FormatException($"The model '{reference.Name}' saved with the stage is damaged: {difference}.");
        return ModelArchive.Load(file, device);
    });
}
