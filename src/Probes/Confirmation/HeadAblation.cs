using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Runs sequences without some heads: their output is replaced by a mean over fresh sequences of the same shape, or by zero.</summary>
internal sealed class HeadAblation
{
    private readonly LanguageModel _model;
    private readonly RepeatedSequences _sequences;
    private readonly Dictionary<Site, Tensor> _means; // [1, pos, head, d_head]; none for zero
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
    /// <param name="kind">What outputs are replaced by: means, or zero.</param>
    public HeadAblation(
        LanguageModel model, RepeatedSequences sequences, IEnumerable<HeadId> heads, HeadDetectionOptions options, int runs, IProgress<double>? progress, CancellationToken cancellation,
        AblationKind kind = AblationKind.MeanPerPosition)
    {
        (_model, _sequences, _runs, _progress, _cancellation) = (model, sequences, runs, progress, cancellation);
        _batchRows = options.BatchRows ?? PatternPass.DefaultBatchRows(model.Config, sequences.Shape.Length);
        _loss = PatchMetric.SecondRepeatLoss(sequences.Shape);
        _copies = PatchMetric.CopyAccuracy(sequences.Shape);
        _means = kind == AblationKind.Zero ? [] : Means([.. heads.Select(h => Site.Z(h.Layer)).Distinct()], kind);
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
        Patch[] patches = [.. sets.Select(set => new Patch([.. set.Select(Edit)]))];
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

    private SiteEdit Edit(HeadId head)
    {
        var slot = new PatchSlot(SiteKind.Z, head.Layer, head.Head);
        return _means.TryGetValue(slot.Site, out var mean) ? Patch.CopyEdit(slot, mean) : Patch.ZeroEdit(slot);
    }

    /// <summary>By site, in the current dispose scope.</summary>
    private Dictionary<Site, Tensor> Means(Site[] sites, AblationKind kind)
    {
        if (sites.Length == 0) return [];
        using var means = new ReferenceMeans(sites);
        foreach (int[][] rows in _sequences.Fresh(_model, HeadConfirmer.ReferenceSequences).Rows.Chunk(_batchRows)) means.Add(_model, new TokenBatch(rows), _cancellation);
        int length = _sequences.Shape.Length;
        return sites.ToDictionary(site => site, site => (kind == AblationKind.Mean ? means.Pooled(site, length) : means.PerPosition(site, length)).unsqueeze(0));
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
