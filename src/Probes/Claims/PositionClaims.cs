namespace MlNetIcl.Probes;

/// <summary>The run behind the claims about positions: <see cref="PositionStudy"/>, once.</summary>
internal static class PositionRun
{
    public static PositionStudyResult Of(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken) => context.Share("position encodings", () =>
    {
        var options = new PositionStudyOptions { Seed = context.Options.Seed };
        // In quick runs every encoding has the one rate that all of them choose of the full run's two.
        return PositionStudy.Run(context.Options.Quick ? options with { LearningRates = [1e-2], Steps = 250 } : options with { Seeds = 5 }, progress, cancellationToken);
    });

    public static string Words(PositionStudyResult run) => FormattableString.Invariant(
        $"{run.Schemes.Count} encodings on one key-value task, {run.Options.Seeds} two-layer decoders of each, {run.Options.Steps} steps; {run.Options.Rows} rows each, {run.Options.TrainedDemonstrations} demonstrations at most in training.");

    public static ClaimFigure Figure(string name, Estimate estimate, PositionStudyResult run, string? reference = null) => new(name, estimate.Value, estimate.Interval, run.Options.Seeds, reference);
}

/// <summary>Claim 6: absolute positions rely too much on the first demonstration.</summary>
internal sealed class FirstExampleClaim : Claim
{
    internal const double Preference = 0.02; // of accuracy or of contradictions; less is no reliance that anybody would notice

    public override int Number => 6;

    public override string Text => "Decoders with absolute positions over-rely on the first example.";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken) => Find(PositionRun.Of(context, progress, cancellationToken));

    internal static ClaimFinding Find(PositionStudyResult run)
    {
        PositionSchemeResult[] absolute = [.. run.Schemes.Where(s => s.Scheme is PositionScheme.Learned or PositionScheme.Sinusoidal)];
        return new ClaimFinding
        {
            Ran = PositionRun.Words(run),
            Figures =
            [
                .. absolute.Select(s => PositionRun.Figure($"{s.Scheme}: accuracy, answer in the first demonstration minus the others", s.Trained.First, run, "claimed: above 0")),
                .. absolute.Select(s => PositionRun.Figure($"{s.Scheme}: contradictions won by the first demonstration of all minus by other firsts", s.Conflict.FirstDemonstrationPull, run, "claimed: above 0")),
                .. run.Schemes.Except(absolute).Select(s => PositionRun.Figure($"{s.Scheme}: accuracy, answer in the first demonstration minus the others", s.Trained.First, run)),
            ],
            Verdict = ClaimRules.All(absolute.SelectMany(s => new[] { s.Trained.First, s.Conflict.FirstDemonstrationPull }).Select(e => ClaimRules.Above(e.Interval, Preference))),
            Rule = FormattableString.Invariant($"per absolute encoding and measure: reproduced where the whole interval is above {Preference}, refuted where none of it is, else depends; the verdict of all, or depends"),
            Explanation = "Decoders that solve the task are as right about the first demonstration as about any other; where two demonstrations contradict each other, which no training row does, the first of all has no particular pull beyond chance of training.",
        };
    }
}

/// <summary>Claim 7: relative positions are better, and ALiBi extrapolates.</summary>
internal sealed class RelativePositionClaim : Claim
{
    internal const double Kept = 0.9; // accuracy with more demonstrations than in training

    public override int Number => 7;

    public override string Text => "Relative positions are better than absolute ones, and ALiBi extrapolates to longer prompts.";

    public override string? Source => "Press et al. 2022 for ALiBi, on perplexity; Kazemnejad et al. 2023 find no encoding best";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken) => Find(PositionRun.Of(context, progress, cancellationToken));

    internal static ClaimFinding Find(PositionStudyResult run)
    {
        int longest = run.Options.TestedDemonstrations[^1];
        Estimate At(PositionScheme scheme) => run[scheme]!.ByLength[^1].Accuracy!.Value;
        Estimate alibi = At(PositionScheme.Alibi), absolute = At(PositionScheme.Sinusoidal);
        PositionScheme[] relative = [PositionScheme.T5Bias, PositionScheme.Rotary, PositionScheme.Alibi];
        // The ends of two intervals bound the difference, more widely than need be.
        Interval Beyond(Estimate e) => new(e.Interval.Low - absolute.Interval.High, e.Interval.High - absolute.Interval.Low);
        return new ClaimFinding
        {
            Ran = PositionRun.Words(run),
            Figures =
            [
                PositionRun.Figure(FormattableString.Invariant($"ALiBi: accuracy with {longest} demonstrations"), alibi, run, FormattableString.Invariant($"trained up to {run.Options.TrainedDemonstrations}; chance {run.Chance:0.000}")),
                .. relative.Select(s => new ClaimFigure(FormattableString.Invariant($"{s} minus sinusoidal, {longest} demonstrations"), At(s).Value - absolute.Value, Beyond(At(s)), run.Options.Seeds, "claimed: above 0")),
                PositionRun.Figure(FormattableString.Invariant($"no positions at all: accuracy with {longest} demonstrations"), At(PositionScheme.None), run),
            ],
            Verdict = ClaimRules.All([ClaimRules.Above(alibi.Interval, Kept), .. relative.Select(s => ClaimRules.Above(Beyond(At(s)), 0))]),
            Rule = FormattableString.Invariant($"ALiBi: reproduced where its interval is above {Kept} with {longest} demonstrations; each relative encoding: reproduced where the interval of its difference from sinusoids is above 0, refuted where none of it is, else depends; the verdict of all, or depends"),
            Explanation = FormattableString.Invariant($"A learned absolute table has no rows for {longest} demonstrations at all; sinusoids have. Within the trained length all encodings solve the task, so only longer rows tell them apart."),
        };
    }
}
