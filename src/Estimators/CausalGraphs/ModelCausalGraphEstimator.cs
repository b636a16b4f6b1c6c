using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.CausalGraphs;
using MlNetIcl.Transforms.Interop;
using MlNetIcl.Transforms.ModelStorage;

namespace MlNetIcl.Estimators;

/// <summary>
/// Reads a graph over positions from a language model's attention to the rows (<see cref="AttentionGraphReader"/>), and gives every row's attention along each edge.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// | | |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | Yes |
/// | Input column data type | Vector of [key](xref:Microsoft.ML.Data.KeyDataViewType) (token id plus one), or of Int32 or Int64 (token ids), all rows of one length of 2 to 64 |
/// | Output column data type | Known-sized vector of Single, one slot for each pair of positions, named `X3->X7`; graph and heads are annotations |
/// | Required NuGet in addition to Microsoft.ML | MlNetIcl.Estimators |
/// | Exportable to ONNX | No |
/// ]]></format>
/// Immutable; thread-safe. The model must outlive it and its transformers.
/// </remarks>
public sealed class ModelCausalGraphEstimator : IEstimator<ModelCausalGraphTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly LanguageModel _model;
    private readonly ModelCausalGraphStageOptions _options;
    private readonly ModelCausalGraphSettings _settings;

    internal ModelCausalGraphEstimator(IHostEnvironment environment, LanguageModel model, ModelCausalGraphStageOptions options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        SequenceReader.Validate(options.Length);
        if (!(options.Threshold is > 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(options), options.Threshold, "Expected Threshold to be above 0 and at most 1.");
        if (options.MaximumRows < 1) throw new ArgumentOutOfRangeException(nameof(options), options.MaximumRows, "Expected MaximumRows to be at least 1.");
        if (options.Heads is { Count: 0 }) throw new ArgumentException("Expected at least one head. Leave the heads out (null) to take those of the first layer.", nameof(options));
        foreach (var head in options.Heads ?? []) head.Require(model.Config);
        (_environment, _model, _options) = (environment, model, options);
        _settings = options.FillModel(new ModelCausalGraphSettings
        {
            OutputColumnName = options.OutputColumnName,
            InputColumnName = options.InputColumnName ?? options.OutputColumnName,
            CutsLongerRows = options.Length is not null,
            Map = [[1], [0, 1]],
            Heads = [new HeadId(0, 0)],
            Threshold = options.Threshold,
            Rows = 0,
        });
        _settings.Validate();
    }

    /// <summary>Runs the model on the rows and reads the graph.</summary>
    /// <param name="input">Data with the input column.</param>
    /// <returns>The transformer, which the caller disposes, or the chain that it is part of.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or of another type.</exception>
    /// <exception cref="InvalidTokensException">A row cannot be read, and rows are set to throw.</exception>
    /// <exception cref="InvalidOperationException">There is no row.</exception>
    public ModelCausalGraphTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using (var promise = Promise()) promise.GetOutputSchema(input.Schema);
        var run = new StageRun(_environment, nameof(ModelCausalGraphEstimator));
        var (rows, _) = new SequenceReader(_settings, _options.Length, _options.MaximumRows).Read(input, _model.Config.Vocabulary, _model.Config.Context, run);
        var (reading, heads) = run.Do("Read a causal graph", progress => AttentionGraphReader.Read(_model, rows, _options.Heads, _options.Threshold, progress));
        return new(_environment, _settings with { Map = [.. reading.Map.Rows.Select(row => row.ToArray())], Heads = [.. heads], Rows = rows.Count }, ModelLease.Borrow(_model), _options.SaveWeights);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        using var promise = Promise();
        return promise.GetOutputSchema(inputSchema);
    }

    /// <summary>A transformer of which only the kinds of output columns matter.</summary>
    private ModelCausalGraphTransformer Promise() => new(_environment, _settings, ModelLease.Borrow(_model));
}
