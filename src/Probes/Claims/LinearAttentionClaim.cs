using static System.FormattableString;

namespace MlNetIcl.Probes;

/// <summary>Claim 9: linear attention is kernel regression, and how it learns can be solved exactly.</summary>
internal sealed class LinearAttentionClaim : Claim
{
    internal const double Rounding = 1e-5; // float32 sums of some dozens of terms, relative to the largest output
    internal const double Near = 0.05; // losses against closed forms, relative
    internal const double MostTrainings = 0.8; // two components may happen to be learned at once

    public override int Number => 9;

    public override string Text => "Linear attention equals kernel regression (the unnormalised smoother), and its training dynamics are exactly solvable.";

    public override string? Source => "von Oswald et al. 2023; Zhang, Singh, Latham & Saxe 2025, arXiv:2501.16265";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        bool quick = context.Options.Quick;
        return Find(new()
        {
            Equality = KernelEquality.Run(new() { Tasks = quick ? 1000 : 10_000, Seed = context.Options.Seed }, ClaimModels.Given(context) is { } given && DecoderSmoothers.Problem(given) is null ? given : null, progress.Part(0, 0.4), cancellationToken),
            Dynamics = AttentionDynamics.Run(new() { Seeds = quick ? 5 : 50, Seed = context.Options.Seed }, progress.Part(0.4, 1), cancellationToken),
        });
    }

    /// <summary>The verdict and its words from what was measured.</summary>
    internal static ClaimFinding Find(LinearAttentionResult result)
    {
        var (equality, dynamics) = (result.Equality, result.Dynamics);
        SmootherComparison[] equal = [.. equality.Equalities], linear = [.. equality.Comparisons.Where(c => c.Attention == Models.AttentionKind.Linear)];
        var differences = equal.Select(c => new ClaimFigure(Invariant($"{Name(c)}: largest difference, relative to the largest output"), c.RelativeDifference, N: c.N, Reference: Invariant($"equal below {Rounding:0e-0}"))).ToArray();
        var readings = linear.Where(c => c is { ExpectedEqual: false, Source: SmootherSource.Constructed }).ToArray();
        return new ClaimFinding
        {
            Ran = Invariant($"Attention of constructed layers on {equality.Options.Tasks} regression tasks and all heads of decoders on random tokens, against kernel regressions in float64; {dynamics.Options.Seeds} trainings each of merged and separate keys and queries, {dynamics.Options.Dimension} dimensions, {dynamics.Options.Examples} examples, {dynamics.Options.Sequences} sequences (icl linear)."),
            Figures =
            [
                .. differences,
                .. dynamics.Kinds.SelectMany(kind => Figures(dynamics, kind)),
                .. readings.Select(c => new ClaimFigure(Invariant($"{Name(c)}: share that is no multiple of it"), c.Gap.Value, c.Gap.Interval, c.N, "0 where the two are alike")),
            ],
            Verdict = ClaimRules.All([.. equal.Select(c => ClaimRules.Holds(c.RelativeDifference < Rounding)), .. dynamics.Kinds.SelectMany(kind => Judge(dynamics, kind))]),
            Rule = Invariant($"reproduced where attention is within {Rounding:0e-0} of its smoother (linear: unnormalised; softmax: normalised) in every comparison, at least {100 * MostTrainings:0} % of trainings have one drop with merged and {dynamics[KeyQueryKind.Separate].ExpectedDrops} with separate keys and queries, and the mean end and the mean of each plateau are within {100 * Near:0} % of their closed forms; refuted where none of these holds; else depends"),
            Explanation = Explain(readings),
        };
    }

    /// <summary>Drops, end and plateaus, each as theory says or not.</summary>
    private static IEnumerable<ClaimVerdict> Judge(AttentionDynamicsResult dynamics, KeyQueryResult kind) =>
    [
        ClaimRules.Holds(kind.Runs.Count(run => run.Drops.Count == kind.ExpectedDrops) >= MostTrainings * kind.Runs.Count),
        ClaimRules.Holds(Math.Abs(kind.FinalLoss.Value / dynamics.Levels[Reached(dynamics, kind)] - 1) <= Near),
        .. Plateaus(dynamics, kind).Select(p => ClaimRules.Holds(Math.Abs(p.Mean / p.Level - 1) <= Near)),
    ];

    private static IEnumerable<ClaimFigure> Figures(AttentionDynamicsResult dynamics, KeyQueryResult kind)
    {
        string name = kind.Kind == KeyQueryKind.Merged ? "merged" : "separate";
        int n = kind.Runs.Count;
        yield return new(Invariant($"{name}: trainings with {kind.ExpectedDrops} {(kind.ExpectedDrops == 1 ? "drop" : "drops")}"), kind.Runs.Count(run => run.Drops.Count == kind.ExpectedDrops), Reference: Invariant($"of {n}"));
        yield return new(Invariant($"{name}: loss at the end, population"), kind.FinalLoss.Value, kind.FinalLoss.Interval, n, Invariant($"closed form {dynamics.Levels[Reached(dynamics, kind)]:0.000}"));
        foreach (var (learned, mean, level, runs) in Plateaus(dynamics, kind))
            yield return new(Invariant($"{name}: plateau with {learned} learned"), mean, N: runs, Reference: Invariant($"closed form {level:0.000}"));
    }

    /// <summary>Plateaus between drops, over the trainings that have them.</summary>
    private static IEnumerable<(int Learned, double Mean, double Level, int Runs)> Plateaus(AttentionDynamicsResult dynamics, KeyQueryResult kind) =>
        kind.Runs.SelectMany(run => run.Plateaus.Skip(1).SkipLast(1)).GroupBy(p => p.Learned).OrderBy(g => g.Key)
            .Select(g => (g.Key, g.Average(p => p.Loss), dynamics.Levels[g.Key], g.Count()));

    /// <summary>How many components the heads suffice for.</summary>
    private static int Reached(AttentionDynamicsResult dynamics, KeyQueryResult kind) => kind.Kind == KeyQueryKind.Merged ? dynamics.Options.Dimension : kind.ExpectedDrops;

    private static string Name(SmootherComparison c)
    {
        string attention = $"{(c.Attention == Models.AttentionKind.Linear ? "linear" : "softmax")} attention ({(c.Source == SmootherSource.Decoder ? Invariant($"{c.Heads} heads of {c.Model}") : c.Source == SmootherSource.Constructed ? "constructed" : "constructed, keys of one length")})";
        string kernel = c.Kernel switch { SmootherKernel.Linear => "linear kernel", SmootherKernel.Exponential => "exponential kernel", _ => "Gaussian kernel" };
        return c.Smoother switch
        {
            SmootherKind.Unnormalised => $"{attention} and sum y k, {kernel}",
            SmootherKind.Normalised => $"{attention} and sum y k / sum k, {kernel}",
            _ => Invariant($"{attention} and kernel ridge regression, ridge {c.Ridge} N, {kernel}"),
        };
    }

    private static string Explain(SmootherComparison[] readings)
    {
        const string start = "'Kernel regression' holds in one reading alone.";
        if (readings.Length == 0) return start;
        double Most(SmootherKind kind) => readings.Where(c => c.Smoother == kind).Select(c => c.Gap.Value).DefaultIfEmpty(0).Max();
        return Invariant($"{start} Of linear attention, {Most(SmootherKind.Normalised):0.000} is no multiple of the normalised smoother (which softmax attention equals), and up to {Most(SmootherKind.Ridge):0.000} none of kernel ridge regression, which it nears as the ridge grows. Trainings rest where the closed form says, one component after another, the largest first.");
    }
}
