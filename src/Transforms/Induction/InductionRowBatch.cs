using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.Rows;

namespace MlNetIcl.Transforms.Induction;

/// <summary>Induction scores of chosen heads.</summary>
internal sealed class InductionRowBatch(DataViewRow source, StageSettings settings, BatchLimits limits, LanguageModel model, IHost host, HeadId[] heads)
    : TokenRowBatch(source, settings, limits, model, host)
{
    private readonly HashSet<int> _layers = [.. heads.Select(head => head.Layer)];
    private readonly int _width = Math.Max(1, heads.Length);
    private readonly float[] _scores = new float[limits.Rows * heads.Length]; // [slot, head]

    /// <summary>The score column, and the reason column where it is wanted.</summary>
    public static DataViewSchema.DetachedColumn[] Columns(StageSettings settings, int slots, DataViewSchema.Annotations annotations)
    {
        var scores = new DataViewSchema.DetachedColumn(settings.OutputColumnName, new VectorDataViewType(NumberDataViewType.Single, slots), annotations);
        return settings.ReasonColumnName is { } reason ? [scores, new(reason, TextDataViewType.Instance)] : [scores];
    }

    public override Delegate CreateGetter(int output, Func<int> slot) => output > 0 ? ReasonGetter(slot)
        : (ValueGetter<VBuffer<float>>)((ref value) =>
        {
            int row = slot();
            if (TryCompute(row) && heads.Length > 0) Getters.Copy<float>(_scores.AsSpan(row * _width, _width), ref value);
            else Getters.Missing(_width, ref value);
        });

    protected override string? WhyNotMeasured(int slot, ReadOnlySpan<int> tokens)
    {
        if (heads.Length == 0) return "The model has no induction head.";
        var seen = new HashSet<int>();
        foreach (int token in tokens)
            if (!seen.Add(token)) return null;
        return "No token of the row occurs twice.";
    }

    protected override void Compute(TokenBatch rows, IReadOnlyList<int> slots)
    {
        if (heads.Length == 0) return;
        var scores = RowHeadScorer.Score(Model, rows, layers: _layers).Scores; // [row][layer][head], NaN where no token occurs twice
        for (int i = 0; i < slots.Count; i++)
            for (int h = 0; h < heads.Length; h++)
                _scores[slots[i] * _width + h] = scores[i][heads[h].Layer][heads[h].Head];
    }
}
