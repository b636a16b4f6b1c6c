using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Interventions;
using MlNetIcl.Transforms.ModelStorage;

namespace MlNetIcl.Estimators;

/// <summary>
/// Runs each prompt again with one head's activation from another prompt, head by head, and measures what that does to the model's
/// preference for an answer over a foil: logit(answer) - logit(foil) at the last token (Vig et al. 2020, arXiv:2004.12265; Meng et al. 2022,
/// arXiv:2202.05262, section 2).
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// | | |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | Clean and corrupted prompt: vectors of [key](xref:Microsoft.ML.Data.KeyDataViewType) (token id plus one), or of Int32 or Int64 (token ids). Answer and foil: the same, as single values or as vectors that hold one token |
/// | Output column data type | Known-sized vector of Single, slots named `L5.H1`, or `L5` at sites without heads |
/// | Required NuGet in addition to Microsoft.ML | MlNetIcl.Estimators |
/// | Exportable to ONNX | No |
/// ]]></format>
/// A row cannot be computed where the two prompts differ in their number of tokens, or answer or foil is not exactly one token; see
/// <see cref="StageOptions.OnError"/>. A row whose two prompts' metrics differ by less than a thousandth (of the larger one, where that is above 1) has no
/// normalised effect: it is NaN, whatever that says. Time: one run of the model from the patched layer on for every slot and row.
/// </remarks>
public sealed class ActivationPatchingEstimator : StageEstimator<ActivationPatchingTransformer>
{
    private readonly ActivationPatchingSettings _settings;
    private readonly LanguageModel _model;
    private readonly bool _saveWeights;

    internal ActivationPatchingEstimator(IHostEnvironment environment, LanguageModel model, ActivationPatchingOptions options) : base(environment)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        (_model, _saveWeights) = (model, options.SaveWeights);
        _settings = options.FillModel(new ActivationPatchingSettings
        {
            OutputColumnName = options.OutputColumnName,
            InputColumnName = options.InputColumnName ?? options.OutputColumnName,
            CorruptedColumnName = options.CorruptedColumnName,
            AnswerColumnName = options.AnswerColumnName,
            FoilColumnName = options.FoilColumnName,
            Site = options.Site,
            Heads = options.Heads,
            Output = options.Output,
            Direction = options.Direction,
            MetricsColumnName = options.MetricsColumnName,
        });
        CreateTransformer().Dispose(); // checks every value now, not at Fit
    }

    private protected override ActivationPatchingTransformer CreateTransformer() => new(Environment, _settings, ModelLease.Borrow(_model), _saveWeights);
}

/// <summary>Settings of <see cref="ActivationPatchingEstimator"/>. The inherited input column holds the clean prompts.</summary>
public sealed record ActivationPatchingOptions : ModelStageOptions
{
    /// <summary>Name of the column of corrupted prompts, each with as many tokens as its clean one.</summary>
    public required string CorruptedColumnName { get; init; }

    /// <summary>Name of the column with the token that should follow the clean prompt.</summary>
    public required string AnswerColumnName { get; init; }

    /// <summary>Name of the column with the token that it is compared with.</summary>
    public required string FoilColumnName { get; init; }

    /// <summary>What is patched. <value>Default <see cref="SiteKind.Z"/>, the output of each head.</value></summary>
    public SiteKind Site { get; init; } = SiteKind.Z;

    /// <summary>The heads, in the order of the output; at keys and values these are key heads. <value>Default (null): all, or every layer where the site has no heads.</value></summary>
    public IReadOnlyList<HeadId>? Heads { get; init; }

    /// <summary>What is given out. <value>Default <see cref="PatchingOutput.Normalised"/>.</value></summary>
    public PatchingOutput Output { get; init; }

    /// <summary>Which prompt's activations are written into which run. <value>Default <see cref="PatchDirection.CleanIntoCorrupted"/>.</value></summary>
    public PatchDirection Direction { get; init; }

    /// <summary>Name of a column with the metric of both prompts without a patch, in logits; slots <c>Clean</c> and <c>Corrupted</c>. <value>Default (null): no such column.</value></summary>
    public string? MetricsColumnName { get; init; }
}
