using MlNetIcl.Probes;
using MlNetIcl.Reports.Heads;
using static System.FormattableString;

namespace MlNetIcl.Reports.Circuits;

/// <summary>The sentences of circuits, the same on a page and on a terminal.</summary>
internal static class CircuitWords
{
    /// <summary>What was found, in one or two sentences that never claim more than the evaluation does.</summary>
    public static string Summary(Circuit circuit)
    {
        string difference = $"{Metric(circuit)} {Numbers.Score(circuit.Clean)} on clean and {Numbers.Score(circuit.Corrupted)} on corrupted rows";
        if (circuit.Verdict == CircuitVerdicts.NoDifference) return $"There is nothing to trace: {difference} hardly differ.";
        if (circuit.Verdict == CircuitVerdicts.NoEdges) return $"No circuit: {difference} differ, but no single edge to the logits carries {Percent(circuit.Options.Threshold)} of that.";
        string found = $"{Numbers.Count(circuit.Edges.Count)} of {Numbers.Count(circuit.ModelEdges)} edges, between {circuit.Nodes.Count} nodes";
        return circuit.Evaluation is not { } e ? $"{found}."
            : $"{found}, keep {Share(e.Faithfulness, e.FaithfulnessInterval)} of the difference when all others carry corrupted values; without them {Share(e.Completeness, e.CompletenessInterval)} of it is lost."
                + (e.Random is { } random ? $" Random circuits of as many edges keep {Numbers.Score(random.Mean)} on average, {Numbers.Score(random.Max)} at most." : "");
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(Circuit circuit, CircuitPrompts? prompts)
    {
        var protocol = circuit.Protocol;
        return
        [
            ("Model", circuit.Model),
            ("Metric", prompts is null ? circuit.Protocol is null ? Metric(circuit) : "copying: logit of the right token minus the mean logit, second repeat" : Interventions.PatchWords.Metric(prompts.Pairs)),
            ("Clean, corrupted", $"{Numbers.Score(circuit.Clean)}, {Numbers.Score(circuit.Corrupted)}"),
            ("Rows (n)", protocol is { Period: { } period, Repeats: { } repeats }
                ? Invariant($"{circuit.Rows} of {period} {(protocol.Source == HeadScoreSource.Generated ? "random " : "")}tokens, {repeats} times, against unrelated ones")
                : Invariant($"{circuit.Rows}{(prompts is null ? "" : circuit.Rows == 1 ? " prompt pair" : " prompt pairs")}")),
            ("Edges", $"{Numbers.Count(circuit.ModelEdges)} in the model, {Numbers.Count(circuit.PatchedEdges)} patched, {Numbers.Count(circuit.ScreenedEdges)} ruled out by an estimate"),
            ("An edge needs", $"an effect of {Numbers.Brief(circuit.Options.Threshold)} of the difference{(circuit.Rows > 1 ? ", at the near end of its interval" : "")}{(circuit.DifferenceP is null ? "" : $", and q < {Numbers.Brief(circuit.Options.Alpha)}")}"),
            .. circuit.Evaluation is { } e ? Facts(e, circuit.Options.RandomCircuits) : [],
            ("Seed", Invariant($"{circuit.Options.Seed}")),
        ];
    }

    private static IEnumerable<(string Name, string Value)> Facts(CircuitEvaluation evaluation, int randomCircuits)
    {
        yield return ("Faithfulness", Share(evaluation.Faithfulness, evaluation.FaithfulnessInterval));
        yield return ("Completeness", Share(evaluation.Completeness, evaluation.CompletenessInterval));
        yield return ("Minimality", $"{Numbers.Score(evaluation.Minimality)}, what the least needed edge adds to faithfulness");
        if (evaluation.Random is { } random)
            yield return ("Random circuits", Invariant($"{random.Draws} of as many edges: faithfulness {Numbers.Score(random.Mean)} on average, {Numbers.Score(random.Max)} at most; {Percent(random.AsFaithful)} as faithful"));
        else if (randomCircuits > 0)
            yield return ("Random circuits", "none: this one has all edges of its kinds between its layers");
    }

    /// <summary>A node with what its head is by its attention, if anything.</summary>
    public static string Node(CircuitNode node) => node.Role is { } role ? $"{node.Name} ({HeadWords.Of(role)})" : node.Name;

    /// <summary>Where an edge ends.</summary>
    public static string Ends(Circuit circuit, CircuitEdge edge) => string.Join(", ", circuit.Ends(edge).Select(n => n.Name));

    /// <summary>By which input a receiver reads: <c>queries</c>, <c>keys</c>, <c>values</c>; nothing where there is only one.</summary>
    public static string Input(CircuitEdge edge) => edge.Path.Receiver.Input switch
    {
        PathInput.Query => "queries",
        PathInput.Key => "keys",
        PathInput.Value => "values",
        _ => "",
    };

    /// <summary>An edge in one line.</summary>
    public static string Line(Circuit circuit, CircuitEdge edge) =>
        $"{circuit.Start(edge).Name} to {Ends(circuit, edge)}{(Input(edge) is { Length: > 0 } input ? $" {input}" : "")}: {Share(edge.Effect, edge.Interval)} of the difference"
            + (edge.Q is { } q ? $", q {Numbers.Probability(q)}" : "")
            + (edge.Removal is { } removal ? $", without it the circuit loses {Numbers.Score(removal)}" : "")
            + (edge.Composition is { } c ? $", composition {Numbers.Score(c.Score)} (z {Numbers.Brief(Math.Round(c.ZScore, 1))})" : "");

    public static string Share(double value, Interval? interval) => HeadWords.Interval(value, interval);

    private static string Metric(Circuit circuit) => Interventions.PatchWords.Metric(circuit.Metric);

    private static string Percent(double share) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{100 * share:0.##} %");
}
