using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Runs sequences without some heads: their output is the mean at each position over fresh sequences of the same shape.</summary>
internal sealed class HeadAblation
{
    private readonly LanguageModel _model;
    private readonly RepeatedSequences _sequences;
    private readonly Dictionary<int, Tensor> _means; // [layer]: [1, pos, head, d_head]
    private readonly PatchMetric _loss, _copies;
    private readonly int _batchRows, _runs;
    private readonly IProgress<double>? _progress;
    private readonly CancellationToken _cancellation;
    private int _done;

    /// <param name="model">The model.</param>
    /// <param name="sequences">The sequences and their controls; both get the same means.</param>
    /// <param name="heads">All heads that will be ablated. Their means stay in the current dispose scope.</param>
    /// <param name="options">Seed and rows of a pass.</param>
    /// <param name="runs">How many sets will be ablated at most: what progress is measured by.</param>
    /// <param name="progress">Told the share done.</param>
    /// <param name="cancellation">Checked before every block.</param>
    public HeadAblation(LanguageModel model, RepeatedSequences sequences, HeadId[] heads, HeadDetectionOptions options, int runs, IProgress<double>? progress, CancellationToken cancellation)
    {
        (_model, _sequences, _runs, _progress, _cancellation) = (model, sequences, runs, progress, cancellation);
        _batchRows = options.BatchRows ?? PatternPass.DefaultBatchRows(model.Config, sequences.Shape.Length);
        _loss = PatchMetric.SecondRepeatLoss(sequences.Shape);
        _copies = PatchMetric.CopyAccuracy(sequences.Shape);
        _means = HeadOutputMeans.OfOutputs(model, sequences.Fresh(model, HeadConfirmer.ReferenceSequences), heads.Select(h => h.Layer), _batchRows, cancellation);
    }

    /// <summary>Loss of the second repeat.</summary>
    public AblatedRuns Losses(HeadId[][] sets) => Run(_sequences.Tokens, _loss, sets);

    /// <summary>Loss at the same positions of the controls.</summary>
    public AblatedRuns ControlLosses(HeadId[][] sets) => Run(_sequences.Controls, _loss, sets);

    /// <summary>Copy accuracy in the second repeat.</summary>
    public AblatedRuns CopyAccuracies(HeadId[][] sets) => Run(_sequences.Tokens, _copies, sets);

    /// <summary>Rows go in batches that bound the memory; each batch is one sweep over all sets.</summary>
    private AblatedRuns Run(TokenBatch rows, PatchMetric metric, HeadId[][] sets)
    {
        Patch[] patches = [.. sets.Select(set => new Patch([.. set.Select(h => Patch.CopyEdit(new PatchSlot(SiteKind.Z, h.Layer, h.Head), _means[h.Layer]))]))];
        var parts = new List<SweepResult>();
        foreach (int[][] batch in rows.Rows.Chunk(_batchRows))
        {
            double before = _done + (double)parts.Sum(p => p.Base.Count) / rows.Count * sets.Length, own = (double)batch.Length / rows.Count * sets.Length;
            var part = _progress is null ? null : new PartialProgress(_progress, Share(before), Share(before + own));
            parts.Add(PatchSweep.Run(_model, new TokenBatch(batch), patches, metric, progress: part, cancellationToken: _cancellation));
        }
        _done += sets.Length;
        return new AblatedRuns([.. parts.SelectMany(p => p.Base)], [.. sets.Select((_, i) => parts.SelectMany(p => p.Patched[i]).ToArray())]).RequireFinite();
    }

    private double Share(double runs) => Math.Min(1, runs / _runs);
}

/// <summary>A metric of each sequence.</summary>
/// <param name="Base">Nothing ablated.</param>
/// <param name="Patched">[set][sequence].</param>
internal sealed record AblatedRuns(double[] Base, double[][] Patched)
{
    public int Sequences => Base.Length;

    /// <summary>Ablated minus base, by sequence.</summary>
    public double[] Change(int set) => [.. Patched[set].Zip(Base, (after, before) => after - before)];

    /// <exception cref="ModelFormatException">A value is no number.</exception>
    public AblatedRuns RequireFinite() => Patched.Prepend(Base).All(values => Array.TrueForAll(values, double.IsFinite)) ? this
        : throw new ModelFormatException("The model's next-token losses are not finite, with a head's output replaced or without. Its weights hold NaN or infinity, or are so large that the computation overflows.");
}
