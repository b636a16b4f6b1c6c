using MlNetIcl.Probes;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Activation patching as a report.</summary>
public static class PatchReport
{
    private const int MostRows = 300;

    /// <summary>The whole report: what was found, settings, maps, the strongest effects, the check of estimates, the prompts.</summary>
    public static Report Of(PatchStudy study)
    {
        ArgumentNullException.ThrowIfNull(study);
        return new($"Activation patching in {study.Model}",
        [
            new("What was measured", [new KeyFacts(PatchWords.Facts(study)), .. Caveats(study)]),
            new("Effects", [.. PatchMaps.Of(study), Table(study)]),
            .. study.Check is { } check ? [new Section("How far the estimates hold", new Prose(CheckMeaning), Table(study, check))] : Array.Empty<Section>(),
            new("Prompts", PromptTable.Of(study.Pairs, study.Result.CleanValues, study.Result.CorruptedValues)),
        ])
        {
            Lead = PatchWords.Summary(study),
        };
    }

    private const string CheckMeaning =
        "Attribution is linear, models are not: these slots, drawn at random, were also patched exactly. An estimate disagrees where it is off by more than a tenth of the sample's largest exact effect.";

    private static IEnumerable<Note> Caveats(PatchStudy study)
    {
        if (study.Pairs.Count == 1) yield return new("This is one prompt pair: another pair may give other effects, and no interval can be given. A patch that restores the metric shows that the value carries what differs between these two prompts, not that nothing else does.");
        if (study.Result.Clean == study.Result.Corrupted) yield return new("Both runs have the same metric, so effects are given as bare changes.");
    }

    private static DataTable Table(PatchStudy study)
    {
        var shown = study.Strongest.Take(MostRows).ToArray();
        int all = study.Result.Effects.Count;
        string metric = PatchWords.Metric(study.Result.Metric);
        var columns = new (Column Column, bool Applies, Func<(PatchEffect Effect, Interval? Interval), Cell> Cell)[]
        {
            (new(study.PerHead ? SiteWords.Head(study.Site) : "layer"), true, e => PatchWords.Part(e.Effect.Slot)),
            (new("position", true), study.PerPosition, e => Invariant($"{e.Effect.Slot.Position}")),
            (new("token"), study.PerPosition && study.Pairs.Count == 1, e => PatchWords.Position(study, e.Effect.Slot.Position!.Value)),
            (new(metric, true, study.AttributionSteps is null ? "of the patched run" : "estimate of the patched run's"), true, e => Exact(e.Effect.Value, Numbers.Score(e.Effect.Value))),
            (new(study.Intervals.Count > 0 ? "change, 95 %" : "change", true, "the same minus that of the run that is patched"), true, e => Exact(e.Effect.Value - study.Base, PatchWords.Change(study, e.Effect, e.Interval))),
            (new("share", true, "change as a share of the difference between the two runs"), study.Result.Clean != study.Result.Corrupted, e => Exact(e.Effect.Normalised, Numbers.Score(e.Effect.Normalised ?? double.NaN))),
        }.Where(c => c.Applies).ToArray();
        return new([.. columns.Select(c => c.Column)], [.. shown.Select(e => (IReadOnlyList<Cell>)[.. columns.Select(c => c.Cell(e))])])
        {
            Caption = shown.Length == all ? "All effects, strongest first" : Invariant($"The {shown.Length} strongest of {all} effects; the JSON has all"),
        };
    }

    private static DataTable Table(PatchStudy study, AttributionCheck check) => new(
        [new(study.PerPosition ? "slot" : study.PerHead ? SiteWords.Head(study.Site) : "layer"), new("estimate", true, "attribution's estimate of the change"), new("exact", true, "change by patching"), new("agrees")],
        [.. check.Sample.OrderByDescending(s => Math.Abs(s.Estimate - s.Exact)).Select(s => (IReadOnlyList<Cell>)
            [PatchWords.Place(study, s.Slot), Exact(s.Estimate, PatchWords.Signed(s.Estimate)), Exact(s.Exact, PatchWords.Signed(s.Exact)), new(s.Disagrees ? "no" : "yes", Strong: s.Disagrees)])])
    {
        Caption = PatchWords.Check(check),
    };

    // What rounding hides shows when the pointer rests on the cell.
    private static Cell Exact(double? value, string text) => new(text, Numbers.Brief(value ?? double.NaN));
}
