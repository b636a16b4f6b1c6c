using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Ablates the two stages of the induction circuit, previous-token heads and induction heads (Elhage et al. 2021; Olsson et al. 2022,
/// arXiv:2209.11895), one, the other and both, gives them back, and measures what is left of copying. Members are thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// Heads are those that <see cref="HeadDetector"/> gives the verdict. Their outputs (z) are replaced on fresh repeated sequences by means
/// over 32 others, so that nothing is measured on the sequences that heads were chosen or means were taken on. Controls ablate as
/// many heads of the same layers that have neither verdict, as in Crosbie &amp; Shutova (Findings of NAACL 2025).
/// </para>
/// <para>
/// Giving everything back is the whole model, and giving one set back is the same run as ablating the other alone: 'restoring both
/// restores copying' holds by construction. What a head is worth shows where it is given back alone, or beside the whole other set.
/// </para>
/// </remarks>
public static class CopyAblation
{
    /// <summary>The article's claim of the first layer's heads: copy accuracy falls by 85 %. No source for it could be found.</summary>
    public const double FirstLayerClaim = -0.85;

    /// <summary>The article's claim of the second layer's heads: copy accuracy falls by 92 %. No source for it could be found.</summary>
    public const double SecondLayerClaim = -0.92;

    /// <summary>The article's claim of restoring both: full recovery.</summary>
    public const double RestorationClaim = 0;

    /// <summary>Measures the whole table.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">An option is out of range, or context or vocabulary are too small for the period.</exception>
    public static CopyAblationResult Measure(LanguageModel model, CopyAblationOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new();
        options.Validate();
        using var scope = NewDisposeScope();
        var detection = HeadDetector.Detect(model, options.Detection, progress.Part(0, 0.1), cancellationToken);
        var sequences = RepeatedSequences.Generate(model, options.Sequences, options.Period, seed: unchecked(options.Seed + 1));
        var plan = CopyAblationPlan.Of(detection, model.Config, options);
        HeadId[][] sets = [.. plan.Sets];
        var runs = new HeadAblation(model, sequences, sets.SelectMany(set => set), options.Detection, Math.Max(1, 2 * sets.Length), progress.Part(0.1, 1), cancellationToken, options.Kind);
        var (accuracies, losses) = (runs.CopyAccuracies(sets), runs.Losses(sets));
        var summary = new CopySummary(sequences.Tokens.Count, options.Seed);
        var result = new CopyAblationResult
        {
            Model = model.Name,
            Layers = model.Config.Layers,
            HeadsPerLayer = model.Config.Heads,
            Seed = options.Seed,
            Protocol = sequences.Protocol,
            Kind = options.Kind,
            PreviousTokenHeads = plan.PreviousToken,
            InductionHeads = plan.Induction,
            Chance = 1.0 / model.Config.Vocabulary,
            Base = summary.Of(accuracies.Base, losses.Base),
            Rows = [],
        };
        progress?.Report(1);
        return result with { Rows = [.. plan.Rows.Select(row => Row(row, accuracies, losses, summary, result))] };
    }

    private static CopyAblationRow Row(CopyAblationPlan.Row row, AblatedRuns accuracies, AblatedRuns losses, CopySummary summary, CopyAblationResult result)
    {
        double[] accuracy = MeanOf(accuracies, row.Sets);
        double whole = result.Base.Accuracy;
        double[] change = result.Copies ? [.. accuracy.Zip(accuracies.Base, (after, before) => (after - before) / whole)] : [];
        return new CopyAblationRow
        {
            Intervention = row.Intervention,
            Head = row.Head,
            Ablated = row.Ablated,
            Draws = Math.Max(1, row.Sets.Count),
            Measure = summary.Of(accuracy, MeanOf(losses, row.Sets)),
            RelativeChange = result.Copies ? change.Average() : null,
            RelativeChangeInterval = result.Copies ? summary.Interval(change) : null,
            Claim = row.Intervention switch
            {
                CopyIntervention.AblatePreviousToken or CopyIntervention.AblateFirstLayer => FirstLayerClaim,
                CopyIntervention.AblateInduction or CopyIntervention.AblateSecondLayer => SecondLayerClaim,
                CopyIntervention.RestoreBoth => RestorationClaim,
                _ => null,
            },
        };
    }

    /// <summary>By sequence, the mean over some sets; without any, the whole model's.</summary>
    private static double[] MeanOf(AblatedRuns runs, IReadOnlyList<int> sets) =>
        sets.Count == 0 ? runs.Base : [.. Enumerable.Range(0, runs.Sequences).Select(i => sets.Average(set => runs.Patched[set][i]))];

    private sealed class CopySummary(int sequences, int seed)
    {
        private readonly BootstrapInterval _bootstrap = new(sequences, seed);

        public Interval Interval(double[] values) => _bootstrap.OfMean(values);

        public CopyMeasure Of(IReadOnlyList<double> accuracy, IReadOnlyList<double> loss) => new()
        {
            Accuracy = accuracy.Average(),
            AccuracyInterval = _bootstrap.OfMean([.. accuracy]),
            Loss = loss.Average(),
            LossInterval = _bootstrap.OfMean([.. loss]),
        };
    }
}
