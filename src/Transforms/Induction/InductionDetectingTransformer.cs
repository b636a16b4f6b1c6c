using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.Induction;
using MlNetIcl.Transforms.ModelStorage;
using MlNetIcl.Transforms.Rows;

[assembly: LoadableClass(typeof(InductionDetectingTransformer), null, typeof(SignatureLoadModel), "Induction heads", InductionDetectingTransformer.LoaderSignature)]

namespace MlNetIcl.Transforms.Induction;

/// <summary>Scores the induction heads that were detected. Made by <c>DetectInductionHeads</c>; carries the evidence for every head.</summary>
/// <remarks>
/// Where no head was found the output has one slot, <c>none</c>, which is always NaN. Annotations of the output column, by slot:
/// <c>SlotNames</c>, <c>InductionScores</c>, <c>InductionDifferences</c>, <c>InductionQs</c>, <c>InductionVerdicts</c>; of all heads of the
/// model, layer by layer: the same kinds with <c>All</c> before them, and <c>AllHeads</c>. By slot also <c>ConfirmationEffects</c>,
/// <c>ConfirmationSpecificities</c> and <c>ConfirmationVerdicts</c>. What was not measured is NaN, or an empty text.
/// </remarks>
public sealed class InductionDetectingTransformer : ModelTransformer
{
    internal const string LoaderSignature = "IclDetectInduction";
    private const string NoHead = "none";

    // 1.2: the detection may hold a confirmation, which 1.1 leaves out when it reads.
    private static readonly VersionInfo CurrentVersion = VersionOf(typeof(InductionDetectingTransformer), "ICLDETEC", LoaderSignature, written: 0x00010002);

    private readonly InductionDetectingSettings _settings;
    private readonly HeadId[] _heads;
    private readonly DataViewSchema.DetachedColumn[] _outputs;

    internal InductionDetectingTransformer(IHostEnvironment environment, InductionDetectingSettings settings, HeadDetectionResult detection, ModelLease lease, bool saveWeights = false)
        : base(environment, nameof(InductionDetectingTransformer), settings, lease, saveWeights)
    {
        (_settings, Detection) = (settings, detection);
        HeadScores[] detected = [.. detection.Detected(HeadKind.Induction)];
        _heads = [.. detected.Select(head => new HeadId(head.Layer, head.Head))];
        foreach (var head in _heads) head.Require(Model.Config);
        _outputs = InductionRowBatch.Columns(settings, Math.Max(1, _heads.Length), Annotate(detected, detection));
    }

    /// <summary>Scores, evidence and verdicts of every head, as they were when the estimator was fitted.</summary>
    public HeadDetectionResult Detection { get; }

    /// <summary>The heads with the verdict <c>induction</c>, in the order of the output; may be none.</summary>
    public IReadOnlyList<HeadId> Heads => _heads;

    private protected override IReadOnlyList<DataViewSchema.DetachedColumn> Outputs => _outputs;

    private protected override VersionInfo Version => CurrentVersion;

    internal static InductionDetectingTransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        context.CheckAtModel(CurrentVersion);
        var settings = context.ReadSettings<InductionDetectingSettings>();
        var detection = context.ReadJson<HeadDetectionResult>();
        return ModelStore.Load(environment, context, lease => new InductionDetectingTransformer(environment, settings, detection, lease));
    }

    private protected override void Save(ModelSaveContext context)
    {
        context.WriteJson(_settings);
        context.WriteJson(Detection);
        ModelStore.Save(context, Model, SaveWeights);
    }

    private protected override RowBatch CreateRowBatch(DataViewRow source, bool[] activeOutputs, BatchLimits limits) =>
        new InductionRowBatch(source, _settings, limits, Model, Host, _heads);

    private static DataViewSchema.Annotations Annotate(HeadScores[] detected, HeadDetectionResult detection)
    {
        var all = detection.Heads;
        // A vector of length 0 would be one of variable length.
        var missing = new HeadMeasure { Verdict = NoHead };
        HeadMeasure[] slots = detected.Length == 0 ? [missing] : [.. detected.Select(head => head.Induction)];
        var builder = new DataViewSchema.Annotations.Builder()
            .WithSlotNames(detected.Length == 0 ? [NoHead] : detected.Select(head => head.Name))
            .WithTexts("AllHeads", all.Select(head => head.Name));
        Describe(builder, "", slots);
        Describe(builder, "All", [.. all.Select(head => head.Induction)]);
        var confirmed = (detection.Confirmation?.Heads ?? []).ToDictionary(head => head.Name);
        Confirm(builder, detected.Length == 0 ? [null] : [.. detected.Select(head => confirmed.GetValueOrDefault(head.Name))]);
        return builder.ToAnnotations();
    }

    private static void Describe(DataViewSchema.Annotations.Builder builder, string prefix, HeadMeasure[] heads) => builder
        .WithNumbers(prefix + "InductionScores", heads.Select(head => (float)(head.Score ?? double.NaN)))
        .WithNumbers(prefix + "InductionDifferences", heads.Select(head => (float)(head.Difference ?? double.NaN)))
        .WithNumbers(prefix + "InductionQs", heads.Select(head => (float)(head.Q ?? double.NaN)))
        .WithTexts(prefix + "InductionVerdicts", heads.Select(head => head.Verdict ?? ""));

    private static void Confirm(DataViewSchema.Annotations.Builder builder, HeadConfirmation?[] heads) => builder
        .WithNumbers("ConfirmationEffects", heads.Select(head => (float)(head?.Effect ?? double.NaN)))
        .WithNumbers("ConfirmationSpecificities", heads.Select(head => (float)(head?.Specificity ?? double.NaN)))
        .WithTexts("ConfirmationVerdicts", heads.Select(head => head?.Verdict ?? ""));
}

internal sealed record InductionDetectingSettings : StageSettings;
