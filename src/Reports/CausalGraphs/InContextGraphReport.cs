using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.CausalGraphs;

/// <summary>Graphs inferred from prompts as a report.</summary>
public static class InContextGraphReport
{
    /// <summary>How the numbers are to be read.</summary>
    public const string Reading =
        "Losses are cross-entropies in nats of what truly follows, the kernel's row of the parent, over positions with a choice of parents. Averaged: Bayesian model averaging over parents, the best that can be done with "
        + "the examples. Oracle: the graph is known. Uniform: examples are not used. The gap is between uniform and averaged; divergence is the model's from averaging (KL, nats).";

    /// <summary>The whole report.</summary>
    public static Report Of(InContextGraphResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new("Causal graphs inferred from a prompt",
        [
            new("What was measured", [new KeyFacts(Facts(result.Options)), new Note(Reading)]),
            new("Seed by seed", Runs(result)),
            .. result.Runs.Take(6).Select(run => new Section(Invariant($"Seed {run.Seed}"), Curve(run), Points(run))),
        ])
        {
            Lead = Summary(result),
        };
    }

    /// <summary>What was found, in a sentence or two.</summary>
    public static string Summary(InContextGraphResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var last = result.Runs.Select(r => r.Points[^1]).ToArray();
        string examples = result.Options.Examples == 1 ? "one example" : Invariant($"{result.Options.Examples} examples");
        string found = double.IsNaN(result.ShareOfGap.Value)
            ? Invariant($"There is nothing to learn: not even to Bayesian averaging is it worth anything to have {examples}. ")
            : Invariant($"In-context graphs are {result.Verdict}: after {examples} the model has {CausalGraphWords.Of(result.Runs.Count == 1 ? result.Runs[0].ShareOfGap : result.ShareOfGap)} of what that is worth to Bayesian averaging. ");
        return found
            + Invariant($"Loss {Numbers.Score(last.Average(p => p.Model))}; averaged {Numbers.Score(last.Average(p => p.Averaged))}, oracle {Numbers.Score(last.Average(p => p.Oracle))}, uniform {Numbers.Score(last.Average(p => p.Uniform))}.");
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(InContextGraphOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return
        [
            ("Prompts", Invariant($"{options.Examples} examples of {options.Length} positions and {options.Vocabulary} tokens by one graph, another one in each prompt; one kernel, Dirichlet({Numbers.Brief(options.Alpha)})")),
            ("Model", Invariant($"decoder of {options.Layers} layers, width {options.DModel}")),
            ("Training", Invariant($"{Numbers.Count(options.Steps)} steps of {Numbers.Count(options.BatchPrompts)} prompts, AdamW, rate {Numbers.Brief(options.LearningRate)} falling to 0")),
            ("Measured", Invariant($"on {Numbers.Count(options.TestPrompts)} fresh prompts; {Numbers.Count(options.Seeds)} {(options.Seeds == 1 ? "seed" : "seeds")} from {options.Seed}")),
        ];
    }

    /// <summary>One line for each seed, after all examples.</summary>
    internal static DataTable Runs(InContextGraphResult result) => new(
        [
            new("seed", true), new("model", true, "loss"), new("untrained", true), new("averaged", true), new("oracle", true), new("uniform", true), new("share of gap", true, "with a 95 % interval over prompts"), new("divergence", true, "with a 95 % interval over prompts"), new("true parent", true, "its posterior by averaging"),
        ],
        [.. result.Runs.Select(run => (IReadOnlyList<Cell>)
        [
            Invariant($"{run.Seed}"), Numbers.Score(run.Points[^1].Model), Numbers.Score(run.Points[^1].Untrained), Numbers.Score(run.Points[^1].Averaged), Numbers.Score(run.Points[^1].Oracle), Numbers.Score(run.Points[^1].Uniform),
            CausalGraphWords.Of(run.ShareOfGap), CausalGraphWords.Of(run.Points[^1].Divergence), Numbers.Score(run.TrueParent),
        ])])
    {
        Caption = "After all examples",
    };

    private static DataTable Points(InContextGraphRun run) => new(
        [new("examples", true), new("model", true), new("untrained", true), new("averaged", true), new("oracle", true), new("uniform", true), new("stationary", true), new("divergence", true, "with a 95 % interval over prompts"), new("share of gap", true, "with a 95 % interval over prompts")],
        [.. run.Points.Select(p => (IReadOnlyList<Cell>)
        [
            Invariant($"{p.Examples}"), Numbers.Score(p.Model), Numbers.Score(p.Untrained), Numbers.Score(p.Averaged), Numbers.Score(p.Oracle), Numbers.Score(p.Uniform), Numbers.Score(p.Stationary), CausalGraphWords.Of(p.Divergence), CausalGraphWords.Of(p.ShareOfGap),
        ])]);

    private static LineChart Curve(InContextGraphRun run)
    {
        Series Line(string name, Func<InContextGraphPoint, double> of) => new(name, [.. run.Points.Select(p => new SeriesPoint(p.Examples, of(p)))]);
        return new([Line("model", p => p.Model), Line("averaged", p => p.Averaged), Line("oracle", p => p.Oracle), Line("uniform", p => p.Uniform)])
        {
            Title = "Loss by examples",
            XName = "examples before",
            YName = "nats",
        };
    }
}
