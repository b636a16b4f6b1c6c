using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Ablates detected heads, alone and together, and control heads, and decides what each detected head does to copying.
/// </summary>
/// <remarks>
/// On the sequences: each detected head and each control head once (a control head that several detected heads share is ablated once),
/// the joint set, the joint set without each of its heads, and the draws of control heads. On the matched controls: the detected heads
/// and the joint set.
/// </remarks>
internal sealed class HeadConfirmer
{
    /// <summary>Fresh sequences that the means are taken over.</summary>
    public const int ReferenceSequences = 32;

    private readonly HeadDetectionResult _detection;
    private readonly HeadDetectionOptions _options;
    private readonly HeadId[] _heads, _controls;
    private readonly ConfirmationRules _rules;
    private readonly HeadAblation _ablation;

    private HeadConfirmer(LanguageModel model, RepeatedSequences sequences, HeadDetectionResult detection, HeadDetectionOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        (_detection, _options) = (detection, options);
        _heads = [.. detection.Heads.Where(IsAskedFor).Select(h => new HeadId(h.Layer, h.Head))];
        _controls = ControlHeads.Of(detection, _heads);
        _rules = new ConfirmationRules(options.ConfirmThreshold);
        // Alone, on controls, joint and given back, draws, joint on controls, accuracies.
        int runs = 4 * _heads.Length + _controls.Length + ControlHeads.Draws + 3;
        _ablation = new HeadAblation(model, sequences, [.. _heads, .. _controls], options, runs, progress, cancellation);
    }

    /// <summary>Confirms what was detected on <paramref name="sequences"/>.</summary>
    public static ConfirmationResult Run(LanguageModel model, RepeatedSequences sequences, HeadDetectionResult detection, HeadDetectionOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var result = new HeadConfirmer(model, sequences, detection, options, progress, cancellation).Confirm();
        progress?.Report(1);
        return result;
    }

    private bool IsAskedFor(HeadScores head) =>
        head.Induction.Verdict == HeadVerdicts.Induction || (_options.ConfirmWeak && head.Induction.Verdict == HeadVerdicts.Weak);

    private ConfirmationResult Confirm()
    {
        HeadId[][] alone = [.. _heads.Select(h => (HeadId[])[h])];
        var onRepeats = _ablation.Losses([.. alone, .. _controls.Select(c => (HeadId[])[c])]);
        var onControls = _ablation.ControlLosses(alone);
        var bootstrap = new BootstrapInterval(onRepeats.Sequences, _options.Seed, _options.Resamples);
        Estimate[] effects = [.. _heads.Select((_, i) => Of(onRepeats.Change(i)))];
        Estimate[] specificities = [.. _heads.Select((_, i) => Of(Minus(onRepeats.Change(i), onControls.Change(i))))];
        ControlHeadEffect[] controls = [.. _controls.Select((c, i) => new ControlHeadEffect(c.Layer, c.Head, onRepeats.Change(_heads.Length + i).Average()))];

        HeadId[] together = [.. _heads.Where((_, i) => !_rules.Opposes(specificities[i].Interval))];
        var copies = _ablation.CopyAccuracies([.. alone, together]);
        var (joint, giveBacks) = Together(together, copies.Patched[^1].Average(), Of);

        return new ConfirmationResult
        {
            Loss = onRepeats.Base.Average(),
            CopyAccuracy = copies.Base.Average(),
            Heads = [.. _heads.Select((head, i) => Describe(head, effects[i], specificities[i], controls, joint, giveBacks.GetValueOrDefault(head), copies.Patched[i].Average()))],
            Controls = controls,
            Joint = joint,
            ReferenceSequences = ReferenceSequences,
            Threshold = _options.ConfirmThreshold,
        };

        Estimate Of(double[] values) => new(values.Average(), bootstrap.OfMean(values));
    }

    /// <summary>Ablates the heads together, all but each one, and draws of as many control heads.</summary>
    private (JointConfirmation? Joint, Dictionary<HeadId, Estimate> GiveBacks) Together(HeadId[] heads, double copyAccuracy, Func<double[], Estimate> estimate)
    {
        if (heads.Length == 0) return (null, []);
        var draws = ControlHeads.Draw(ControlHeads.Of(_detection, heads), heads.Length, _options.Seed);
        var onRepeats = _ablation.Losses([heads, .. heads.Select(back => heads.Where(h => h != back).ToArray()), .. draws]);
        var onControls = _ablation.ControlLosses([heads]);
        var effect = estimate(onRepeats.Change(0));
        var specificity = estimate(Minus(onRepeats.Change(0), onControls.Change(0)));
        double[] controls = [.. draws.Select((_, i) => onRepeats.Change(1 + heads.Length + i).Average())];
        var joint = new JointConfirmation
        {
            Heads = heads,
            Effect = effect.Mean,
            EffectInterval = effect.Interval,
            Specificity = specificity.Mean,
            SpecificityInterval = specificity.Interval,
            ControlEffects = controls,
            Exceeds = _rules.Exceeds(effect.Mean, specificity.Interval, controls),
            Loss = onRepeats.Patched[0].Average(),
            CopyAccuracy = copyAccuracy,
        };
        return (joint, heads.Select((head, i) => (head, Gain: estimate(Minus(onRepeats.Patched[0], onRepeats.Patched[1 + i])))).ToDictionary(g => g.head, g => g.Gain));
    }

    private HeadConfirmation Describe(HeadId head, Estimate effect, Estimate specificity, ControlHeadEffect[] all, JointConfirmation? joint, Estimate? giveBack, double copyAccuracy)
    {
        double[] controls = [.. all.Where(c => Math.Abs(c.Layer - head.Layer) <= 1).Select(c => c.Effect)];
        return new HeadConfirmation
        {
            Layer = head.Layer,
            Head = head.Head,
            Effect = effect.Mean,
            EffectInterval = effect.Interval,
            Specificity = specificity.Mean,
            SpecificityInterval = specificity.Interval,
            ControlHeads = controls.Length,
            LargestControlEffect = controls.Length < ConfirmationRules.FewestControlHeads ? null : controls.Max(),
            GiveBack = giveBack?.Mean,
            GiveBackInterval = giveBack?.Interval,
            CopyAccuracy = copyAccuracy,
            Verdict = _rules.Verdict(effect.Mean, specificity.Interval, controls, joint?.Exceeds ?? false, giveBack?.Interval),
        };
    }

    private static double[] Minus(double[] left, double[] right) => [.. left.Zip(right, (a, b) => a - b)];

    private sealed record Estimate(double Mean, Interval Interval);
}
