using MlNetIcl.Probes;
using MlNetIcl.Reports.Positions;
using static System.FormattableString;

namespace MlNetIcl.Reports.GradientDescent;

/// <summary>The sentences of in-context learning against gradient descent, the same on a page, in Markdown and on a terminal.</summary>
public static class GradientDescentWords
{
    /// <summary>What the shift tests ask.</summary>
    public const string ShiftReading =
        "Losses are relative to that of an answer of 0 on the same tasks: 1 is no use, above 1 is harm. A learning rate that is fixed suits inputs of one size: larger or smaller weights and queries change nothing, other inputs do.";

    /// <summary>The name of an algorithm: <c>GD, 2 steps</c>.</summary>
    public static string Of(GradientReference reference)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return reference.Kind switch
        {
            ReferenceKind.GradientDescent => Invariant($"GD, {Steps(reference.Steps)}"),
            ReferenceKind.PlusPlus => Invariant($"GD++, {Steps(reference.Steps)}"),
            _ => "least squares",
        };
    }

    /// <summary>What a shift changes.</summary>
    public static string Of(TaskShift shift) => shift switch
    {
        TaskShift.Task => "task: weights",
        TaskShift.Query => "query: its input",
        TaskShift.Covariate => "covariate: all inputs",
        _ => throw new ArgumentOutOfRangeException(nameof(shift), shift, "Expected a known shift."),
    };

    /// <summary>A mean with its interval; a dash where nothing was measured.</summary>
    public static string Of(Estimate? estimate) => PositionWords.Of(estimate);

    /// <summary>The trained layers in words: <c>2 layers, shared weights</c>.</summary>
    public static string Model(GradientDescentOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Layers == 1 ? "1 layer" : Invariant($"{options.Layers} layers, {(options.SharedLayers ? "shared" : "separate")} weights");
    }

    /// <summary>What was found, in a few sentences.</summary>
    public static string Summary(GradientDescentResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        int layers = result.Options.Layers;
        double error = result.Construction.Max(c => Math.Max(c.GradientDescent, c.PlusPlus));
        string text = Invariant($"By construction, layers of linear attention are steps of gradient descent and of GD++: the largest difference is {error:0e-0}. ")
            + Invariant($"Trained, {Model(result.Options)}: loss {Mean(result.Runs, r => r.Loss)}, {Of(result.Steps)} {Numbers.Score(result.Steps.Loss.Value)}, {(layers == 1 ? Invariant($"closed form {Numbers.Score(result.Optimum.Loss)}, ") : "")}cosine of the gradients {Mean(result.Runs, r => r.With(result.Steps).Cosine)}.");
        if (layers > 1 && result.Reference(ReferenceKind.PlusPlus, layers) is { } corrected)
            text += Invariant($" Against {Of(corrected)} (loss {Numbers.Score(corrected.Loss.Value)}) the cosine is {Mean(result.Runs, r => r.With(corrected).Cosine)}.");
        if (result.Softmax.Count > 0)
            text += Invariant($" The softmax transformer has loss {Mean(result.Softmax, r => r.Loss)} and is nearest to {Of(Nearest(result.Softmax[0]).Reference)}, cosine {Numbers.Score(Nearest(result.Softmax[0]).Cosine.Value)}.");
        return text;
    }

    /// <summary>The algorithm that a model's gradients have the highest cosine with.</summary>
    public static Alignment Nearest(GradientDescentRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run.Alignments.MaxBy(a => a.Cosine.Value)!;
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(GradientDescentResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var (o, optimum) = (result.Options, result.Optimum);
        List<(string, string)> facts =
        [
            ("Tasks", Invariant($"y = wx without noise, w ~ N(0, I), {Numbers.Count(o.Dimension)} inputs uniform in ±{Numbers.Brief(o.Range)}, {Numbers.Count(o.Examples)} examples")),
            ("Linear attention", Invariant($"{Model(o)}, one head, no softmax; {Numbers.Count(o.Steps)} steps of {Numbers.Count(o.BatchTasks)} fresh tasks, Adam {Numbers.Brief(o.LearningRate)}")),
        ];
        if (o.Softmax is { } s)
            facts.Add(("Softmax", Invariant($"{s.Layers} {(s.Layers == 1 ? "layer" : "layers")} of {s.Heads} heads, width {s.Width}, {(s.Mlp ? "with" : "no")} MLP; {Numbers.Count(s.Steps)} steps of {Numbers.Count(s.BatchTasks)} fresh tasks")));
        facts.Add(("One step", Invariant($"closed form: eta {Numbers.Score(optimum.Eta)}, loss {optimum.Loss:0.0000}; an answer of 0: {optimum.NullLoss:0.0000}")));
        facts.Add(("Measured (n)", Invariant($"{Numbers.Count(o.TestTasks)} fresh tasks, {Numbers.Count(o.Seeds)} {(o.Seeds == 1 ? "model" : "models")}; seed {o.Seed}")));
        return facts;
    }

    /// <summary>The mean over models, with the least and the largest where there are several.</summary>
    public static string Mean(IReadOnlyList<GradientDescentRun> runs, Func<GradientDescentRun, Estimate> of)
    {
        ArgumentNullException.ThrowIfNull(runs);
        double[] values = [.. runs.Select(r => of(r).Value)];
        return values.Length == 1 ? Numbers.Score(values[0]) : Invariant($"{Numbers.Score(values.Average())} ({Numbers.Score(values.Min())} to {Numbers.Score(values.Max())} over {values.Length} models)");
    }

    private static string Steps(int count) => Invariant($"{count} {(count == 1 ? "step" : "steps")}");
}
