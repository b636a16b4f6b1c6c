using Microsoft.ML.OnnxRuntime;

namespace MlNetIcl.Models.Onnx;

/// <summary>A graph that ONNX Runtime has loaded. Thread-safe; disposed when the last user has let go of it.</summary>
internal sealed class OnnxSession : IDisposable
{
    private readonly InferenceSession _session;
    private readonly string _file;
    private int _users = 1;

    /// <exception cref="ModelFormatException">ONNX Runtime refuses the graph.</exception>
    /// <exception cref="UnsupportedModelException">It lacks an operator.</exception>
    public OnnxSession(byte[] model, string path)
    {
        _file = Path.GetFileName(path);
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", Path.GetDirectoryName(path)!);
        // Threads of two libraries take turns here: those that wait must not keep the cores busy.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        try
        {
            _session = new InferenceSession(model, options);
        }
        catch (OnnxRuntimeException error)
        {
            throw error.Message.Contains("NotImplemented", StringComparison.OrdinalIgnoreCase)
                ? new UnsupportedModelException($"'{_file}': ONNX Runtime lacks what the graph needs: {error.Message}", error)
                : new ModelFormatException($"'{_file}': ONNX Runtime refuses the graph: {error.Message}", error);
        }
    }

    public bool HasInput(string name) => _session.InputMetadata.ContainsKey(name);

    /// <summary>Element type of an output, as the runtime infers it.</summary>
    public int TypeOf(string output) => (int)_session.OutputMetadata[output].ElementDataType;

    /// <summary>Number of axes of an output, where the runtime can infer it.</summary>
    public int? RankOf(string output) => _session.OutputMetadata[output].Dimensions is { Length: > 0 } dims ? dims.Length : null;

    /// <summary>Whether what the graph says of an output allows a shape. What it says is not always true.</summary>
    public bool Accepts(string output, long[] shape)
    {
        int[] said = _session.OutputMetadata[output].Dimensions;
        return said.Length == 0 || (said.Length == shape.Length && !said.Zip(shape).Any(d => d.First >= 0 && d.First != d.Second));
    }

    /// <summary>Runs the graph; outputs that have no memory yet get some.</summary>
    /// <exception cref="ModelFormatException">The graph fails on these values.</exception>
    public OrtValue[] Run(IReadOnlyList<(string Name, OrtValue Value)> inputs, IReadOnlyList<(string Name, OrtValue? Value)> outputs, CancellationToken cancellation)
    {
        using var options = new RunOptions();
        // Rows of all lengths come by: what one of them needed is given back after it.
        options.AddRunConfigEntry("memory.enable_memory_arena_shrinkage", "cpu:0");
        using var ended = cancellation.Register(() => options.Terminate = true);
        using var binding = _session.CreateIoBinding();
        foreach (var (name, value) in inputs) binding.BindInput(name, value);
        foreach (var (name, value) in outputs)
        {
            if (value is null) binding.BindOutputToDevice(name, OrtMemoryInfo.DefaultInstance);
            else binding.BindOutput(name, value);
        }
        try
        {
            return [.. _session.RunWithBoundResults(options, binding)];
        }
        catch (OnnxRuntimeException error)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new ModelFormatException($"'{_file}': ONNX Runtime cannot run the graph: {error.Message}", error);
        }
    }

    /// <summary>Takes the session for one more user.</summary>
    public OnnxSession Share()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) == 0) _session.Dispose();
    }
}
