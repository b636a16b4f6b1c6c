using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Interop;
using MlNetIcl.Transforms.Interventions;
using MlNetIcl.Transforms.ModelStorage;
using MlNetIcl.Transforms.Rows;

namespace MlNetIcl.Estimators;

/// <summary>
/// Replaces the output of heads by what says nothing about the row, head by head or all together, and measures what that changes on
/// each row. <see cref="Fit"/> learns the replacements, so that a row's value depends on the training data and on nothing else.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// | | |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | Yes, for the means; not with `Kind = Zero` or with `Reference` |
/// | Input column data type | Vector of [key](xref:Microsoft.ML.Data.KeyDataViewType) (token id plus one), or of Int32 or Int64 (token ids) |
/// | Output column data type | Known-sized vector of Single, slots named `L5.H1`; one slot, `L5.H1+L6.H0`, where heads are ablated together |
/// | Required NuGet in addition to Microsoft.ML | MlNetIcl.Estimators |
/// | Exportable to ONNX | No |
/// ]]></format>
/// <para>
/// The change is the metric after the ablation minus before: a positive change of a loss says that the row needs the head. Mean per
/// position: the mean over the training rows that reach the position; positions that fewer than
/// <see cref="HeadAblatingOptions.MinimumRows"/> rows reach, and all beyond the longest row, take the mean over all rows and positions.
/// Resample: the head's output on other training rows (<see cref="HeadAblatingOptions.ResampleRows"/> of the longest, drawn by the
/// context's seed), mean of the changes; a row's own values are left out.
/// </para>
/// <para>Fitting holds one sum for each head, dimension and position of the longest row, in float64, whatever the number of rows. Immutable; thread-safe.</para>
/// </remarks>
public sealed class HeadAblatingEstimator : IEstimator<HeadAblatingTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly LanguageModel _model;
    private readonly HeadAblatingOptions _options;
    private readonly HeadAblatingSettings _settings;

    internal HeadAblatingEstimator(IHostEnvironment environment, LanguageModel model, HeadAblatingOptions options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (options.MinimumRows < 1) throw new ArgumentOutOfRangeException(nameof(options), options.MinimumRows, "Expected MinimumRows to be at least 1.");
        if (options.ResampleRows is < 1 or > 256) throw new ArgumentOutOfRangeException(nameof(options), options.ResampleRows, "Expected ResampleRows to be from 1 to 256.");
        options.Reference?.Validate(model.Config);
        (_environment, _model, _options) = (environment, model, options);
        _settings = options.FillModel(new HeadAblatingSettings
        {
            OutputColumnName = options.OutputColumnName,
            InputColumnName = options.InputColumnName ?? options.OutputColumnName,
            Heads = new HeadSelection(options.Heads),
            Together = options.Together,
            Kind = options.Kind,
            Metric = options.Metric,
            KeepPatterns = options.KeepPatterns,
            MetricColumnName = options.MetricColumnName,
            BosTokenId = TokenPool.Of(model).BosTokenId,
        });
        Create([]).Dispose(); // checks every value now, not at Fit
    }

    /// <summary>Learns what the heads' outputs are replaced by.</summary>
    /// <param name="input">Data with the input column. Its rows are read, once, where replacements come from them.</param>
    /// <returns>The transformer, which the caller disposes, or the chain that it is part of.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or of another type.</exception>
    /// <exception cref="InvalidTokensException">A row cannot be computed, and rows are set to throw.</exception>
    /// <exception cref="InvalidOperationException">There are no rows to learn from.</exception>
    public HeadAblatingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using (var promise = Create([])) promise.GetOutputSchema(input.Schema);
        if (_settings.Kind == AblationKind.Zero) return Create([]);
        var run = new StageRun(_environment, nameof(HeadAblatingEstimator));
        return Create(run.Do("Learn head outputs", progress =>
        {
            var rows = new ReferenceRows(_options.Reference?.Rows ?? Rows(input, run), _options.Reference?.Count ?? input.GetRowCount(), _settings.Limits, progress);
            int[] layers = [.. _settings.Heads.Resolve(_model.Config).Select(head => head.Layer).Distinct()];
            if (_settings.Kind == AblationKind.Resample) return HeadOutputLearning.Samples(_model, layers, rows, _options.ResampleRows, Seeds.Of(_environment) ?? 0);
            var means = HeadOutputLearning.Means(_model, layers, rows, _settings.Kind, _options.MinimumRows);
            if (_settings.Kind == AblationKind.MeanPerPosition && means.Positions == 1)
                run.Warn($"Fewer than {_options.MinimumRows} rows (MinimumRows) were there to learn from: all positions take the mean over rows and positions.");
            return [means];
        }));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        using var promise = Create([]);
        return promise.GetOutputSchema(inputSchema);
    }

    private HeadAblatingTransformer Create(IReadOnlyList<HeadOutputTable> tables) => new(_environment, _settings, tables, ModelLease.Borrow(_model), _options.SaveWeights);

    private IEnumerable<int[]> Rows(IDataView input, StageRun run)
    {
        bool any = false;
        foreach (int[] tokens in TokenRows.Read(input, _settings, _model.Config, run))
        {
            any = true;
            yield return tokens;
        }
        if (!any)
            throw new InvalidOperationException($"Column '{_settings.InputColumnName}' has no rows to learn head outputs from. Give it rows, give Reference, or ablate with zero.");
    }
}

/// <summary>Settings of <see cref="HeadAblatingEstimator"/>.</summary>
public sealed record HeadAblatingOptions : ModelStageOptions
{
    /// <summary>The heads, in the order of the output. <value>Default (null): all, layer by layer.</value></summary>
    public IReadOnlyList<HeadId>? Heads { get; init; }

    /// <summary>Whether all heads are ablated at once, which gives one value. <value>Default false: each alone.</value></summary>
    public bool Together { get; init; }

    /// <summary>What the heads' outputs are replaced by. <value>Default <see cref="AblationKind.MeanPerPosition"/>.</value></summary>
    public AblationKind Kind { get; init; } = AblationKind.MeanPerPosition;

    /// <summary>What is measured. <value>Default <see cref="AblationMetric.Loss"/>.</value></summary>
    public AblationMetric Metric { get; init; }

    /// <summary>Whether all later layers keep the attention patterns of the row without ablation (Olsson et al. 2022, pattern-preserving ablation). <value>Default false.</value></summary>
    public bool KeepPatterns { get; init; }

    /// <summary>The rows that replacements come from. <value>Default (null): the training data.</value></summary>
    public TokenBatch? Reference { get; init; }

    /// <summary>The fewest rows that a position's own mean is taken over. Range: at least 1. <value>Default 1.</value></summary>
    public int MinimumRows { get; init; } = 1;

    /// <summary>The rows that <see cref="AblationKind.Resample"/> takes values from; time grows with it. Range: 1 to 256. <value>Default 4.</value></summary>
    public int ResampleRows { get; init; } = 4;

    /// <summary>Name of a column with the metric without ablation. <value>Default (null): no such column.</value></summary>
    public string? MetricColumnName { get; init; }
}
