using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.GradientDescent;

/// <summary>In-context learning against gradient descent as a report.</summary>
public static class GradientDescentReport
{
    private const int MostCurves = 5;

    /// <summary>The whole report: what was found, the construction, training, alignment, interpolation, shifts.</summary>
    public static Report Of(GradientDescentResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new("Is in-context learning gradient descent?",
        [
            new("What was measured", new KeyFacts(GradientDescentWords.Facts(result)), ClosedForms(result), new Note(Reading)),
            new("By construction", new Prose("The layer that von Oswald et al. write down, in single precision from a W0 that is not 0, against the steps themselves: the largest difference over tasks, relative to the largest prediction."), Construction(result)),
            new("Training", Curves(result), Algorithms(result)),
            new("Trained layers against algorithms", [Cosines(result, result.Runs, "Linear attention"), .. result.Runs.Select(run => Alignments(Invariant($"Linear attention, seed {run.Seed}"), run)), Interpolation(result), .. result.Options.Layers == 1 ? [Distances(result)] : Array.Empty<ReportPart>()]),
            .. result.Softmax.Count == 0 ? Array.Empty<Section>() :
                [new Section("A softmax transformer against the same algorithms", [Cosines(result, result.Softmax, "Softmax transformer"), .. result.Softmax.Select(run => Alignments(Invariant($"Softmax transformer, seed {run.Seed}"), run))])],
            new("Tasks unlike those of training", [new Prose(GradientDescentWords.ShiftReading), .. result.Shifts.Select(curve => Shift(result, curve))]),
        ])
        {
            Lead = GradientDescentWords.Summary(result),
        };
    }

    private const string Reading =
        "Losses are half the squared error. Learning rates come from a line search on other tasks. Cosine and length of the difference are those of the gradients of the prediction by the query: a model whose prediction is linear in the query "
        + "has no other property, so that a cosine of 1 with equal lengths is the same algorithm. A loss that agrees is weaker evidence than gradients that do.";

    private static DataTable ClosedForms(GradientDescentResult result) => new(
        [new("inputs"), new("best learning rate", true, "s / C"), new("loss of the best step", true), new("loss of an answer of 0", true)],
        [.. new[] { result.Options.Range, 0.5, 1 }.Distinct().Order().Select(range => OneStepOptimum.Of(result.Options.Dimension, result.Options.Examples, range)).Select(o => (IReadOnlyList<Cell>)
            [Invariant($"±{Numbers.Brief(o.Range)}"), Numbers.Score(o.Eta), Invariant($"{o.Loss:0.0000}"), Invariant($"{o.NullLoss:0.0000}")])])
    {
        Caption = "One step in closed form. The paper's code draws inputs from ±0.5, its text says ±1",
    };

    private static DataTable Construction(GradientDescentResult result) => new(
        [new("layers, and steps", true), new("gradient descent", true), new("GD++", true)],
        [.. result.Construction.Select(c => (IReadOnlyList<Cell>)[Invariant($"{c.Steps}"), Numbers.Probability(c.GradientDescent), Numbers.Probability(c.PlusPlus)])]);

    private static LineChart Curves(GradientDescentResult result) => new(
        [.. result.Runs.Take(MostCurves).Select(run => new Series(Invariant($"seed {run.Seed}"), [.. run.Curve.Select(p => new SeriesPoint(p.Step, p.Loss))]))])
    {
        Title = "Training loss of the linear layers",
        Caption = Invariant($"{GradientDescentWords.Model(result.Options)}; means of consecutive stretches"),
        XName = "training steps",
        YName = "loss",
        YReaches = [0],
        Horizontal =
        [
            .. result.Options.Layers == 1 ? [new ReferenceLine(result.Optimum.Loss, Invariant($"closed form of one step {result.Optimum.Loss:0.0000}"))] : new[] { new ReferenceLine(result.Steps.Loss.Value, GradientDescentWords.Of(result.Steps)) },
            .. result.Options.Layers > 1 && result.Reference(ReferenceKind.PlusPlus, result.Options.Layers) is { } corrected ? [new ReferenceLine(corrected.Loss.Value, GradientDescentWords.Of(corrected))] : Array.Empty<ReferenceLine>(),
        ],
    };

    private static DataTable Algorithms(GradientDescentResult result) => new(
        [new("algorithm"), new("eta", true, "by line search"), new("gamma", true), new("loss", true)],
        [
            .. result.References.Select(r => (IReadOnlyList<Cell>)
                [GradientDescentWords.Of(r), r.Steps == 0 ? Numbers.Missing : Numbers.Score(r.Eta), r.Kind == ReferenceKind.PlusPlus ? Numbers.Score(r.Gamma) : Numbers.Missing, GradientDescentWords.Of(r.Loss)]),
            .. result.Runs.Select(run => Loss(Invariant($"linear attention, seed {run.Seed}"), run)),
            .. result.Softmax.Select(run => Loss(Invariant($"softmax transformer, seed {run.Seed}"), run)),
        ])
    {
        Caption = "Losses on the same test tasks; brackets are 95 % intervals over tasks",
    };

    private static IReadOnlyList<Cell> Loss(string name, GradientDescentRun run) => [new(name, Strong: true), Numbers.Missing, Numbers.Missing, new(GradientDescentWords.Of(run.Loss), Strong: true)];

    private static BarChart Cosines(GradientDescentResult result, IReadOnlyList<GradientDescentRun> runs, string model) => new(
        [.. result.References.Select(reference => Bar(reference, [.. runs.Select(run => run.With(reference).Cosine)]))])
    {
        Title = Invariant($"{model}: cosine of the gradients"),
        Caption = runs.Count == 1 ? "Brackets are 95 % intervals over tasks" : Invariant($"Means over {runs.Count} models; whiskers span the models' intervals"),
        ValueName = "cosine",
        BarName = "algorithm",
    };

    private static Bar Bar(GradientReference reference, Estimate[] cosines) =>
        new(GradientDescentWords.Of(reference), cosines.Average(c => c.Value), cosines.Min(c => c.Interval.Low), cosines.Max(c => c.Interval.High));

    private static DataTable Alignments(string name, GradientDescentRun run) => new(
        [new("algorithm"), new("|yhat - yhat ref|", true), new("cosine", true, "of the gradients by the query"), new("|difference of gradients|", true), new("loss minus its loss", true)],
        [.. run.Alignments.Select(a => (IReadOnlyList<Cell>)
            [GradientDescentWords.Of(a.Reference), GradientDescentWords.Of(a.PredictionDifference), GradientDescentWords.Of(a.Cosine), GradientDescentWords.Of(a.GradientDifference), GradientDescentWords.Of(a.ExcessLoss)])])
    {
        Caption = name,
    };

    private static LineChart Interpolation(GradientDescentResult result) => new(
        [.. result.Runs.Take(MostCurves).Select(run => new Series(Invariant($"seed {run.Seed}"), [.. run.Interpolation.Select(p => Point(p.Share, p.Loss))]))])
    {
        Title = "From the trained weights to the construction",
        Caption = "Loss of the weighted average of both, after rescaling. Weights that mean the same leave it where it is",
        XName = "share of the construction",
        YName = "loss",
        YReaches = [0],
    };

    private static DataTable Distances(GradientDescentResult result) => new(
        [new("model"), new("from Gamma^-1", true, "matrix between (1/N) sum y x and the query, relative Frobenius distance"), new("from the construction", true, "everything that the output depends on, relative")],
        [.. result.Runs.Select(run => (IReadOnlyList<Cell>)[Invariant($"seed {run.Seed}"), Numbers.Score(run.OptimumDistance ?? double.NaN), Numbers.Score(run.ConstructionDistance ?? double.NaN)])])
    {
        Caption = "Distance of the trained layer from the best one in closed form; it wanders as far as steps of Adam go",
    };

    private static LineChart Shift(GradientDescentResult result, ShiftCurve curve)
    {
        // Harm without bound would flatten everything else.
        double ceiling = 2 * Math.Max(1, curve.Points.Max(p => p.LeastSquares.Value));
        Series Of(string name, Func<ShiftPoint, Estimate> of) => new(name, [.. curve.Points.Select(p => Point(p.Factor, of(p)))]);
        Series[] series =
        [
            Of("trained", p => p.Trained), Of(GradientDescentWords.Of(result.Steps), p => p.GradientDescent), Of("least squares", p => p.LeastSquares),
            .. result.Softmax.Count == 0 ? Array.Empty<Series>() : [Of("softmax transformer", p => p.Softmax!.Value)],
            .. curve.Points[0].Expected is null ? Array.Empty<Series>() : [new Series("closed form", [.. curve.Points.Select(p => new SeriesPoint(p.Factor, p.Expected!.Value))])],
        ];
        bool cut = series.Any(s => s.Points.Any(p => p.Y > ceiling));
        return new(series)
        {
            Title = Invariant($"Shift of the {GradientDescentWords.Of(curve.Shift)}"),
            Caption = cut ? Invariant($"Drawn to {Numbers.Brief(ceiling)}, where lines of what is larger run on; at factor {Numbers.Brief(curve.Points[^1].Factor)} the trained layers have {Numbers.Score(curve.Points[^1].Trained.Value)}") : null,
            XName = "factor",
            YName = "relative loss",
            YReaches = [0, 1],
            YMost = cut ? ceiling : null,
            Horizontal = [new(1, "an answer of 0")],
        };
    }

    private static SeriesPoint Point(double x, Estimate e) => new(x, e.Value, e.Interval.Low, e.Interval.High);
}
