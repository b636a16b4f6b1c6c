using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using static System.FormattableString;

namespace MlNetIcl.Reports.Interventions;

/// <summary>The drawings of activation patching, which depend on what a slot is: a layer or a head, at one position or at all.</summary>
internal static class PatchMaps
{
    // More columns than this no screen shows; more layers head by head no reader compares.
    private const int MostPositions = 96, MostLayers = 3;

    public static IEnumerable<Figure> Of(PatchStudy study) => (study.PerHead, study.PerPosition) switch
    {
        (true, false) => [Heads(study, "Effect of every head")],
        (false, false) => [Layers(study)],
        (false, true) => [Positions(study, "Effect of every position")],
        _ => [Heads(study, "Strongest effect of every head, over positions"), Positions(study, "Strongest effect at every position, over heads"), .. StrongestLayers(study)],
    };

    private static BarChart Layers(PatchStudy study) => new([.. study.Result.Effects.Select(e => new Bar(PatchWords.Part(e.Slot), study.Strength(e)))])
    {
        Title = "Effect of every layer",
        Caption = PatchWords.Meaning(study),
        BarName = "layer",
        ValueName = ValueName(study),
    };

    private static Heatmap Heads(PatchStudy study, string title) =>
        Map(study, title, PatchWords.Meaning(study), study.Result.Effects.GroupBy(e => (e.Slot.Layer, e.Slot.Head!.Value)), "layer", SiteWords.Head(study.Site));

    private static Heatmap Positions(PatchStudy study, string title)
    {
        var (positions, left) = Shown(study, study.Result.Effects);
        var columns = ColumnsOf(positions);
        return Map(study, title, PatchWords.Meaning(study), study.Result.Effects.Where(e => columns.ContainsKey(e.Slot.Position!.Value)).GroupBy(e => (e.Slot.Layer, columns[e.Slot.Position!.Value])), "layer", "position", positions, left);
    }

    /// <summary>Head by position in the layers with the strongest effects, each by itself.</summary>
    private static IEnumerable<Heatmap> StrongestLayers(PatchStudy study)
    {
        int[] layers = [.. study.ByStrength.Select(e => e.Slot.Layer).Distinct().Take(MostLayers)];
        foreach (int layer in layers.Order())
        {
            PatchEffect[] effects = [.. study.Result.Effects.Where(e => e.Slot.Layer == layer)];
            var (positions, left) = Shown(study, effects);
            var columns = ColumnsOf(positions);
            yield return Map(study, Invariant($"Layer {layer}: effect of every head at every position"), caption: null,
                effects.Where(e => columns.ContainsKey(e.Slot.Position!.Value)).GroupBy(e => (e.Slot.Head!.Value, columns[e.Slot.Position!.Value])), SiteWords.Head(study.Site), "position", positions, left);
        }
    }

    /// <summary>A cell shows the strongest effect of its group.</summary>
    private static Heatmap Map(
        PatchStudy study, string title, string? caption, IEnumerable<IGrouping<(int Row, int Column), PatchEffect>> groups, string rowName, string columnName, IReadOnlyList<int>? positions = null, string? leftOut = null)
    {
        var cells = groups.ToDictionary(g => g.Key, g => g.MaxBy(e => Math.Abs(study.Strength(e)))!);
        var values = new double[cells.Keys.Max(k => k.Row) + 1, cells.Keys.Max(k => k.Column) + 1];
        foreach (var ((row, column), effect) in cells) values[row, column] = study.Strength(effect);
        return new(values)
        {
            Title = title,
            Caption = caption is null ? null : $"{caption}{(positions is null ? "" : " Where the prompts differ, clean→corrupted.")}{leftOut}",
            // All maps of a report share one scale. Below a hundredth there is nothing to see.
            Scale = ValueScale.Covering(study.Result.Effects.Select(study.Strength), least: 0.01),
            RowName = rowName,
            ColumnName = columnName,
            ColumnLabels = positions is null ? null : [.. positions.Select(p => PatchWords.Numbered(study, p))],
            Describe = (row, column) => PatchWords.Line(study, cells[(row, column)]),
        };
    }

    /// <summary>The positions that are drawn: from the first difference on, as nothing before it can have an effect; of too many the strongest.</summary>
    private static (int[] Positions, string? LeftOut) Shown(PatchStudy study, IEnumerable<PatchEffect> effects)
    {
        int length = study.Pairs[0].Clean.Count; // of every pair: positions are patched alone
        int first = Enumerable.Range(0, length).FirstOrDefault(p => study.Pairs.Any(pair => pair.Clean[p].Id != pair.Corrupted[p].Id));
        int[] after = [.. Enumerable.Range(first, length - first)];
        string? leftOut = first > 0 ? " Positions before the first difference are left out: nothing differs there." : null;
        if (after.Length <= MostPositions) return (after, leftOut);
        int[] strongest = [.. effects.Where(e => e.Slot.Position >= first).GroupBy(e => e.Slot.Position!.Value)
            .OrderByDescending(g => g.Max(e => Math.Abs(study.Strength(e)))).Take(MostPositions).Select(g => g.Key).Order()];
        return (strongest, Invariant($" Of {length} positions the {MostPositions} with the strongest effects are drawn; the JSON has all."));
    }

    private static Dictionary<int, int> ColumnsOf(int[] positions) => positions.Select((p, i) => (p, i)).ToDictionary(x => x.p, x => x.i);

    private static string ValueName(PatchStudy study) => study.Result.Clean == study.Result.Corrupted ? $"change of the {PatchWords.Metric(study.Result.Metric)}" : "share of the difference";
}
