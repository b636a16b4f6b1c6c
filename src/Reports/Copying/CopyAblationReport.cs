using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Heads;
using MlNetIcl.Reports.Parts;

namespace MlNetIcl.Reports.Copying;

/// <summary>The ablation of the copying circuit as a report.</summary>
public static class CopyAblationReport
{
    /// <summary>The whole report: what was found, settings, the table beside the article's figures, every head given back.</summary>
    public static Report Of(CopyAblationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        CopyAblationRow[] sets = [.. result.Rows.Where(r => r.Head is null)], heads = [.. result.Rows.Where(r => r.Head is not null)];
        return new($"Copying in {result.Model} without its heads",
        [
            new("What was measured", [new KeyFacts(CopyAblationWords.Facts(result)), .. Caveats(result)]),
            .. sets.Length == 0 ? Array.Empty<Section>() : [new Section("Heads ablated and given back", Bars(result, sets), Table(result, sets))],
            .. heads.Length == 0 ? Array.Empty<Section>() : [new Section("Each head given back", new Prose(OneHead), Table(result, heads))],
        ])
        {
            Lead = CopyAblationWords.Summary(result),
        };
    }

    /// <summary>Rows of the table: copy accuracy, its change beside the article's claim, and the loss, each with its interval.</summary>
    public static DataTable Table(CopyAblationResult result, IReadOnlyList<CopyAblationRow> rows)
    {
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(rows);
        bool claims = rows.Any(r => r.Claim is not null) && result.Copies;
        Column[] columns =
        [
            new("heads"),
            new("copy accuracy", true, "share of the second repeat that is the argmax, from its second token on"),
            new("change", true, "of the accuracy, relative to the whole model's"),
            .. claims ? [new Column("article", true, "what the article claims of the change"), new Column("verdict")] : Array.Empty<Column>(),
            new("loss, second repeat", true, "nats"),
        ];
        return new(columns, [Row("whole model", result.Base, Numbers.Missing, null), .. rows.Select(r => Row(CopyAblationWords.Of(r), r.Measure, CopyAblationWords.Change(r), r))])
        {
            Caption = "Brackets are 95 % intervals over sequences; controls are means over random sets of other heads of the same layers",
        };

        IReadOnlyList<Cell> Row(string name, CopyMeasure measure, string change, CopyAblationRow? row) =>
        [
            new(name, row is null ? null : row.Ablated.Count == 0 ? "nothing ablated" : $"ablated: {string.Join(", ", row.Ablated)}"),
            new(CopyAblationWords.Accuracy(measure), Numbers.Brief(measure.Accuracy)),
            change,
            .. claims ? [row?.Claim is { } claim ? CopyAblationWords.Percent(claim) : "", row is null ? "" : CopyAblationWords.Verdict(row)] : Array.Empty<Cell>(),
            new(HeadWords.Interval(measure.Loss, measure.LossInterval), Numbers.Brief(measure.Loss)),
        ];
    }

    private const string OneHead =
        "Both kinds of head are ablated and one head is given back, alone or together with all heads of the other kind. A head that restores much beside the other kind can do the work by itself; "
        + "heads that each do hide one another when they are ablated one at a time.";

    private static IEnumerable<Note> Caveats(CopyAblationResult result)
    {
        yield return new("The article's figures (-85 %, -92 %, full recovery) have no source that could be found. Giving both kinds of head back ablates nothing, and giving one kind back is the same run as ablating the other alone, so 'full recovery' holds by construction.");
        if (result.Kind == AblationKind.Zero) yield return new("Zero is no value that these outputs usually have, so that a loss may be damage rather than the loss of what the heads do.");
        if (result.Rows.Count > 0 && result.Rows.All(r => r.Intervention < CopyIntervention.ControlPreviousToken))
            yield return new("There is no control: the layers have too few other heads to ablate as many.");
        if (result.PreviousTokenHeads.Count == 0 && result.InductionHeads.Count > 0) yield return new("No head is a previous-token head, so the first stage cannot be ablated: other heads may pass the previous token on more weakly.");
    }

    private static BarChart Bars(CopyAblationResult result, CopyAblationRow[] rows) => new(
        [Draw("whole model", result.Base), .. rows.Select(r => Draw(CopyAblationWords.Of(r), r.Measure))])
    {
        Title = "Copy accuracy",
        ValueName = "copy accuracy",
        BarName = "heads",
    };

    private static Bar Draw(string label, CopyMeasure measure) => new(label, measure.Accuracy, measure.AccuracyInterval.Low, measure.AccuracyInterval.High);
}
