using MlNetIcl.Cli.Hosting;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.GradientDescent;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>In-context learning against gradient descent on a terminal of 80 columns.</summary>
internal static class GradientDescentTable
{
    public static void Write(CliHost host, GradientDescentResult result)
    {
        Terminal.WriteFacts(host, GradientDescentWords.Facts(result));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, GradientDescentWords.Summary(result));

        host.Output.WriteLine("\nLayers against steps, by construction: largest difference");
        Terminal.WriteTable(host, [("layers", true), ("gradient descent", true), ("GD++", true)],
            result.Construction.Select(c => Row([Invariant($"{c.Steps}"), Numbers.Probability(c.GradientDescent), Numbers.Probability(c.PlusPlus)])));

        host.Output.WriteLine("\nLosses, half the squared error:");
        Terminal.WriteTable(host, [("model or algorithm", false), ("eta", true), ("gamma", true), ("loss, 95 %", true)],
        [
            .. result.References.Select(r => Row([GradientDescentWords.Of(r), r.Steps == 0 ? "" : Numbers.Score(r.Eta), r.Kind == ReferenceKind.PlusPlus ? Numbers.Score(r.Gamma) : "", GradientDescentWords.Of(r.Loss)])),
            .. result.Runs.Select(run => Row([Invariant($"linear attention, seed {run.Seed}"), "", "", GradientDescentWords.Of(run.Loss)], strong: true)),
            .. result.Softmax.Select(run => Row([Invariant($"softmax transformer, seed {run.Seed}"), "", "", GradientDescentWords.Of(run.Loss)], strong: true)),
        ]);

        foreach (var run in result.Runs) Alignments(Invariant($"Linear attention, seed {run.Seed}"), run);
        foreach (var run in result.Softmax) Alignments(Invariant($"Softmax transformer, seed {run.Seed}"), run);

        foreach (var curve in result.Shifts)
        {
            host.Output.WriteLine(Invariant($"\nShift of the {GradientDescentWords.Of(curve.Shift)}; loss relative to that of an answer of 0:"));
            Terminal.WriteTable(host, [("factor", true), ("trained, 95 %", true), ("closed form", true), ("GD", true), ("least squares", true), ("softmax", true)],
                curve.Points.Select(p => Row([Numbers.Brief(p.Factor), GradientDescentWords.Of(p.Trained), Numbers.Score(p.Expected ?? double.NaN), Numbers.Score(p.GradientDescent.Value), Numbers.Score(p.LeastSquares.Value), Numbers.Score(p.Softmax?.Value ?? double.NaN)])));
        }

        void Alignments(string name, GradientDescentRun run)
        {
            host.Output.WriteLine($"\n{name}{Words(run)}:");
            Terminal.WriteTable(host, [("held against", false), ("|dy|", true), ("cosine, 95 %", true), ("|dg|", true), ("excess loss", true)],
                run.Alignments.Select(a => Row([GradientDescentWords.Of(a.Reference), Numbers.Score(a.PredictionDifference.Value), GradientDescentWords.Of(a.Cosine), Numbers.Score(a.GradientDifference.Value), Numbers.Score(a.ExcessLoss.Value)],
                    ReferenceEquals(a, GradientDescentWords.Nearest(run)))));
        }
    }

    private static string Words(GradientDescentRun run)
    {
        if (run.Interpolation.Count == 0) return "";
        string text = Invariant($"; half-way to the construction {Numbers.Score(run.Interpolation.Single(p => p.Share == 0.5).Loss.Value)}");
        return run.ConstructionDistance is { } distance ? Invariant($"{text}, {Numbers.Score(distance)} apart") : text;
    }

    private static (IReadOnlyList<string>, bool) Row(IReadOnlyList<string> cells, bool strong = false) => (cells, strong);
}
