namespace MlNetIcl.Probes;

/// <summary>Claim 11: priors that tasks have in common are learned.</summary>
internal sealed class CrossTaskPriorClaim : Claim
{
    internal const double OfRidge = 0.5, MeanError = 0.25, Outside = 0.1;

    public override int Number => 11;

    public override string Text => "Transformers learn priors that tasks have in common.";

    public override string? Source => "Lu & Yu 2025, arXiv:2505.12138";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var options = new CrossTaskPriorOptions { Seed = context.Options.Seed };
        if (context.Options.Quick) options = options with { Ranks = [4, 10], TestTasks = 1000 };
        return Find(CrossTaskPrior.Run(options, progress, cancellationToken));
    }

    internal static ClaimFinding Find(CrossTaskPriorResult run)
    {
        var o = run.Options;
        var low = run.Ranks.Where(r => 2 * r.Rank <= o.Examples).ToArray();
        return new ClaimFinding
        {
            Ran = FormattableString.Invariant($"y = Xw + noise, {o.Examples} examples of {o.Dimension} unknowns, w of rank {string.Join(", ", run.Ranks.Select(r => r.Rank))}; {o.Layers} layers of linear attention, {o.Steps} steps without w; {o.TestTasks} fresh tasks."),
            Figures =
            [
                .. run.Ranks.SelectMany(rank => new[]
                {
                    Figure(rank, "risk of the transformer", t => t.Risk, FormattableString.Invariant($"ridge {rank[InverseLearner.Ridge].Risk.Value:0.000}, two-stage {rank[InverseLearner.TwoStageRidge].Risk.Value:0.000}, oracle {rank.OracleRisk:0.000}")),
                    Figure(rank, "mean of its answers, error", t => t.MeanError, FormattableString.Invariant($"ridge {rank[InverseLearner.Ridge].MeanError.Value:0.000}")),
                    Figure(rank, "their variance outside the prior", t => t.OutsideVariance, FormattableString.Invariant($"ridge {rank[InverseLearner.Ridge].OutsideVariance.Value:0.000}")),
                    Figure(rank, "its risk on tasks of another prior", t => t.ForeignRisk, FormattableString.Invariant($"ridge {rank[InverseLearner.Ridge].ForeignRisk.Value:0.000}")),
                }),
            ],
            Verdict = ClaimRules.All(low.SelectMany(rank => new[]
            {
                ClaimRules.Below(rank[InverseLearner.Transformer].Risk.Interval, OfRidge * rank[InverseLearner.Ridge].Risk.Value),
                ClaimRules.Below(rank[InverseLearner.Transformer].MeanError.Interval, MeanError),
                ClaimRules.Below(rank[InverseLearner.Transformer].OutsideVariance.Interval, Outside),
            })),
            Rule = FormattableString.Invariant($"ranks up to half the examples: reproduced where the risk is below {OfRidge} of ridge's, the mean's error below {MeanError} and the variance outside the prior below {Outside}, whole intervals; refuted where none of an interval is; the verdict of all, or depends"),
            Explanation = "The transformer never sees w, and answers with the mean and in the directions that tasks have in common; on tasks of another prior it does worse than ridge, which has none. Near full rank it falls behind the oracle.",
        };

        ClaimFigure Figure(PriorRankResult rank, string name, Func<PriorLearnerResult, Estimate> of, string reference) =>
            new(FormattableString.Invariant($"rank {rank.Rank}: {name}"), of(rank[InverseLearner.Transformer]).Value, of(rank[InverseLearner.Transformer]).Interval, o.TestTasks, reference);
    }
}
