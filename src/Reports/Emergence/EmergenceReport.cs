using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Emergence;

/// <summary>Emergence as a report.</summary>
public static class EmergenceReport
{
    private const int MostCurves = 6;

    /// <summary>The whole report: what was found, curves over steps with the change point, losses by position, the control, all shapes.</summary>
    public static Report Of(EmergenceResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var group = result.Groups[0];
        var control = result.Groups.Skip(1).FirstOrDefault(g => g.Size.Layers == 1 && g.Size.Width == group.Size.Width && g.Size.Heads == group.Size.Heads);
        return new("Emergence of induction heads",
        [
            new("What was measured", new KeyFacts(EmergenceWords.Facts(result)), new Note(EmergenceWords.Caveat)),
            new("When it emerged", Shapes(result), Runs(result)),
            new("Over the training", Curve(group, "Strongest induction head", "attention above control", p => p.Induction, [0, 1]),
                Curve(group, "Strongest previous-token head", "attention above uniform", p => p.PreviousToken, [0, 1]),
                Curve(group, "Loss of the second repeat", "nats", p => p.Losses.SecondRepeat, [0]),
                Curve(group, "In-context-learning score", "nats", p => p.Losses.InContextLearningScore ?? double.NaN, [0])),
            new("Loss by position", Positions(result, group)),
            .. control is null ? Array.Empty<Section>() :
            [
                new Section("Control: one layer", new Prose("A head of the first layer cannot know what stood before an earlier token, so that no induction head can form."),
                    Curve(control, "Strongest induction head, one layer", "attention above control", p => p.Induction, [0, 1])),
            ],
        ])
        {
            Lead = EmergenceWords.Summary(result),
        };
    }

    /// <summary>A row for each shape: runs that formed induction heads, and mean change points.</summary>
    public static DataTable Shapes(EmergenceResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new(
            [new("shape"), new("formed", true, "runs with a head of verdict induction at the end"), new("onset", true, "10 % of the rise, in steps"), new("midpoint", true, "50 %"), new("completion", true, "90 %"), new("midpoint, tokens and fraction", true)],
            [.. result.Groups.Select(g => (IReadOnlyList<Cell>)
            [
                EmergenceWords.Name(g.Size), EmergenceWords.Formed(g), EmergenceWords.Steps(g.Change?.Onset), EmergenceWords.Steps(g.Change?.Midpoint), EmergenceWords.Steps(g.Change?.Completion),
                g.Change is { } change ? EmergenceWords.Fraction(result, change.Midpoint) : Numbers.Missing,
            ])])
        {
            Caption = "Means over runs; brackets are 95 % intervals over runs",
        };
    }

    private static DataTable Runs(EmergenceResult result) => new(
        [new("run"), new("induction heads"), new("previous-token heads"), new("onset", true), new("midpoint", true), new("completion", true), new("copy accuracy", true), new("copying", true, "score of the strongest induction head's OV circuit")],
        [.. result.Groups.SelectMany(g => g.Runs.Select(r => (IReadOnlyList<Cell>)
        [
            EmergenceWords.RunName(g, r), Heads(r.InductionHeads), Heads(r.PreviousTokenHeads), EmergenceWords.Steps(r.Change?.Onset), EmergenceWords.Steps(r.Change?.Midpoint), EmergenceWords.Steps(r.Change?.Completion),
            Numbers.Score(r.Points[^1].Losses.CopyAccuracy ?? double.NaN), Numbers.Score(r.Points[^1].Copying ?? double.NaN),
        ]))])
    {
        Caption = "Each run at its end; brackets are 95 % intervals over held-out sequences",
    };

    private static LineChart Curve(EmergenceGroup group, string title, string y, Func<EmergencePoint, double> value, IReadOnlyList<double> reaches) =>
        new([.. group.Runs.Take(MostCurves).Select(r => new Series(r.Name, [.. r.Points.Select(p => new SeriesPoint(p.Step, value(p)))]))])
        {
            Title = title,
            Caption = Invariant($"{EmergenceWords.Name(group.Size)}{(group.Runs.Count > MostCurves ? $"; the first {MostCurves} runs" : "")}"),
            XName = "training steps",
            YName = y,
            YReaches = reaches,
            Vertical = group.Change is { } change ? [new(change.Midpoint.Step, Invariant($"midpoint {change.Midpoint.Step:0}"))] : [],
        };

    // Of the first run: before, at the three times of its change point, at the end.
    private static LineChart Positions(EmergenceResult result, EmergenceGroup group)
    {
        var run = group.Runs[0];
        double[] times = run.Change is { } c ? [c.Onset.Step, c.Midpoint.Step, c.Completion.Step] : [];
        var shown = times.Select(t => run.Points.MinBy(p => Math.Abs(p.Step - t))!).Prepend(run.Points[0]).Append(run.Points[^1]).DistinctBy(p => p.Step);
        return new([.. shown.Select(p => Series.Of(Invariant($"step {p.Step}"), p.Losses.ByPosition, first: 1))])
        {
            Title = "Loss by position",
            Caption = $"{run.Name}, at the checkpoints nearest to onset, midpoint and completion, and at both ends",
            XName = "position",
            YName = "nats",
            YReaches = [0],
            Vertical = result.Protocol.Period is { } period ? [new(period + 1, "second repeat")] : [],
        };
    }

    private static string Heads(IReadOnlyList<HeadId> heads) => heads.Count == 0 ? "none" : string.Join(", ", heads);
}
