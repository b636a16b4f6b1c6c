using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.Rows;
using static TorchSharp.torch;

namespace MlNetIcl.Transforms.Interventions;

/// <summary>What rows lose without heads.</summary>
internal sealed class HeadAblationRowBatch(
    DataViewRow source, HeadAblatingSettings settings, BatchLimits limits, LanguageModel model, IHost host, HeadId[] heads, IReadOnlyList<HeadOutputTable> tables, string[] outputs)
    : TokenRowBatch(source, settings, limits, model, host)
{
    private readonly PatchSlot[][] _sets = settings.Together ? [[.. heads.Select(Slot)]] : [.. heads.Select(head => (PatchSlot[])[Slot(head)])];
    private readonly Periodicity?[] _shapes = new Periodicity?[limits.Rows]; // how each row repeats, where that is asked for
    private readonly float[] _changes = new float[limits.Rows * (settings.Together ? 1 : heads.Length)]; // [slot, set]
    private readonly float[] _metrics = new float[limits.Rows];

    private int Width => _sets.Length;

    public override Delegate CreateGetter(int output, Func<int> slot) =>
        outputs[output] == settings.OutputColumnName ? (ValueGetter<VBuffer<float>>)((ref value) =>
        {
            int row = slot();
            if (TryCompute(row)) Getters.Copy<float>(_changes.AsSpan(row * Width, Width), ref value);
            else Getters.Missing(Width, ref value);
        })
        : outputs[output] == settings.MetricColumnName ? (ValueGetter<float>)((ref value) => value = slot() is var row && TryCompute(row) ? _metrics[row] : float.NaN)
        : ReasonGetter(slot);

    protected override (string Column, string Why)? ReadMore(int slot, int[] tokens)
    {
        _shapes[slot] = settings.Metric == AblationMetric.Loss ? null : Periodicity.Infer(new TokenBatch([tokens]), settings.BosTokenId);
        return null;
    }

    protected override string? WhyNotMeasured(int slot, ReadOnlySpan<int> tokens)
    {
        if (settings.Metric == AblationMetric.Loss && tokens.Length == 1) return "The row has one token, so that there is none to predict.";
        if (settings.Metric != AblationMetric.Loss && _shapes[slot] is null) return "The row does not repeat.";
        if (tables.Count == 0) return null;
        foreach (var table in tables)
            if (table.CanStandInFor(tokens)) return null;
        return "No other row to take values from is as long as this one.";
    }

    protected override void Compute(TokenBatch rows, IReadOnlyList<int> slots)
    {
        int[] measured = [.. Enumerable.Range(0, slots.Count).Where(i => WhyNotMeasured(slots[i], rows[i]) is null)];
        foreach (int i in Enumerable.Range(0, slots.Count).Except(measured))
        {
            _changes.AsSpan(slots[i] * Width, Width).Fill(float.NaN);
            _metrics[slots[i]] = float.NaN;
        }
        if (measured.Length == 0) return;
        if (tables.Count == 0) Write([Ablate(rows, slots, measured, null)], slots);
        else
            Write([.. tables.Select(table => (Table: table, Rows: measured.Where(i => table.CanStandInFor(rows[i])).ToArray()))
                .Where(t => t.Rows.Length > 0).Select(t => Ablate(rows, slots, t.Rows, t.Table))], slots);
    }

    /// <summary>Ablates with one table; zero where there is none.</summary>
    private (int[] Rows, AblationResult Result) Ablate(TokenBatch rows, IReadOnlyList<int> slots, int[] at, HeadOutputTable? table)
    {
        using var scope = NewDisposeScope();
        var own = new TokenBatch([.. at.Select(i => rows.Rows[i])]);
        var values = table?.For(own.MaxLength) ?? new Dictionary<Site, Tensor>();
        Periodicity[] shapes = [.. at.Select(i => _shapes[slots[i]].GetValueOrDefault())];
        var metric = settings.Metric switch
        {
            AblationMetric.Loss => PatchMetric.Loss([.. own.Rows.Select(row => (1, row.Length - 1))]),
            AblationMetric.SecondRepeatLoss => PatchMetric.SecondRepeatLoss(shapes),
            _ => PatchMetric.CopyAccuracy(shapes),
        };
        var result = Ablation.With(values, settings.Kind.ToString(), Model, own, metric, _sets, settings.KeepPatterns, progress: Alive);
        RequireFinite(result.BaseValues);
        return (at, result);
    }

    /// <summary>The mean over the tables that can stand in for a row.</summary>
    private void Write((int[] Rows, AblationResult Result)[] parts, IReadOnlyList<int> slots)
    {
        for (int i = 0; i < slots.Count; i++)
        {
            var own = parts.Select(p => (At: Array.IndexOf(p.Rows, i), p.Result)).Where(p => p.At >= 0).ToArray();
            if (own.Length == 0) continue;
            _metrics[slots[i]] = (float)own[0].Result.BaseValues[own[0].At];
            for (int set = 0; set < Width; set++) _changes[slots[i] * Width + set] = (float)own.Average(p => p.Result.Effects[set].Changes[p.At]);
        }
    }

    private static PatchSlot Slot(HeadId head) => new(SiteKind.Z, head.Layer, head.Head);
}
