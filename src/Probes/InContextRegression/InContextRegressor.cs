using System.Text.Json;
using MlNetIcl.Models;
using MlNetIcl.Models.Safetensors;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// A decoder that was trained to regress in context (Garg et al. 2022, arXiv:2208.01066): it answers a query from demonstrations, without any
/// change of its weights. Immutable; thread-safe. While it answers torch uses one thread in the whole process. Owns native memory; dispose it.
/// </summary>
public sealed class InContextRegressor : IDisposable
{
    private const string OptionsKey = "mlneticl.regressor";

    private readonly RegressionDecoder _decoder;

    private InContextRegressor(InContextRegressorOptions options, RegressionDecoder decoder) => (Options, _decoder) = (options, decoder);

    /// <summary>What it was trained on and how.</summary>
    public InContextRegressorOptions Options { get; }

    /// <summary>Number of parameters.</summary>
    public long ParameterCount => _decoder.Weights.Named().Sum(w => w.Value.numel());

    /// <summary>Trains one.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static InContextRegressor Train(InContextRegressorOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        using var trainer = new InContextRegressorTrainer(options);
        trainer.Train(observe: (step, _) => progress?.Report((double)step / trainer.Options.Steps), cancellationToken: cancellationToken);
        return trainer.ToRegressor();
    }

    /// <summary>Writes it to a file. Equal regressors give equal bytes.</summary>
    /// <param name="path">The file, as safetensors.</param>
    /// <exception cref="IOException">The file cannot be written; nothing is left behind.</exception>
    public void Save(string path) => SafetensorsFile.Write(path, _decoder.Weights.Named(), new Dictionary<string, string> { [OptionsKey] = SettingsJson.Write(Options) });

    /// <summary>Reads one. The file is not needed any more after that.</summary>
    /// <param name="path">A file that <see cref="Save"/> wrote.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is none of a regressor, or is damaged.</exception>
    public static InContextRegressor Load(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var decoder = new RegressionDecoder(ReadOptions(file, path, out var options));
        try
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            foreach (var (name, value) in decoder.Weights.Named())
            {
                if (!file.Tensors.TryGetValue(name, out var entry) || !entry.Shape.SequenceEqual(value.shape))
                    throw new ModelFormatException($"'{path}': expected tensor '{name}' of shape {Shapes.Show(value.shape)}, got {(entry is null ? "none" : Shapes.Show([.. entry.Shape]))}.");
                value.copy_(file.Read(name, ScalarType.Float32));
            }
            return new(options, decoder);
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <summary>Answers queries that all have the same demonstrations. Values are in the family's unit: x and w about N(0, 1) for <see cref="RegressionFamily.Linear"/>.</summary>
    /// <param name="inputs">x of each demonstration, d values each; at most <see cref="InContextRegressorOptions.Demonstrations"/> of them, or none.</param>
    /// <param name="outputs">y of each demonstration.</param>
    /// <param name="queries">x of each query; at least one.</param>
    /// <returns>One answer for each query, which does not depend on the other queries.</returns>
    /// <exception cref="ArgumentException">A row has not d values, or there are too many demonstrations, or not as many outputs as inputs.</exception>
    public float[] Predict(IReadOnlyList<float[]> inputs, IReadOnlyList<float> outputs, IReadOnlyList<float[]> queries)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        ArgumentNullException.ThrowIfNull(queries);
        if (inputs.Count > Options.Demonstrations) throw new ArgumentException($"Expected at most {Options.Demonstrations} demonstrations, which the regressor was trained with, got {inputs.Count}.", nameof(inputs));
        if (outputs.Count != inputs.Count) throw new ArgumentException($"Expected as many outputs as inputs, got {outputs.Count} and {inputs.Count}.", nameof(outputs));
        if (queries.Count == 0) throw new ArgumentException("Expected at least one query, got none.", nameof(queries));
        using var scope = NewDisposeScope();
        var answers = Answer(Rows(inputs), tensor([.. outputs], [1, outputs.Count]), Rows(queries));
        return answers.data<float>().ToArray();

        Tensor Rows(IReadOnlyList<float[]> rows)
        {
            foreach (float[] row in rows)
                if (row.Length != Options.Dimension) throw new ArgumentException($"Expected rows of {Options.Dimension} values, got one of {row.Length}.");
            return tensor([.. rows.SelectMany(row => row)], [1, rows.Count, Options.Dimension]);
        }
    }

    /// <summary>Answers to queries [task, m, d] behind the same demonstrations [task, k, d], [task, k]: [task, m], float32.</summary>
    internal Tensor Answer(Tensor inputs, Tensor outputs, Tensor queries, CancellationToken cancellation = default)
    {
        Shapes.Require(inputs, [queries.shape[0], outputs.shape[1], Options.Dimension], "the demonstrations' inputs [task, k, d]");
        Shapes.Require(queries, [outputs.shape[0], queries.shape[1], Options.Dimension], "the queries [task, m, d]");
        return TorchThreads.One(() => _decoder.Answer(inputs, outputs, queries, cancellation));
    }

    /// <summary>Answers of every task behind 0, 1, …, n demonstrations [task, n + 1], float64.</summary>
    internal Tensor ByShots(RegressionTasks tasks, CancellationToken cancellation = default)
    {
        const int chunk = 512;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var answers = new List<Tensor>();
        for (int first = 0; first < tasks.Count; first += chunk)
            answers.Add(_decoder.ByShots(tasks.Narrow(first, Math.Min(chunk, tasks.Count - first)), cancellation).to_type(ScalarType.Float64));
        return cat(answers, 0).MoveToOuterDisposeScope();
    }

    internal InContextRegressor Copy() => CopyOf(Options, _decoder);

    internal static InContextRegressor CopyOf(InContextRegressorOptions options, RegressionDecoder decoder)
    {
        var copy = new RegressionDecoder(options);
        using var noGradients = no_grad();
        foreach (var (to, from) in copy.Weights.Named().Zip(decoder.Weights.Named())) to.Value.copy_(from.Value);
        return new(options, copy);
    }

    /// <inheritdoc/>
    public void Dispose() => _decoder.Dispose();

    private static InContextRegressorOptions ReadOptions(SafetensorsFile file, string path, out InContextRegressorOptions options)
    {
        if (!file.Metadata.TryGetValue(OptionsKey, out string? json))
            throw new ModelFormatException($"'{path}' has no '{OptionsKey}' in its metadata: it holds tensors, but is no in-context regressor. Write one with InContextRegressor.Save or 'icl regression --save'.");
        try
        {
            options = SettingsJson.Read<InContextRegressorOptions>(json) ?? throw new JsonException("null");
            options.Validate();
            return options;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new ModelFormatException($"'{path}': the settings of the regressor cannot be read: {e.Message}", e);
        }
    }
}
