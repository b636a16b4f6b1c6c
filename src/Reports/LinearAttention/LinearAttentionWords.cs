using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Positions;
using static System.FormattableString;

namespace MlNetIcl.Reports.LinearAttention;

/// <summary>The sentences of linear attention, the same on a page, in Markdown and on a terminal.</summary>
public static class LinearAttentionWords
{
    /// <summary>What a drop and a plateau are.</summary>
    public const string Rule =
        "A drop is a peak of the loss lost for each step, parted from the next one by a valley of at most half its height, that takes at least half of what the smallest component is worth; "
        + "a plateau is the slowest point between two drops, and each end. Drops are found in the loss of the sequences, which only falls; plateaus and ends are judged in the population.";

    /// <summary>What was found, in a few sentences.</summary>
    public static string Summary(LinearAttentionResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return $"{Summary(result.Equality)} {Summary(result.Dynamics)}";
    }

    /// <summary>Which regression attention equals.</summary>
    public static string Summary(KernelEqualityResult equality)
    {
        ArgumentNullException.ThrowIfNull(equality);
        double Largest(AttentionKind attention) => equality.Equalities.Where(c => c.Attention == attention).Max(c => c.RelativeDifference);
        var others = equality.Comparisons.Where(c => c is { ExpectedEqual: false, Attention: AttentionKind.Linear, Source: SmootherSource.Constructed }).ToArray();
        string Gap(SmootherKind kind) => Numbers.Score(others.Where(c => c.Smoother == kind).Select(c => c.Gap.Value).DefaultIfEmpty(double.NaN).Max());
        return Invariant($"Linear attention equals the unnormalised kernel smoother to {Difference(Largest(AttentionKind.Linear))} of its largest output, softmax attention the normalised one to {Difference(Largest(AttentionKind.Softmax))}. ")
            + Invariant($"Linear attention is not the normalised smoother ({Gap(SmootherKind.Normalised)} of it is no multiple of that) nor kernel ridge regression (up to {Gap(SmootherKind.Ridge)}).");
    }

    /// <summary>How linear attention learned.</summary>
    public static string Summary(AttentionDynamicsResult dynamics)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        return string.Join(" ", dynamics.Kinds.Select(kind => Invariant($"With {Of(kind.Kind)} keys and queries the loss ends at {Of(kind.FinalLoss)} (closed form: {Numbers.Score(dynamics.Optimum)}), after {Drops(kind)}.")));
    }

    /// <summary>How many drops there were: <c>4 drops in 5 of 5 trainings</c>.</summary>
    public static string Drops(KeyQueryResult kind)
    {
        ArgumentNullException.ThrowIfNull(kind);
        return string.Join(", ", kind.Runs.GroupBy(r => r.Drops.Count).OrderByDescending(g => g.Count()).ThenBy(g => g.Key)
            .Select(g => Invariant($"{g.Key} {(g.Key == 1 ? "drop" : "drops")} in {g.Count()} of {kind.Runs.Count} {(kind.Runs.Count == 1 ? "training" : "trainings")}")));
    }

    /// <summary>How many trainings ended too early to show all there is; null where none did.</summary>
    public static string? Unfinished(KeyQueryResult kind)
    {
        ArgumentNullException.ThrowIfNull(kind);
        int unfinished = kind.Runs.Count(run => !run.Converged);
        return unfinished == 0 ? null : Invariant($"{unfinished} of {kind.Runs.Count} {(kind.Runs.Count == 1 ? "training" : "trainings")} ended before the loss was near its optimum; more steps would show the rest.");
    }

    /// <summary>The name of a kind of heads.</summary>
    public static string Of(KeyQueryKind kind) => kind == KeyQueryKind.Merged ? "merged" : "separate";

    /// <summary>A mean with its interval.</summary>
    public static string Of(Estimate estimate) => PositionWords.Of(estimate);

    /// <summary>A relative difference: <c>3e-7</c>.</summary>
    public static string Difference(double value) => value < 0.001 ? value == 0 ? "0" : value.ToString("0e-0", System.Globalization.CultureInfo.InvariantCulture) : Numbers.Brief(Math.Round(value, 3));

    /// <summary>Attention and where its outputs come from: <c>linear, constructed</c>.</summary>
    public static string Attention(SmootherComparison comparison)
    {
        ArgumentNullException.ThrowIfNull(comparison);
        string attention = comparison.Attention == AttentionKind.Linear ? "linear" : "softmax";
        return comparison.Source switch
        {
            SmootherSource.Constructed => $"{attention}, constructed",
            SmootherSource.ConstructedEqualNorms => $"{attention}, equal norms",
            _ => $"{attention}, {comparison.Model}",
        };
    }

    /// <summary>A regression with its kernel: <c>Nadaraya-Watson, Gaussian</c>.</summary>
    public static string Regression(SmootherComparison comparison)
    {
        ArgumentNullException.ThrowIfNull(comparison);
        string kernel = comparison.Kernel switch
        {
            SmootherKernel.Linear => "linear",
            SmootherKernel.Exponential => "exponential",
            _ => "Gaussian",
        };
        return comparison.Smoother switch
        {
            SmootherKind.Unnormalised => $"sum y k, {kernel}",
            SmootherKind.Normalised => $"normalised, {kernel}",
            _ => Invariant($"ridge {Numbers.Brief(comparison.Ridge ?? double.NaN)} N, {kernel}"),
        };
    }

    /// <summary>Components by number, from 1 for the largest eigenvalue: <c>1</c>, <c>2, 3</c>, or a dash.</summary>
    public static string Components(AttentionDynamicsResult dynamics, IReadOnlyList<int> components)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        ArgumentNullException.ThrowIfNull(components);
        return components.Count == 0 ? Numbers.Missing : string.Join(", ", components.Select(c => Rank(dynamics, c)).Order().Select(rank => Invariant($"{rank}")));
    }

    /// <summary>A component's place by its eigenvalue, 1 for the largest.</summary>
    public static int Rank(AttentionDynamicsResult dynamics, int component)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        var values = dynamics.Eigenvalues;
        return 1 + Enumerable.Range(0, values.Count).Count(i => values[i] > values[component] || (values[i] == values[component] && i < component));
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(LinearAttentionResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var (e, d) = (result.Equality.Options, result.Dynamics.Options);
        return
        [
            ("Kernels", Invariant($"{Numbers.Count(e.Tasks)} tasks y = w.x of {e.Examples} examples in {e.Dimension} dimensions; decoders read {e.Rows} rows of {e.Length} random tokens")),
            ("Dynamics", Invariant($"{d.Examples} examples, inputs of variances {string.Join(", ", result.Dynamics.Eigenvalues.Select(v => Numbers.Brief(Math.Round(v, 4))))}; gradient descent on all of {Numbers.Count(d.Sequences)} sequences at once")),
            .. result.Dynamics.Kinds.Select(k => (Of(k.Kind) is var name ? char.ToUpperInvariant(name[0]) + name[1..] : "", Invariant($"{k.Heads} heads, first weights of size {Numbers.Brief(k.InitialSize)}, rate {Numbers.Brief(k.LearningRate)}, {Numbers.Count(k.Runs.Min(r => r.Points[^1].Step))} to {Numbers.Count(k.Runs.Max(r => r.Points[^1].Step))} steps"))),
            ("Trainings (n)", Invariant($"{d.Seeds} of each kind; seed {d.Seed}")),
        ];
    }
}
