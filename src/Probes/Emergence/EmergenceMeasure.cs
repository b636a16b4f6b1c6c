using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Measures checkpoints of one run on the same held-out sequences.</summary>
internal sealed class EmergenceMeasure
{
    private const int VerdictSequences = 32;

    private readonly RepeatedSequences _sequences;
    private readonly EmergenceOptions _options;
    private readonly List<EmergencePoint> _points = [];
    private readonly List<double[][]> _differences = [];

    /// <param name="model">Any checkpoint: context and vocabulary decide the sequences.</param>
    /// <param name="options">Settings.</param>
    public EmergenceMeasure(LanguageModel model, EmergenceOptions options)
    {
        _options = options;
        _sequences = RepeatedSequences.Generate(model, options.Sequences, seed: options.Seed);
    }

    public SequenceProtocol Protocol => _sequences.Protocol;

    /// <summary>Adds a checkpoint, later than those before.</summary>
    public void Add(int step, LanguageModel model, CancellationToken cancellationToken)
    {
        var shape = _sequences.Shape;
        var options = new HeadDetectionOptions
        {
            Sequences = _options.Sequences,
            Seed = _options.Seed,
            TransformerLens = false,
            Copying = false,
            Losses = true,
            Resamples = _options.Resamples,
            EarlyPosition = shape.Offset + (shape.Period / 2),
        };
        var entries = PatternEntries.OfRepetition(shape);
        var losses = new RepetitionLossReader(shape, _sequences.Tokens.Count);
        var pass = new HeadPass(model, options, null, cancellationToken);
        pass.Run(_sequences.Tokens, _sequences.Controls, _ => entries, losses);

        int[] all = [.. Enumerable.Range(0, _sequences.Tokens.Count)];
        double[][] differences = [.. pass.Scores(HeadKind.Induction, all).Zip(pass.Controls(HeadKind.Induction, all), (s, c) => s.Zip(c, (a, b) => a - b).ToArray())];
        double[] means = [.. differences.Select(d => d.Average())];
        int best = Array.IndexOf(means, means.Max());
        var head = new HeadId(best / model.Config.Heads, best % model.Config.Heads);
        _differences.Add(differences);
        _points.Add(new EmergencePoint
        {
            Step = step,
            Induction = means[best],
            InductionHead = head,
            PreviousToken = pass.Scores(HeadKind.PreviousToken, all).Max(s => s.Average()) - PatternEntries.UniformPreviousToken(shape.Length),
            Copying = model.IsGraph ? null : CopyingScore.OfEigenvalues(model)[head.Layer][head.Head],
            Losses = losses.Summarize(options),
        });
    }

    /// <summary>The run, with the detector's verdicts on the last checkpoint.</summary>
    public EmergenceRun Finish(string name, LanguageModel last, CancellationToken cancellationToken)
    {
        // Other sequences than the curve's, whose largest head was chosen on them.
        var verdicts = HeadDetector.Detect(last, new HeadDetectionOptions { Sequences = VerdictSequences, Seed = unchecked(_options.Seed + 1), TransformerLens = false, Copying = false }, null, cancellationToken);
        return new EmergenceRun
        {
            Name = name,
            Points = _points,
            Change = ChangePoints.Of([.. _points.Select(p => p.Step)], [.. _differences], _options),
            InductionHeads = [.. verdicts.Detected(HeadKind.Induction).Select(h => new HeadId(h.Layer, h.Head))],
            PreviousTokenHeads = [.. verdicts.Detected(HeadKind.PreviousToken).Select(h => new HeadId(h.Layer, h.Head))],
            Differences = [.. _differences],
        };
    }
}
