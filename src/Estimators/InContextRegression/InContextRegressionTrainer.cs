using Microsoft.ML;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.InContextRegression;
using MlNetIcl.Transforms.Interop;

namespace MlNetIcl.Estimators;

/// <summary>
/// Regression without training on the data: a small decoder that was trained on a family of tasks reads labelled examples and answers for each row, as
/// in Garg et al. 2022 (arXiv:2208.01066). Fitting keeps the examples; no weight depends on them.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Trainer Characteristics
/// | | |
/// | -- | -- |
/// | Machine learning task | Regression |
/// | Is normalization required? | No: it is part of the trainer |
/// | Is caching required? | No: the data is read once |
/// | Input columns | Label: Single; Features: known-sized vector of Single |
/// | Output column | Score: Single |
/// | Required NuGet in addition to Microsoft.ML | MlNetIcl.Estimators |
/// | Exportable to ONNX | No |
/// ]]></format>
/// Data with fewer features than the regressor has inputs is padded with zeros; data with more is refused. Rows with a label or feature that is NaN or
/// infinite are left out of the support set, with a warning in the log. Of more rows than the regressor takes at a time, draws are averaged
/// (<see cref="InContextRegressionOptions.Draws"/>): it then uses draws * demonstrations of them and no more. Immutable; thread-safe.
/// </remarks>
public sealed class InContextRegressionTrainer : ITrainerEstimator<InContextRegressionTransformer, InContextRegressor>, IDisposable
{
    private readonly IHostEnvironment _environment;
    private readonly InContextRegressionOptions _options;
    private readonly object _gate = new();
    private InContextRegressor? _own; // loaded or trained in the first Fit

    internal InContextRegressionTrainer(IHostEnvironment environment, InContextRegressionOptions options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (_environment, _options) = (environment, options);
    }

    /// <summary>
    /// What a regressor is trained on where nothing else is said: linear tasks of up to five inputs with noise of up to two standard deviations of an
    /// input's part, ten demonstrations.
    /// </summary>
    public static InContextRegressorOptions DefaultPretraining { get; } = new() { Noise = 2, NoiseVaries = true, PaddedShare = 0.25 };

    /// <summary>What ML.NET asks of trainers: no normalization, no caching, no calibration.</summary>
    public TrainerInfo Info { get; } = TrainerInfos.SinglePass();

    /// <summary>Gets a regressor, if there is none yet, and reads the data: its sizes, and the support set.</summary>
    /// <param name="input">Data with features and labels, or with rows that bring demonstrations.</param>
    /// <returns>The transformer, which the caller disposes, or the chain that it is part of.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">The data has more features than the regressor has inputs, or no row that can be used.</exception>
    /// <exception cref="FileNotFoundException">There is no file <see cref="InContextRegressionOptions.RegressorPath"/>.</exception>
    /// <exception cref="ModelFormatException">It holds no regressor.</exception>
    public InContextRegressionTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        foreach (var column in Inputs) column.Find(_environment, input.Schema);
        int features = ((Microsoft.ML.Data.VectorDataViewType)input.Schema[_options.FeatureColumnName].Type).Size;
        var run = new StageRun(_environment, nameof(InContextRegressionTrainer));
        if (_options.Pretraining is { } pretraining) RequireInputs(features, pretraining);
        var regressor = Regressor(run, features);
        var learned = new RegressionDataReader(_options, regressor.Options, features, _options.Seed ?? Seeds.Of(_environment) ?? 0).Read(input, run);
        return new(_environment, learned, regressor.Copy());
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (var column in Inputs) column.Check(_environment, inputSchema);
        var score = InContextRegressionTransformer.ScoreColumn();
        var columns = inputSchema.ToDictionary(column => column.Name);
        columns[score.Name] = InputColumn.ShapeOf(score.Name, score.Type, score.Annotations);
        return new SchemaShape(columns.Values);
    }

    /// <summary>Frees a regressor that was loaded or trained here. Transformers have their own.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _own?.Dispose();
            _own = null;
        }
    }

    private InputColumn[] Inputs => _options.DemonstrationFeaturesColumnName is { } demonstrations
        ? [InputColumn.Features(_options.FeatureColumnName), InputColumn.Numbers(demonstrations), InputColumn.Numbers(_options.DemonstrationLabelsColumnName!)]
        : [InputColumn.Features(_options.FeatureColumnName), InputColumn.Label(_options.LabelColumnName)];

    private InContextRegressor Regressor(StageRun run, int features)
    {
        if (_options.Regressor is { } given)
        {
            RequireInputs(features, given.Options);
            return given;
        }
        lock (_gate)
        {
            if (_own is null && _options.RegressorPath is null) RequireInputs(features, _options.Pretraining ?? DefaultPretraining); // before a minute is spent
            _own ??= _options.RegressorPath is { } path ? InContextRegressor.Load(path) : run.Do("Train an in-context regressor", progress => InContextRegressor.Train(_options.Pretraining ?? DefaultPretraining, progress));
            RequireInputs(features, _own.Options);
            return _own;
        }
    }

    private void RequireInputs(int features, InContextRegressorOptions regressor)
    {
        if (features > regressor.Dimension)
            throw new InvalidOperationException($"Column '{_options.FeatureColumnName}' has {features} features, but the regressor was trained with {regressor.Dimension} inputs. Train one with more ({nameof(InContextRegressionOptions.Pretraining)} with Dimension = {features}), or give it fewer features, as by ProjectToPrincipalComponents.");
    }
}
