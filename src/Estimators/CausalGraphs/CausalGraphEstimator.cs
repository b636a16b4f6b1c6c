using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.CausalGraphs;
using MlNetIcl.Transforms.Interop;

namespace MlNetIcl.Estimators;

/// <summary>
/// Learns which positions of sequences decide which (<see cref="CausalGraphLearner"/>), and says of every row how strongly it speaks for each edge.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// | | |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | Yes |
/// | Input column data type | Vector of [key](xref:Microsoft.ML.Data.KeyDataViewType) (id plus one), or of Int32 or Int64 (ids), all rows of one length of 2 to 64, at most 256 different ids |
/// | Output column data type | Known-sized vector of Single, one slot for each pair of positions, named `X3->X7`; the graph is an annotation |
/// | Required NuGet in addition to Microsoft.ML | MlNetIcl.Estimators |
/// | Exportable to ONNX | No |
/// ]]></format>
/// Fitting a few thousand rows of 10 tokens takes seconds. A graph without edges is a result, and a warning in the log. Immutable; thread-safe.
/// </remarks>
public sealed class CausalGraphEstimator : IEstimator<CausalGraphTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly CausalGraphStageOptions _options;
    private readonly CausalGraphSettings _settings;

    internal CausalGraphEstimator(IHostEnvironment environment, CausalGraphStageOptions options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        options.Learning?.Validate();
        SequenceReader.Validate(options.Length);
        if (options.MaximumRows < CausalGraphLearner.FewestRows) throw new ArgumentOutOfRangeException(nameof(options), options.MaximumRows, $"Expected MaximumRows to be at least {CausalGraphLearner.FewestRows}.");
        (_environment, _options) = (environment, options);
        _settings = options.Fill(new CausalGraphSettings
        {
            OutputColumnName = options.OutputColumnName,
            InputColumnName = options.InputColumnName ?? options.OutputColumnName,
            BatchRows = options.BatchRows,
            CutsLongerRows = options.Length is not null,
        });
        _settings.Validate();
    }

    /// <summary>Reads the rows and learns the graph.</summary>
    /// <param name="input">Data with the input column, at least 10 rows.</param>
    /// <returns>The transformer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or of another type.</exception>
    /// <exception cref="InvalidTokensException">A row cannot be read, and rows are set to throw.</exception>
    /// <exception cref="InvalidOperationException">There are too few rows to learn from.</exception>
    public CausalGraphTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Promise().GetOutputSchema(input.Schema);
        var run = new StageRun(_environment, nameof(CausalGraphEstimator));
        var (rows, keys) = new SequenceReader(_settings, _options.Length, _options.MaximumRows).Read(input, CausalGraphLearner.MostTokens, int.MaxValue, run);
        if (rows.Count < CausalGraphLearner.FewestRows)
            throw new InvalidOperationException($"Column '{_settings.InputColumnName}' has {rows.Count} rows to learn a graph from; expected at least {CausalGraphLearner.FewestRows}.");
        int? vocabulary = keys is >= 2 and <= CausalGraphLearner.MostTokens ? keys : null;
        var graph = run.Do("Learn a causal graph", progress => CausalGraphLearner.Learn(rows, vocabulary, _options.Learning ?? new() { Seed = Seeds.Of(_environment) ?? 0 }, progress));
        if (!graph.Reading.Graph.Edges.Any()) run.Warn($"No position of '{_settings.InputColumnName}' is predicted better by an earlier one: the graph has no edges.");
        return new(_environment, _settings, graph);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => Promise().GetOutputSchema(inputSchema);

    /// <summary>A transformer of which only the kinds of output columns matter.</summary>
    private CausalGraphTransformer Promise() => new(_environment, _settings, LearnedCausalGraph.Unlearned);
}
