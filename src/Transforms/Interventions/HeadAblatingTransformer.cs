using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.Interventions;
using MlNetIcl.Transforms.ModelStorage;
using MlNetIcl.Transforms.Rows;

[assembly: LoadableClass(typeof(HeadAblatingTransformer), null, typeof(SignatureLoadModel), "Head ablation", HeadAblatingTransformer.LoaderSignature)]

namespace MlNetIcl.Transforms.Interventions;

/// <summary>What is measured before and after an ablation.</summary>
public enum AblationMetric
{
    /// <summary>Mean loss of the row's next tokens, in nats.</summary>
    Loss,

    /// <summary>Mean loss of the second repeat, in nats, of rows that repeat.</summary>
    SecondRepeatLoss,

    /// <summary>Share of the second repeat's tokens, its first left out, that are the argmax over the vocabulary, of rows that repeat.</summary>
    CopyAccuracy,
}

/// <summary>Switches heads off and measures what each row loses. Made by <c>AblateHeads</c>; carries what the heads' outputs are replaced by.</summary>
public sealed class HeadAblatingTransformer : ModelTransformer
{
    internal const string LoaderSignature = "IclAblateHeads";
    private static readonly VersionInfo CurrentVersion = VersionOf(typeof(HeadAblatingTransformer), "ICLABLAT", LoaderSignature);

    private readonly HeadAblatingSettings _settings;
    private readonly HeadId[] _heads;
    private readonly IReadOnlyList<HeadOutputTable> _tables;
    private readonly DataViewSchema.DetachedColumn[] _outputs;

    /// <param name="environment">The environment.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="tables">What stands in for the heads' outputs, one table after the other; none for zero. Owned from here on.</param>
    /// <param name="lease">The model.</param>
    /// <param name="saveWeights">Whether the weights are saved, too.</param>
    internal HeadAblatingTransformer(IHostEnvironment environment, HeadAblatingSettings settings, IReadOnlyList<HeadOutputTable> tables, ModelLease lease, bool saveWeights = false)
        : base(environment, nameof(HeadAblatingTransformer), settings, lease, saveWeights)
    {
        (_settings, _tables) = (settings, tables);
        _heads = settings.Heads.Resolve(Model.Config);
        string[] slots = settings.Together ? [string.Join('+', _heads)] : [.. _heads.Select(head => head.ToString())];
        List<DataViewSchema.DetachedColumn> outputs =
            [new(settings.OutputColumnName, new VectorDataViewType(NumberDataViewType.Single, slots.Length), ColumnAnnotations.OfSlots(slots))];
        if (settings.MetricColumnName is { } metric) outputs.Add(new(metric, NumberDataViewType.Single));
        if (settings.ReasonColumnName is { } reason) outputs.Add(new(reason, TextDataViewType.Instance));
        _outputs = [.. outputs];
    }

    /// <summary>The heads, in the order of the output.</summary>
    public IReadOnlyList<HeadId> Heads => _heads;

    private protected override IReadOnlyList<DataViewSchema.DetachedColumn> Outputs => _outputs;

    private protected override VersionInfo Version => CurrentVersion;

    internal static HeadAblatingTransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        context.CheckAtModel(CurrentVersion);
        var settings = context.ReadSettings<HeadAblatingSettings>();
        var shapes = context.ReadJson<HeadOutputTableShape?[]>();
        if ((settings.Kind == AblationKind.Zero) != (shapes.Length == 0) || shapes.Contains(null))
            throw new FormatException($"The saved stage ablates by {settings.Kind}, but holds {shapes.Length} tables of head outputs: it is damaged.");
        byte[][] values = [.. shapes.Select((_, i) => context.ReadFile(TableFile(i)))];
        return ModelStore.Load(environment, context, lease =>
        {
            HeadId[] heads = settings.Heads.Resolve(lease.Model.Config);
            if (shapes.Any(shape => shape!.Layers is null || heads.Any(head => !shape.Layers.Contains(head.Layer))))
                throw new FormatException("The saved stage lacks the outputs of some of its heads: it is damaged.");
            return new HeadAblatingTransformer(environment, settings,
                [.. shapes.Zip(values, (shape, bytes) => HeadOutputTable.FromBytes(shape!, bytes, lease.Model.Config, lease.Model.Device))], lease);
        });
    }

    private protected override void Save(ModelSaveContext context)
    {
        context.WriteJson(_settings);
        context.WriteJson(_tables.Select(table => table.Shape).ToArray());
        for (int i = 0; i < _tables.Count; i++) context.WriteFile(TableFile(i), _tables[i].ToBytes());
        ModelStore.Save(context, Model, SaveWeights);
    }

    private protected override RowBatch CreateRowBatch(DataViewRow source, bool[] activeOutputs, BatchLimits limits) =>
        new HeadAblationRowBatch(source, _settings, limits, Model, Host, _heads, _tables, [.. _outputs.Select(o => o.Name)]);

    private protected override void Free()
    {
        foreach (var table in _tables) table.Dispose();
        base.Free();
    }

    private static string TableFile(int i) => string.Create(CultureInfo.InvariantCulture, $"Outputs.{i}");
}

internal sealed record HeadAblatingSettings : StageSettings
{
    public HeadSelection Heads { get; init; } = new();

    public bool Together { get; init; }

    public AblationKind Kind { get; init; } = AblationKind.MeanPerPosition;

    public AblationMetric Metric { get; init; }

    public bool KeepPatterns { get; init; }

    public string? MetricColumnName { get; init; }

    /// <summary>The id that starts rows, as it was known when the stage was made: a loaded model has no tokenizer to say it.</summary>
    public int? BosTokenId { get; init; }

    public override void Validate()
    {
        base.Validate();
        if (!Enum.IsDefined(Kind)) throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "Expected Zero, Mean, MeanPerPosition or Resample.");
        if (!Enum.IsDefined(Metric)) throw new ArgumentOutOfRangeException(nameof(Metric), Metric, "Expected Loss, SecondRepeatLoss or CopyAccuracy.");
        if (MetricColumnName is not { } metric) return;
        ArgumentException.ThrowIfNullOrEmpty(metric, nameof(MetricColumnName));
        if (metric == OutputColumnName || metric == ReasonColumnName)
            throw new ArgumentException($"The metric column '{metric}' needs a name of its own.", nameof(MetricColumnName));
    }
}
