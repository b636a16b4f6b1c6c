using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>The forward passes of one detection, and the values read from them.</summary>
internal sealed class HeadPass(LanguageModel model, HeadDetectionOptions options, IProgress<double>? progress, CancellationToken cancellationToken)
{
    private const int TransformerLensAt = PatternEntries.KindCount;
    private const int TotalAt = TransformerLensAt + TransformerLensReadout.MeasureCount;

    // Linear attention is no distribution: it has no entropy, and no share of all attention.
    private readonly bool _transformerLens = options.TransformerLens && model.Config.Attention == AttentionKind.Softmax;
    private readonly bool _entropy = options.Entropy && model.Config.Attention == AttentionKind.Softmax;
    private TransformerLensReadout[] _readouts = [];
    private PatternValues _values = new(0, 0, 0);
    private PatternValues? _controls;
    private int _sequences;

    /// <summary>Passes over the sequences and their controls, which share batches (unless logits are needed, of the sequences only).</summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="controls">Row i is the control of sequence i; null for none.</param>
    /// <param name="entriesOf">The entries that the three scores read on sequence i and on its control.</param>
    /// <param name="losses">Reads losses, if not null.</param>
    public void Run(TokenBatch sequences, TokenBatch? controls, Func<int, List<PatternEntry>> entriesOf, RepetitionLossReader? losses)
    {
        _sequences = sequences.Count;
        if (_transformerLens)
            _readouts = [.. sequences.Rows.Select(row => new TransformerLensReadout(row, TransformerLensAt, options.ExcludeBos, options.ExcludeCurrentToken))];
        PatternRow[] rows = [.. sequences.Rows.Select((row, i) => new PatternRow(row, _transformerLens ? [.. entriesOf(i), .. _readouts[i].Entries] : entriesOf(i)))];
        PatternRow[] controlRows = controls is null ? [] : [.. controls.Rows.Select((row, i) => new PatternRow(row, entriesOf(i)))];

        int measures = _transformerLens ? TotalAt : PatternEntries.KindCount;
        if (losses is null)
        {
            var pass = new PatternPass(model, measures) { Total = _transformerLens, Entropy = _entropy, BatchRows = options.BatchRows };
            _values = pass.Run([.. rows, .. controlRows], progress, cancellationToken);
            return;
        }
        double share = (double)rows.Length / (rows.Length + controlRows.Length);
        var lossPass = new PatternPass(model, measures)
        {
            Total = _transformerLens,
            Entropy = _entropy,
            BatchRows = Math.Min(options.BatchRows ?? PatternPass.DefaultBatchRows(model.Config, sequences.MaxLength), losses.MaxBatchRows(model.Config)),
            Extend = (plan, _, tokens) => losses.Extend(plan, tokens),
            Finish = (result, first, _) => losses.Finish(result, first),
        };
        _values = lossPass.Run(rows, progress.Part(0, share), cancellationToken);
        _controls = new PatternPass(model, PatternEntries.KindCount) { BatchRows = options.BatchRows }.Run(controlRows, progress.Part(share, 1), cancellationToken);
    }

    /// <summary>[head][sequence] scores of a kind.</summary>
    public double[][] Scores(HeadKind kind, int[] sequences) => Series(_values, (int)kind, sequences, 0);

    /// <summary>[head][sequence]: the same entries read on the controls.</summary>
    public double[][] Controls(HeadKind kind, int[] sequences) =>
        _controls is null ? Series(_values, (int)kind, sequences, _sequences) : Series(_controls, (int)kind, sequences, 0);

    /// <summary>[head][sequence]: one value per sequence for all heads.</summary>
    public double[][] Constant(double[] values) => [.. Enumerable.Repeat(values, _values.Heads)];

    /// <summary>The result with all that was read beside the measures.</summary>
    public HeadDetectionResult Result(SequenceProtocol protocol, HeadMeasure[] induction, HeadMeasure[] previousToken, HeadMeasure[] duplicateToken)
    {
        var config = model.Config;
        var copying = options.Copying && !model.IsGraph ? CopyingScore.OfEigenvalues(model) : null;
        return new HeadDetectionResult
        {
            Model = model.Name,
            Layers = config.Layers,
            HeadsPerLayer = config.Heads,
            Protocol = protocol,
            Alpha = options.Alpha,
            Threshold = options.Threshold,
            WeakThreshold = options.WeakThreshold,
            Heads = [.. Enumerable.Range(0, config.Layers * config.Heads).Select(i => new HeadScores
            {
                Layer = i / config.Heads, Head = i % config.Heads,
                Induction = induction[i], PreviousToken = previousToken[i], DuplicateToken = duplicateToken[i],
                TransformerLens = _transformerLens ? TransformerLensOf(i) : null,
                Entropy = _entropy ? Mean(row => _values[row, i, _transformerLens ? TotalAt + 1 : PatternEntries.KindCount]) : null,
                Copying = copying?[i / config.Heads][i % config.Heads],
            })],
        };
    }

    private TransformerLensScores TransformerLensOf(int head)
    {
        (double Mul, double Abs) Of(HeadKind kind)
        {
            (double Mul, double Abs) sum = default;
            for (int row = 0; row < _sequences; row++)
            {
                var (mul, abs) = _readouts[row].Score(kind, _values.Of(row, head).Slice(TransformerLensAt, TransformerLensReadout.MeasureCount), _values[row, head, TotalAt]);
                sum = (sum.Mul + mul, sum.Abs + abs);
            }
            return (sum.Mul / _sequences, sum.Abs / _sequences);
        }
        var (induction, previous, duplicate) = (Of(HeadKind.Induction), Of(HeadKind.PreviousToken), Of(HeadKind.DuplicateToken));
        return new(induction.Mul, induction.Abs, previous.Mul, previous.Abs, duplicate.Mul, duplicate.Abs);
    }

    private double Mean(Func<int, double> ofSequence) => Enumerable.Range(0, _sequences).Average(ofSequence);

    private static double[][] Series(PatternValues values, int measure, int[] rows, int firstRow) =>
        [.. Enumerable.Range(0, values.Heads).Select(head => rows.Select(row => values[firstRow + row, head, measure]).ToArray())];
}
