using MlNetIcl.Probes;
using MlNetIcl.Reports.Parts;

namespace MlNetIcl.Reports.Priors;

/// <summary>The priors of a labelling task as a report.</summary>
public static class LabelPriorReport
{
    /// <summary>The whole report: what was found, settings, the table.</summary>
    public static Report Of(LabelPriorResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new($"Label priors of {result.Model}",
        [
            new("What was measured", new KeyFacts(LabelPriorWords.Facts(result)),
                new Note("A label's probability is that of the first token that tells it from the others. Intervals are over queries; draws of demonstrations are taken as given.")),
            new("Priors", new DataTable([new("measured"), new("value", true), new("difference", true, "format: with minus without demonstrations; semantic and accuracy: minus a uniform guess; structure: true pairs minus these")],
                [.. LabelPriorWords.Rows(result).Select(r => (IReadOnlyList<Cell>)[r.Name, r.Value, new(r.Difference, Strong: true)])])
            { Caption = "Brackets are 95 % intervals" }),
        ])
        { Lead = LabelPriorWords.Summary(result) };
    }
}
