using MlNetIcl.Probes;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.CausalGraphs;

/// <summary>A graph that was read from data as a report.</summary>
public static class CausalGraphReadingReport
{
    private const string Trained =
        "Attention over earlier positions, and to none, was trained to predict each position's token: from a parent's token by what followed it elsewhere in the row and by a kernel that all rows share. "
        + "A position has the parents that it attends to enough, if its token is predicted better with them than without on rows that were held out (sign-flip test, Benjamini and Hochberg over positions). "
        + "That is dependence, with the direction that order gives it; a common cause that is not among the positions looks like an edge.";

    private const string OfModel =
        "Each pair has the head that attends most from the later position to the earlier one, mean over rows. Attention is no evidence that a position matters; a first token often draws it for no reason.";

    /// <summary>The whole report.</summary>
    public static Report Of(CausalGraphReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        bool trained = reading.Evidence.Count > 0;
        return new("A causal graph read from attention",
        [
            new("What was measured", [new KeyFacts(Facts(reading)), new Note(trained ? Trained : OfModel)]),
            new("The graph",
                new CausalGraphFigure(reading.Map, reading.Graph) { Title = "Edges" },
                CausalGraphReport.Map(reading.Map, trained ? "Attention, edges outlined; on the diagonal, to none" : "Attention, edges outlined", reading.Graph.Has)),
            .. trained ? (Section[])[new("Position by position", Evidence(reading))] : [],
        ])
        {
            Lead = Summary(reading),
        };
    }

    /// <summary>What was found, in a sentence or two.</summary>
    public static string Summary(CausalGraphReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        int edges = reading.Graph.Edges.Count();
        string found = edges == 0 ? "No edges." : Invariant($"{edges} {(edges == 1 ? "edge" : "edges")} among {reading.Length} positions: {string.Join(", ", reading.Graph.Edges)}.");
        return reading is { Loss: { } loss, LossWithoutParents: { } without } ? Invariant($"{found} Loss on held-out rows {Numbers.Score(loss)}, without parents {Numbers.Score(without)} nats a position.") : found;
    }

    private static IReadOnlyList<(string Name, string Value)> Facts(CausalGraphReading reading) =>
    [
        ("Attention", reading.Evidence.Count > 0 ? reading.Source : $"model {reading.Source}"),
        ("Rows", Invariant($"{Numbers.Count(reading.Rows)}{(reading.HeldOut > 0 ? Invariant($", {Numbers.Count(reading.HeldOut)} of them held out") : "")}; {reading.Length} positions")),
        ("An edge", Invariant($"from attention {Numbers.Brief(reading.Threshold)} on")),
    ];

    private static DataTable Evidence(CausalGraphReading reading) => new(
        [new("position", true), new("parents"), new("largest attention", true, "to an earlier position"), new("gain", true, "nats a held-out row, with a 95 % interval"), new("p", true), new("q", true, "after Benjamini and Hochberg")],
        [.. reading.Evidence.Select(e => (IReadOnlyList<Cell>)
        [
            Invariant($"{e.Child}"), CausalGraphWords.Parents(reading.Graph.Parents[e.Child]),
            Invariant($"{Numbers.Score(reading.Map[e.Child, reading.Map.LargestParent(e.Child)])} to {reading.Map.LargestParent(e.Child)}"), CausalGraphWords.Of(e.Gain), Numbers.Probability(e.P), Numbers.Probability(e.Q),
        ])])
    {
        Caption = "By how much a position's token is predicted better with its parents",
    };
}
