using MlNetIcl.Probes;
using MlNetIcl.Reports.Positions;
using static System.FormattableString;

namespace MlNetIcl.Reports.InContextRegression;

/// <summary>The sentences of the study of in-context regression, the same on a page, in Markdown and on a terminal.</summary>
public static class RegressionWords
{
    /// <summary>An error with its interval.</summary>
    public static string Of(RegressionError error) => PositionWords.Of(error.Tasks == 0 ? null : error.Estimate);

    /// <summary>An error alone; very small ones with their order of magnitude.</summary>
    public static string Value(RegressionError error) => Value(error.Mean);

    /// <summary>A number alone; very small ones with their order of magnitude, large ones without decimals; a dash for what is no finite number.</summary>
    public static string Value(double value) => value is > 0 and < 0.0005 ? Numbers.Probability(value)
        : Math.Abs(value) is >= 1000 and < 1e6 ? Numbers.Count((long)Math.Round(value)) : Numbers.Score(value);

    /// <summary>What was found, in a few sentences.</summary>
    public static string Summary(RegressionStudyResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        string baselines = Baselines(result);
        if (result.Comparison is not { } comparison) return baselines;
        var set = comparison.Sets[0];
        int last = comparison.Regressor.Demonstrations, dimension = comparison.Regressor.Dimension;
        string At(int shots) => Invariant($"{Value(set[RegressionLearners.InContext].ByShots[shots])} behind {shots} (least squares {Value(set[RegressionLearners.LeastSquares].ByShots[shots])}, averaging {Value(set[RegressionLearners.Averaging].ByShots[shots])}, 3 nearest {Value(set[RegressionLearners.NearestNeighbours].ByShots[shots])})");
        string own = last > dimension ? $"{At(dimension)} and {At(last)}" : At(last);
        var worst = comparison.Sets.Skip(1).Select(s => (s.Shift, Error: s[RegressionLearners.InContext].ByShots[LastMeasured(s)])).OrderByDescending(s => s.Error.Mean).Take(2).ToArray();
        string shifts = worst.Length == 0 ? "" : $" Out of distribution it errs most with {string.Join(" and ", worst.Select(s => $"{s.Shift.Name} ({Value(s.Error)})"))}.";
        return $"Error of the model, whose weights do not change: {own} demonstrations; an answer of 0 has {(comparison.Regressor.Family == RegressionFamily.Linear ? "1" : "the outputs' mean square, 4.25")}.{shifts} {baselines}";
    }

    /// <summary>The last number of demonstrations at which a set was measured.</summary>
    public static int LastMeasured(ShiftResult set)
    {
        ArgumentNullException.ThrowIfNull(set);
        var errors = set.Curves[0].ByShots;
        for (int k = errors.Count - 1; k > 0; k--)
            if (errors[k].Tasks > 0) return k;
        return 0;
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(RegressionStudyResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var o = result.Options;
        List<(string, string)> facts = [];
        if (result.Comparison is { } comparison)
        {
            var r = comparison.Regressor;
            facts.Add(("Tasks", r.Family == RegressionFamily.Linear
                ? Invariant($"y = wx, x and w ~ N(0, 1) in {r.Dimension} dimensions{(r.Noise == 0 ? "" : Invariant($", noise {(r.NoiseVaries ? "up to " : "")}{Numbers.Brief(r.Noise)}"))}; errors divided by {r.Dimension}")
                : "y = A sin(x + phase), A from 0.1 to 5, x from -5 to 5"));
            facts.Add(("Model", Invariant($"decoder of {r.Layers} layers, width {r.DModel}, {r.Heads} heads, {Numbers.Count(comparison.Parameters)} parameters; {Numbers.Count(r.Steps)} steps of {Numbers.Count(r.BatchTasks)} fresh tasks, behind 0 to {r.Demonstrations} demonstrations{(comparison.TrainingError is { } error ? $"; training error {Value(error.First)} to {Value(error.Last)}" : "")}")));
            facts.Add(("Measured (n)", Invariant($"{Numbers.Count(o.TestTasks)} fresh tasks, the same for all learners; other trainers the first {Numbers.Count(Math.Min(o.LearnerTasks, o.TestTasks))}")));
        }
        facts.Add(("Baselines", Invariant($"{Numbers.Count(o.BaselineTasks)} tasks of {o.BaselineDimension} dimensions; ridge with lambda {Numbers.Brief(o.Lambda)}; seed {o.Seed}")));
        return facts;
    }

    private static string Baselines(RegressionStudyResult result)
    {
        var known = result.Baselines.Where(b => b.Expected is not null && b.Error.StandardError > 1e-6).ToArray();
        int near = known.Count(b => Math.Abs(b.Error.Mean - b.Expected!.Value) < 5 * b.Error.StandardError);
        return Invariant($"Of {known.Length} baselines with an expected error {near} are within five standard errors of it.");
    }
}
