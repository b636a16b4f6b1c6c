using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Ablation as a report.</summary>
public static class AblationReport
{
    private const int MostBars = 24;

    /// <summary>The whole report: what was found, settings, a map, the strongest effects with their intervals, a table.</summary>
    public static Report Of(AblationStudy study)
    {
        ArgumentNullException.ThrowIfNull(study);
        return new($"Ablation of heads in {study.Model}",
        [
            new("What was measured", [new KeyFacts(AblationWords.Facts(study)), .. Caveats(study)]),
            .. study.Effects.Count == 0 ? Array.Empty<Section>() : [new Section("Effects", Map(study), Bars(study), Table(study))],
        ])
        {
            Lead = AblationWords.Summary(study),
        };
    }

    private static IEnumerable<Note> Caveats(AblationStudy study)
    {
        yield return new("A head without an effect may still take part: others can stand in for it, so ablate such heads together.");
        if (study.Kind == AblationKind.Zero) yield return new("Zero is no value that these outputs usually have, so that an effect may be damage rather than the loss of what the head does. Means or resampling stay closer to the model's own states.");
        if (study.ReferenceRows is null && study.Kind is AblationKind.Mean or AblationKind.MeanPerPosition) yield return new("The means are those of the same rows, so that a part of each row's own value stays in them; with few rows, give a reference set.");
    }

    private static Heatmap Map(AblationStudy study)
    {
        var byHead = study.Effects.DistinctBy(e => e.Heads[0]).ToDictionary(e => e.Heads[0]);
        var values = new double[study.Layers, study.HeadsPerLayer];
        for (int layer = 0; layer < study.Layers; layer++)
            for (int head = 0; head < study.HeadsPerLayer; head++)
                values[layer, head] = byHead.TryGetValue(new(layer, head), out var effect) ? effect.Change : double.NaN;
        return new(values)
        {
            Title = "Effect of every head",
            Caption = AblationWords.Meaning(study),
            Scale = ValueScale.Covering(study.Effects.Select(e => e.Change), least: 0.01),
            Describe = (layer, head) => byHead.TryGetValue(new(layer, head), out var effect) ? $"{effect.Heads[0]}: {AblationWords.Change(effect)} {AblationWords.Unit(study)}" : $"{new HeadId(layer, head)}: not ablated",
        };
    }

    private static BarChart Bars(AblationStudy study)
    {
        HeadEffect[] strongest = [.. study.ByStrength.Take(MostBars)];
        Bar Draw(string label, HeadEffect effect) => new(label, effect.Change, effect.Interval?.Low ?? double.NaN, effect.Interval?.High ?? double.NaN);
        return new([.. study.Together is { } together ? [Draw("all together", together)] : Array.Empty<Bar>(), .. strongest.Select(e => Draw(e.Heads[0].ToString(), e))])
        {
            Title = strongest.Length < study.Effects.Count ? Invariant($"The {strongest.Length} strongest effects") : "All effects",
            ValueName = $"change of the {AblationWords.Metric(study)} ({AblationWords.Unit(study)})",
        };
    }

    private static DataTable Table(AblationStudy study) => new(
        [
            new("head"),
            new($"change, {AblationWords.Unit(study)}", true, $"{AblationWords.Metric(study)} without the head minus with it{(study.Rows.Sequences > 1 ? ", with its 95 % interval over rows" : "")}"),
            new(AblationWords.Metric(study), true, "without the head"),
            new("n", true, "rows"),
        ],
        [.. study.ByStrength.Select(e => (IReadOnlyList<Cell>)
            [e.Heads[0].ToString(), new(AblationWords.Change(e), Numbers.Brief(e.Change)), new(Numbers.Score(study.Base + e.Change), Numbers.Brief(study.Base + e.Change)), Numbers.Count(e.Rows)])])
    {
        Caption = $"Effects, strongest first{(study.Rows.Sequences > 1 ? "; brackets are 95 % intervals over the n rows" : "; one row, so there is no interval")}",
    };
}
