namespace MlNetIcl.Probes;

/// <summary>Losses after some examples, in nats: cross-entropies of what truly follows, the kernel's row of the parent, mean over prompts and positions with a choice of parents.</summary>
/// <param name="Examples">Sequences before.</param>
/// <param name="Model">Of the trained model.</param>
/// <param name="Untrained">Of the same model before training.</param>
/// <param name="Averaged">Of Bayesian model averaging, which no prediction without the graph beats on average.</param>
/// <param name="Oracle">Of one who knows the graph: the kernel's entropy.</param>
/// <param name="Uniform">Of averaging over all parents alike: no use of examples.</param>
/// <param name="Stationary">Of the kernel's stationary distribution.</param>
/// <param name="Divergence">KL divergence of the model from Bayesian averaging, with its BCa interval (95 %) over prompts.</param>
/// <param name="ShareOfGap">
/// The share of what examples are worth to Bayesian averaging that the model gets, (uniform - model) / (uniform - averaged), with the BCa interval (95 %) over prompts of
/// its linearisation; NaN where they are worth nothing, as without any.
/// </param>
public sealed record InContextGraphPoint(int Examples, double Model, double Untrained, double Averaged, double Oracle, double Uniform, double Stationary, Estimate Divergence, Estimate ShareOfGap);

/// <summary>One trained model.</summary>
public sealed record InContextGraphRun
{
    /// <summary>Its seed.</summary>
    public required int Seed { get; init; }

    /// <summary>The kernel, [value of the parent][value].</summary>
    public required IReadOnlyList<IReadOnlyList<double>> Kernel { get; init; }

    /// <summary>Losses by the number of examples, from none on.</summary>
    public required IReadOnlyList<InContextGraphPoint> Points { get; init; }

    /// <summary>Mean posterior of the true parent by Bayesian averaging after all examples, over positions with a choice.</summary>
    public required double TrueParent { get; init; }

    /// <summary>The same as <see cref="InContextGraphPoint.ShareOfGap"/> after all examples.</summary>
    public Estimate ShareOfGap => Points[^1].ShareOfGap;
}

/// <summary>What <see cref="InContextGraphProbe"/> found. Immutable.</summary>
public sealed record InContextGraphResult
{
    /// <summary>The settings.</summary>
    public required InContextGraphOptions Options { get; init; }

    /// <summary>The runs, one for each seed.</summary>
    public required IReadOnlyList<InContextGraphRun> Runs { get; init; }

    /// <summary>Mean share of the gap over the runs that have one, with its BCa interval (95 %) over them, which is NaN for one run; NaN where examples are worth nothing in any.</summary>
    public Estimate ShareOfGap => Estimate.OverRuns(Runs.Select(r => r.ShareOfGap.Value), Options.Seed) ?? Estimate.None;

    /// <summary><c>learned</c> where the mean share is at least .9, <c>partly learned</c> from .5 on, else <c>not learned</c>; <c>nothing to learn</c> where examples are worth nothing.</summary>
    public string Verdict => ShareOfGap.Value switch
    {
        double.NaN => "nothing to learn",
        >= 0.9 => "learned",
        >= 0.5 => "partly learned",
        _ => "not learned",
    };
}
