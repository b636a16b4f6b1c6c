using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Induction;
using MlNetIcl.Transforms.Interop;
using MlNetIcl.Transforms.ModelStorage;
using MlNetIcl.Transforms.Rows;

namespace MlNetIcl.Estimators;

/// <summary>
/// Decides which heads of a model are induction heads, with matched controls, intervals and a false discovery rate
/// (<see cref="HeadDetector"/>), and scores those on every row.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// | | |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No; with `Source = Rows`, yes |
/// | Input column data type | Vector of [key](xref:Microsoft.ML.Data.KeyDataViewType) (token id plus one), or of Int32 or Int64 (token ids) |
/// | Output column data type | Known-sized vector of Single, one slot for each induction head, named `L5.H1`; the verdicts on all heads are annotations |
/// | Required NuGet in addition to Microsoft.ML | MlNetIcl.Estimators |
/// | Exportable to ONNX | No |
/// ]]></format>
/// A model without induction heads gives one slot, <c>none</c>, which is always NaN, and a warning in the log. Immutable; thread-safe.
/// </remarks>
public sealed class InductionDetectingEstimator : IEstimator<InductionDetectingTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly LanguageModel _model;
    private readonly InductionDetectingOptions _options;
    private readonly InductionDetectingSettings _settings;

    internal InductionDetectingEstimator(IHostEnvironment environment, LanguageModel model, InductionDetectingOptions options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (!Enum.IsDefined(options.Source)) throw new ArgumentOutOfRangeException(nameof(options), options.Source, "Expected Source to be Generated or Rows.");
        if (options.MaximumRows < 2) throw new ArgumentOutOfRangeException(nameof(options), options.MaximumRows, "Expected MaximumRows to be at least 2.");
        (_environment, _model, _options) = (environment, model, options);
        _settings = options.FillModel(new InductionDetectingSettings
        {
            OutputColumnName = options.OutputColumnName,
            InputColumnName = options.InputColumnName ?? options.OutputColumnName,
        });
        _settings.Validate();
    }

    /// <summary>Scores all heads and decides. Data is read only where <see cref="InductionDetectingOptions.Source"/> says so.</summary>
    /// <param name="input">Data with the input column.</param>
    /// <returns>The transformer, which the caller disposes, or the chain that it is part of.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or of another type.</exception>
    /// <exception cref="InvalidTokensException">A row cannot be computed, and rows are set to throw.</exception>
    /// <exception cref="InvalidOperationException">There are no rows to decide on.</exception>
    /// <exception cref="ArgumentException">Confirmation is asked for on rows that do not repeat.</exception>
    public InductionDetectingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Promise().GetOutputSchema(input.Schema);
        var run = new StageRun(_environment, nameof(InductionDetectingEstimator));
        var detection = run.Do("Detect induction heads", progress => _options.Source == DetectionSource.Generated
            ? HeadDetector.Detect(_model, Detection, progress)
            : HeadDetector.Detect(_model, ReadRows(input, run), Detection with { ShuffledControls = true }, progress));
        if (!detection.Detected(HeadKind.Induction).Any())
            run.Warn($"The model '{_model.Name}' has no induction head at q < {detection.Alpha} and a difference of {detection.Threshold}: '{_settings.OutputColumnName}' will be NaN.");
        return new InductionDetectingTransformer(_environment, _settings, detection, ModelLease.Borrow(_model), _options.SaveWeights);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => Promise().GetOutputSchema(inputSchema);

    /// <summary>The protocol; it is seeded by the context where the options do not say otherwise.</summary>
    private HeadDetectionOptions Detection
    {
        get
        {
            var detection = _options.Detection ?? new HeadDetectionOptions { Seed = Seeds.Of(_environment) ?? 0, TransformerLens = false, Copying = false };
            return detection with { Confirm = detection.Confirm || _options.Confirm };
        }
    }

    private TokenBatch ReadRows(IDataView input, StageRun run)
    {
        int[][] rows = [.. TokenRows.Read(input, _settings, _model.Config, run, _options.MaximumRows)];
        return rows.Length > 0 ? new TokenBatch(rows)
            : throw new InvalidOperationException($"Column '{_settings.InputColumnName}' has no rows to decide on. Give it rows, or let sequences be generated (Source = Generated).");
    }

    /// <summary>A transformer of which only the kinds of output columns matter.</summary>
    private InductionDetectingTransformer Promise() => new(_environment, _settings, new HeadDetectionResult
    {
        Model = _model.Name,
        Layers = 1,
        HeadsPerLayer = 1,
        Heads = [new HeadScores { Layer = 0, Head = 0, Induction = new(), PreviousToken = new(), DuplicateToken = new() }],
        Protocol = new SequenceProtocol { Source = HeadScoreSource.Generated, Sequences = 0, Seed = 0, BosSource = "none" },
        Alpha = 1,
        Threshold = 1,
        WeakThreshold = 1,
    }, ModelLease.Borrow(_model));
}

/// <summary>What heads are judged on.</summary>
public enum DetectionSource
{
    /// <summary>Random sequences that repeat, generated for the model: the stated protocol.</summary>
    Generated,

    /// <summary>The rows of the data. Rows that repeat with one period get generated controls, others their own tokens, shuffled.</summary>
    Rows,
}

/// <summary>Settings of <see cref="InductionDetectingEstimator"/>.</summary>
public sealed record InductionDetectingOptions : ModelStageOptions
{
    /// <summary>What heads are judged on. <value>Default <see cref="DetectionSource.Generated"/>.</value></summary>
    public DetectionSource Source { get; init; }

    /// <summary>
    /// The protocol. <value>Default (null): the stated one, seeded by <c>MLContext(seed)</c> where that is given, without the scores that
    /// take no part in the verdict.</value>
    /// </summary>
    public HeadDetectionOptions? Detection { get; init; }

    /// <summary>
    /// Whether <c>Fit</c> also ablates the induction heads, alone and together, and says which carry copying
    /// (<see cref="HeadDetectionOptions.Confirm"/>, which does the same). It takes the whole model many times: minutes for a model of 30
    /// layers. With <see cref="DetectionSource.Rows"/> the rows must repeat. <value>Default false.</value>
    /// </summary>
    public bool Confirm { get; init; }

    /// <summary>The most rows that are read where <see cref="Source"/> is <see cref="DetectionSource.Rows"/>; they are held in memory. Range: at least 2. <value>Default 1,000.</value></summary>
    public int MaximumRows { get; init; } = 1000;
}
