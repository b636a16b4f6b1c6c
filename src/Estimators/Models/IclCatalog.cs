using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Transforms.ModelStorage;

namespace Microsoft.ML;

/// <summary>Language models for the stages of in-context-learning analysis: <c>mlContext.Icl()</c>.</summary>
public sealed class IclCatalog
{
    private readonly MLContext _context;

    internal IclCatalog(MLContext context) => _context = context;

    /// <summary>
    /// Where saved pipelines look for their models first: a model's folder or file itself, or the folder that it lies in. A place counts
    /// only if its files are those that were used, by SHA-256. Belongs to the context; default: none.
    /// </summary>
    /// <remarks>
    /// A process that does not reference this package can set the context's option <c>MlNetIcl.ModelPaths</c> (a string[]) or the environment
    /// variable <c>MLNETICL_MODEL_PATHS</c>, with places separated as in PATH. After those, the place where the model was when the pipeline was saved is tried.
    /// </remarks>
    public IReadOnlyList<string> ModelPaths
    {
        get => ModelSearch.PathsOf(_context);
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _context.SetOption<string[]>(ModelSearch.PathsOption, [.. value]);
        }
    }

    /// <summary>
    /// Loads a saved pipeline as <see cref="ModelOperationsCatalog.Load(string, out DataViewSchema)"/> does, with a new place for a model that has moved,
    /// and with the stages' own errors, which ML.NET wraps where it calls their loaders.
    /// </summary>
    /// <param name="path">The file that <c>mlContext.Model.Save</c> wrote.</param>
    /// <param name="inputSchema">The schema of the data that the pipeline was saved with.</param>
    /// <param name="modelPath">The model's new place, looked in before <see cref="ModelPaths"/>. Null: none.</param>
    /// <returns>The pipeline; disposing it, as it is an <see cref="IDisposable"/>, frees the models that were loaded with it.</returns>
    /// <exception cref="FileNotFoundException">There is no such file, or the model is not where it was saved from, nor anywhere else that was named; the message says what was expected.</exception>
    /// <exception cref="FormatException">The file is damaged, or no pipeline.</exception>
    public ITransformer LoadPipeline(string path, out DataViewSchema inputSchema, string? modelPath = null)
    {
        var before = ModelPaths;
        if (modelPath is not null) ModelPaths = [modelPath, .. before];
        try
        {
            return _context.Model.Load(path, out inputSchema);
        }
        catch (TargetInvocationException e)
        {
            Exception cause = e;
            while (cause is TargetInvocationException { InnerException: { } inner }) cause = inner;
            ExceptionDispatchInfo.Throw(cause);
            throw;
        }
        finally
        {
            ModelPaths = before;
        }
    }

    /// <summary>
    /// Loads a language model. It goes to the GPU that <see cref="MLContext.GpuDeviceId"/> names, where one is named; without such a GPU it
    /// goes to the CPU, with a warning in the log, if <see cref="MLContext.FallbackToCpu"/> allows it.
    /// </summary>
    /// <param name="path">A Hugging Face folder, or a GGUF file.</param>
    /// <param name="options">Precision and device. Null: float32, and the device of the context.</param>
    /// <returns>The model, which the caller disposes after the pipelines that use it.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder or file.</exception>
    /// <exception cref="ModelFormatException">A file is missing, malformed or contradicts another.</exception>
    /// <exception cref="UnsupportedModelException">The model needs what is not supported.</exception>
    /// <exception cref="InvalidOperationException">There is no such GPU, and falling back is not allowed.</exception>
    public LanguageModel LoadModel(string path, LoadOptions? options = null)
    {
        options ??= new LoadOptions();
        if (options.Device is null) options = options with { Device = Devices.Resolve(_context) };
        using var channel = ((IChannelProvider)_context).Start("Load model");
        var model = LanguageModel.Load(path, options);
        channel.Info(MessageSensitivity.None, $"Loaded the model '{model.Name}': {model.ParameterCount} parameters on {model.Device}.");
        return model;
    }
}

/// <summary>Adds <c>Icl()</c> to <see cref="MLContext"/>.</summary>
public static class IclContextExtensions
{
    /// <summary>Language models for the stages of in-context-learning analysis.</summary>
    /// <param name="context">The context, whose devices, log and search paths they use.</param>
    public static IclCatalog Icl(this MLContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new IclCatalog(context);
    }
}
