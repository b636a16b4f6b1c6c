using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.InContextLearning;
using MlNetIcl.Transforms.ModelStorage;
using MlNetIcl.Transforms.Rows;

[assembly: LoadableClass(typeof(InContextLearningScoringTransformer), null, typeof(SignatureLoadModel), "In-context-learning scorer", InContextLearningScoringTransformer.LoaderSignature)]

namespace MlNetIcl.Transforms.InContextLearning;

/// <summary>Summarises how a model's loss falls along a row. Made by <c>ScoreInContextLearning</c>.</summary>
public sealed class InContextLearningScoringTransformer : ModelTransformer
{
    internal const string LoaderSignature = "IclScoreLosses";
    private static readonly string[] SlotNames = ["Early", "Late", "Difference"];
    private static readonly VersionInfo CurrentVersion = VersionOf(typeof(InContextLearningScoringTransformer), "ICLLOSSC", LoaderSignature);

    private readonly InContextLearningScoringSettings _settings;
    private readonly DataViewSchema.DetachedColumn[] _outputs;

    internal InContextLearningScoringTransformer(IHostEnvironment environment, InContextLearningScoringSettings settings, ModelLease lease, bool saveWeights = false)
        : base(environment, nameof(InContextLearningScoringTransformer), settings, lease, saveWeights)
    {
        _settings = settings;
        List<DataViewSchema.DetachedColumn> outputs =
            [new(settings.OutputColumnName, new VectorDataViewType(NumberDataViewType.Single, SlotNames.Length), ColumnAnnotations.OfSlots(SlotNames))];
        if (settings.LossesColumnName is { } losses) outputs.Add(new(losses, new VectorDataViewType(NumberDataViewType.Single)));
        if (settings.ReasonColumnName is { } reason) outputs.Add(new(reason, TextDataViewType.Instance));
        _outputs = [.. outputs];
    }

    private protected override IReadOnlyList<DataViewSchema.DetachedColumn> Outputs => _outputs;

    private protected override VersionInfo Version => CurrentVersion;

    internal static InContextLearningScoringTransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        context.CheckAtModel(CurrentVersion);
        var settings = context.ReadSettings<InContextLearningScoringSettings>();
        return ModelStore.Load(environment, context, lease => new InContextLearningScoringTransformer(environment, settings, lease));
    }

    private protected override void Save(ModelSaveContext context) => SaveWithModel(context, _settings);

    private protected override RowBatch CreateRowBatch(DataViewRow source, bool[] activeOutputs, BatchLimits limits) => new Losses(this, source, limits);

    private sealed class Losses(InContextLearningScoringTransformer stage, DataViewRow source, BatchLimits limits)
        : TokenRowBatch(source, stage._settings, limits, stage.Model, stage.Host)
    {
        private readonly InContextLearningScoringSettings _settings = stage._settings;
        private readonly float[]?[] _losses = new float[]?[limits.Rows]; // [slot][i], the loss of token i + 1

        public override Delegate CreateGetter(int output, Func<int> slot)
        {
            string name = stage._outputs[output].Name;
            return name == _settings.OutputColumnName ? (ValueGetter<VBuffer<float>>)((ref value) => GetSummary(slot(), ref value))
                : name == _settings.LossesColumnName ? (ValueGetter<VBuffer<float>>)((ref value) => GetLosses(slot(), ref value))
                : ReasonGetter(slot);
        }

        protected override string? WhyNotMeasured(int slot, ReadOnlySpan<int> tokens)
        {
            int needed = Math.Max(_settings.EarlyPosition + 1, _settings.LatePosition ?? 0) + 1;
            return tokens.Length >= needed ? null : $"The row has {tokens.Length} tokens, but its early and late position need {needed}.";
        }

        protected override void Compute(TokenBatch rows, IReadOnlyList<int> slots)
        {
            Array.Clear(_losses); // the stretch before has been served
            var losses = LossCurves.Compute(Model, rows);
            for (int i = 0; i < slots.Count; i++) _losses[slots[i]] = losses[i];
        }

        private void GetSummary(int row, ref VBuffer<float> value)
        {
            if (!TryCompute(row))
            {
                Getters.Missing(SlotNames.Length, ref value);
                return;
            }
            var (early, late, difference) = LossCurves.InContextLearning(_losses[row], _settings.EarlyPosition, _settings.LatePosition);
            Getters.Copy<float>([early, late, difference], ref value);
        }

        private void GetLosses(int row, ref VBuffer<float> value)
        {
            if (TryCompute(row)) Getters.Copy<float>(_losses[row], ref value);
            else Getters.Empty(ref value);
        }
    }
}

internal sealed record InContextLearningScoringSettings : StageSettings
{
    public int EarlyPosition { get; init; } = 50;

    public int? LatePosition { get; init; }

    public string? LossesColumnName { get; init; }

    public override void Validate()
    {
        base.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(EarlyPosition, 1);
        if (LatePosition is { } late) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(late, EarlyPosition, nameof(LatePosition));
        if (LossesColumnName is not { } losses) return;
        ArgumentException.ThrowIfNullOrEmpty(losses, nameof(LossesColumnName));
        if (losses == OutputColumnName || losses == ReasonColumnName)
            throw new ArgumentException($"The losses column '{losses}' needs a name of its own.", nameof(LossesColumnName));
    }
}
