using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.Interventions;
using MlNetIcl.Transforms.ModelStorage;
using MlNetIcl.Transforms.Rows;

[assembly: LoadableClass(typeof(ActivationPatchingTransformer), null, typeof(SignatureLoadModel), "Activation patching", ActivationPatchingTransformer.LoaderSignature)]

namespace MlNetIcl.Transforms.Interventions;

/// <summary>What is given out of a patched run.</summary>
public enum PatchingOutput
{
    /// <summary>(patched - base) / (source - base): 0 where the patch does nothing, 1 where it does all; may lie outside.</summary>
    Normalised,

    /// <summary>Patched minus base, in logits.</summary>
    Difference,
}

/// <summary>Patches the parts of a site from one prompt's run into another's, row by row. Made by <c>PatchActivations</c>.</summary>
public sealed class ActivationPatchingTransformer : ModelTransformer
{
    internal const string LoaderSignature = "IclPatchActivations";
    private static readonly VersionInfo CurrentVersion = VersionOf(typeof(ActivationPatchingTransformer), "ICLPATCH", LoaderSignature);

    private readonly ActivationPatchingSettings _settings;
    private readonly DataViewSchema.DetachedColumn[] _outputs;

    internal ActivationPatchingTransformer(IHostEnvironment environment, ActivationPatchingSettings settings, ModelLease lease, bool saveWeights = false)
        : base(environment, nameof(ActivationPatchingTransformer), settings, lease, saveWeights)
    {
        _settings = settings;
        Slots = settings.Slots(Model.Config);
        List<DataViewSchema.DetachedColumn> outputs =
            [new(settings.OutputColumnName, new VectorDataViewType(NumberDataViewType.Single, Slots.Count), ColumnAnnotations.OfSlots(Slots.Select(Name)))];
        if (settings.MetricsColumnName is { } metrics)
            outputs.Add(new(metrics, new VectorDataViewType(NumberDataViewType.Single, 2), ColumnAnnotations.OfSlots(["Clean", "Corrupted"])));
        if (settings.ReasonColumnName is { } reason) outputs.Add(new(reason, TextDataViewType.Instance));
        _outputs = [.. outputs];
    }

    /// <summary>What is patched, in the order of the output.</summary>
    public IReadOnlyList<PatchSlot> Slots { get; }

    private protected override IReadOnlyList<InputColumn> Inputs =>
    [
        InputColumn.TokenIds(_settings.InputColumnName),
        InputColumn.TokenIds(_settings.CorruptedColumnName),
        InputColumn.TokenId(_settings.AnswerColumnName),
        InputColumn.TokenId(_settings.FoilColumnName),
    ];

    private protected override IReadOnlyList<DataViewSchema.DetachedColumn> Outputs => _outputs;

    private protected override VersionInfo Version => CurrentVersion;

    internal static ActivationPatchingTransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        context.CheckAtModel(CurrentVersion);
        var settings = context.ReadSettings<ActivationPatchingSettings>();
        return ModelStore.Load(environment, context, lease => new ActivationPatchingTransformer(environment, settings, lease));
    }

    private protected override void Save(ModelSaveContext context) => SaveWithModel(context, _settings);

    private protected override RowBatch CreateRowBatch(DataViewRow source, bool[] activeOutputs, BatchLimits limits) => new Pairs(this, source, limits);

    private static string Name(PatchSlot slot) => slot.Head is { } head
        ? new HeadId(slot.Layer, head).ToString()
        : string.Create(CultureInfo.InvariantCulture, $"L{slot.Layer}");

    /// <summary>Pairs of prompts, each with the two tokens that its metric compares.</summary>
    private sealed class Pairs(ActivationPatchingTransformer stage, DataViewRow source, BatchLimits limits)
        : TokenRowBatch(source, stage._settings, limits, stage.Model, stage.Host)
    {
        private readonly ActivationPatchingSettings _settings = stage._settings;
        private readonly TokenReader _readCorrupted = TokenReader.Create(source, stage._settings.CorruptedColumnName);
        private readonly TokenReader _readAnswer = TokenReader.Create(source, stage._settings.AnswerColumnName);
        private readonly TokenReader _readFoil = TokenReader.Create(source, stage._settings.FoilColumnName);
        private readonly int[][] _corrupted = new int[limits.Rows][];
        private readonly int[] _answers = new int[limits.Rows], _foils = new int[limits.Rows];
        private readonly float[] _effects = new float[limits.Rows * stage.Slots.Count]; // [slot, patch]
        private readonly (double Clean, double Corrupted)[] _metrics = new (double, double)[limits.Rows];

        private int Width => stage.Slots.Count;

        public override Delegate CreateGetter(int output, Func<int> slot)
        {
            string name = stage._outputs[output].Name;
            return name == _settings.OutputColumnName ? (ValueGetter<VBuffer<float>>)((ref value) => GetEffects(slot(), ref value))
                : name == _settings.MetricsColumnName ? (ValueGetter<VBuffer<float>>)((ref value) => GetMetrics(slot(), ref value))
                : ReasonGetter(slot);
        }

        protected override (string Column, string Why)? ReadMore(int slot, int[] tokens)
        {
            var config = Model.Config;
            var corrupted = _readCorrupted.Read(config.Vocabulary, config.Context, out string? why);
            if (corrupted is null) return (_settings.CorruptedColumnName, why!);
            if (corrupted.Length != tokens.Length)
                return (_settings.CorruptedColumnName, $"The corrupted prompt has {corrupted.Length} tokens, but the clean one has {tokens.Length}: they must have the same number.");
            if (_readAnswer.ReadOne(config.Vocabulary, out why) is not { } answer) return (_settings.AnswerColumnName, why!);
            if (_readFoil.ReadOne(config.Vocabulary, out why) is not { } foil) return (_settings.FoilColumnName, why!);
            (_corrupted[slot], _answers[slot], _foils[slot]) = (corrupted, answer, foil);
            return null;
        }

        protected override long Cost(int rows, int longest) => 2 * base.Cost(rows, longest);

        protected override string? WhyNotMeasured(int slot, ReadOnlySpan<int> tokens)
        {
            if (_settings.Output == PatchingOutput.Difference) return null;
            Require(slot);
            return HasScale(slot) ? null : "The clean and the corrupted prompt have the same metric, so that there is no difference to normalise by.";
        }

        protected override void Compute(TokenBatch rows, IReadOnlyList<int> slots)
        {
            var metric = PatchMetric.LogitDifference([.. slots.Select(slot => _answers[slot])], [.. slots.Select(slot => _foils[slot])]);
            var corrupted = new TokenBatch([.. slots.Select(slot => _corrupted[slot])]);
            var result = ActivationPatching.Run(Model, rows, corrupted, stage.Slots, metric, _settings.Direction, progress: Alive);
            RequireFinite([.. result.CleanValues, .. result.CorruptedValues]);
            for (int i = 0; i < slots.Count; i++)
            {
                _metrics[slots[i]] = (result.CleanValues[i], result.CorruptedValues[i]);
                for (int patch = 0; patch < Width; patch++)
                    _effects[slots[i] * Width + patch] = Effect(slots[i], result.Effects[patch].Values[i]);
            }
        }

        private float Effect(int slot, double patched)
        {
            var (clean, corrupted) = _metrics[slot];
            var (from, to) = _settings.Direction == PatchDirection.CleanIntoCorrupted ? (corrupted, clean) : (clean, corrupted);
            return (float)(_settings.Output == PatchingOutput.Difference ? patched - from
                : HasScale(slot) ? (patched - from) / (to - from)
                : double.NaN);
        }

        /// <summary>Whether clean and corrupted differ by enough that rounding does not show in their quotient.</summary>
        private bool HasScale(int slot)
        {
            var (clean, corrupted) = _metrics[slot];
            return Math.Abs(clean - corrupted) > 1e-3 * Math.Max(1, Math.Max(Math.Abs(clean), Math.Abs(corrupted)));
        }

        private void GetEffects(int row, ref VBuffer<float> value)
        {
            if (TryCompute(row)) Getters.Copy<float>(_effects.AsSpan(row * Width, Width), ref value);
            else Getters.Missing(Width, ref value);
        }

        private void GetMetrics(int row, ref VBuffer<float> value)
        {
            if (TryCompute(row)) Getters.Copy<float>([(float)_metrics[row].Clean, (float)_metrics[row].Corrupted], ref value);
            else Getters.Missing(2, ref value);
        }
    }
}

internal sealed record ActivationPatchingSettings : StageSettings
{
    public required string CorruptedColumnName { get; init; }

    public required string AnswerColumnName { get; init; }

    public required string FoilColumnName { get; init; }

    public SiteKind Site { get; init; } = SiteKind.Z;

    public IReadOnlyList<HeadId>? Heads { get; init; }

    public PatchingOutput Output { get; init; }

    public PatchDirection Direction { get; init; }

    public string? MetricsColumnName { get; init; }

    /// <exception cref="ArgumentException">The model lacks the site or a head, or a head is named twice.</exception>
    public IReadOnlyList<PatchSlot> Slots(DecoderConfig config)
    {
        if (Heads is null) return PatchSlot.All(config, Site);
        if (Heads.Count == 0) throw new ArgumentException("Expected at least one head. Leave the heads out (null) to take all.");
        PatchSlot[] slots = [.. Heads.Select(head => new PatchSlot(Site, head.Layer, head.Head))];
        foreach (var slot in slots) slot.Require(config, 1);
        if (slots.Distinct().Count() < slots.Length) throw new ArgumentException("A head is named twice.");
        return slots;
    }

    public override void Validate()
    {
        base.Validate();
        ArgumentException.ThrowIfNullOrEmpty(CorruptedColumnName);
        ArgumentException.ThrowIfNullOrEmpty(AnswerColumnName);
        ArgumentException.ThrowIfNullOrEmpty(FoilColumnName);
        if (!Enum.IsDefined(Site)) throw new ArgumentOutOfRangeException(nameof(Site), Site, "Expected a kind of site.");
        if (!Enum.IsDefined(Output)) throw new ArgumentOutOfRangeException(nameof(Output), Output, "Expected Normalised or Difference.");
        if (!Enum.IsDefined(Direction)) throw new ArgumentOutOfRangeException(nameof(Direction), Direction, "Expected CleanIntoCorrupted or CorruptedIntoClean.");
        if (MetricsColumnName is not { } metrics) return;
        ArgumentException.ThrowIfNullOrEmpty(metrics, nameof(MetricsColumnName));
        if (metrics == OutputColumnName || metrics == ReasonColumnName)
            throw new ArgumentException($"The metrics column '{metrics}' needs a name of its own.", nameof(MetricsColumnName));
    }
}
