using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What ablated heads put out: their mean at each position over reference sequences.</summary>
internal static class HeadOutputMeans
{
    /// <summary>By layer, [1, pos, head, d_head] in float32, in the current dispose scope.</summary>
    /// <param name="model">The model.</param>
    /// <param name="reference">Rows of one length.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="batchRows">Rows in a pass.</param>
    /// <param name="cancellation">Checked before every block.</param>
    public static Dictionary<int, Tensor> OfOutputs(LanguageModel model, TokenBatch reference, IEnumerable<int> layers, int batchRows, CancellationToken cancellation)
    {
        var config = model.Config;
        var means = layers.Distinct().ToDictionary(layer => layer, _ => zeros([1, reference.MaxLength, config.Heads, config.DHead], ScalarType.Float32, model.Device));
        if (means.Count == 0) return means;
        var plan = new ForwardPlan();
        foreach (var (layer, mean) in means)
            plan.Observe(Site.Z(layer), z =>
            {
                using var scope = NewDisposeScope();
                mean.add_(z.to_type(ScalarType.Float32).sum([0], keepdim: true) / reference.Count);
            });
        foreach (int[][] rows in reference.Rows.Chunk(batchRows)) model.Run(new TokenBatch(rows), plan, cancellation).Dispose();
        return means;
    }
}
