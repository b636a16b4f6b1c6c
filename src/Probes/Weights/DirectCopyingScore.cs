using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Olsson et al. 2022's copying score (arXiv:2209.11895, appendix): how far a head raises the logit of the token that it attends to,
/// above the other tokens of the sample. Thread-safe.
/// </summary>
public static class DirectCopyingScore
{
    /// <summary>
    /// Scores every head on periods of random tokens. For each token of a period, the head's output if it attended to that token
    /// alone goes straight to the logits; less their mean over the vocabulary, and negative ones cut to 0, these are the raises.
    /// r = raise of the token / sum of the raises over the occurrences of all tokens in the repeated sample, where each stands
    /// twice; the score is the mean of 4 r - 1 over the tokens for which anything is raised.
    /// </summary>
    /// <remarks>
    /// Values come from a forward pass, so that everything before the head acts on them. The final norm's weight applies; its
    /// scale, positive for all logits alike, cancels in r. What the head attends to plays no part.
    /// </remarks>
    /// <param name="model">The model.</param>
    /// <param name="sequences">Number of periods; at least 1.</param>
    /// <param name="period">Tokens in a period; null as in <see cref="RepeatedSequences.Generate"/>.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="cancellationToken">Checked before every block.</param>
    /// <returns>[layer][head], in [-1, 1]: 1 where only the token itself is raised, -1 where it never is; NaN where nothing is ever raised.</returns>
    public static double[][] Compute(LanguageModel model, int sequences = 8, int? period = null, int seed = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var config = model.Config;
        var drawn = RepeatedSequences.Generate(model, sequences, period, seed: seed);
        var (offset, length) = (drawn.Shape.Offset, drawn.Shape.Period);
        var sums = new double[config.Layers, config.Heads];
        var counts = new int[config.Layers, config.Heads];

        var unembedding = model.Weights.Unembedding.to_type(ScalarType.Float32);
        var mean = unembedding.mean([0]); // [d_model]
        foreach (int[] row in drawn.Tokens.Rows)
        {
            using var sample = NewDisposeScope();
            int[] first = row[..(offset + length)]; // values do not depend on what follows
            var ids = tensor([.. first.Skip(offset).Select(id => (long)id)], device: model.Device);
            var readers = unembedding.index_select(0, ids) - mean; // [token, d_model]: reads a logit less the mean of all
            if (model.Weights.FinalNormWeight is { } weight) readers = readers * weight;
            if (config.Norm == NormKind.LayerNorm) readers = readers - readers.mean([1], keepdim: true); // LayerNorm centres what is written
            var plan = new ForwardPlan();
            for (int layer = 0; layer < config.Layers; layer++)
            {
                int at = layer;
                plan.Observe(new Site(SiteKind.Value, layer), values => Add(at, values.narrow(1, offset, length).squeeze(0), readers));
            }
            using var result = model.Run(new TokenBatch([first]), plan, cancellationToken);
        }
        return [.. Enumerable.Range(0, config.Layers).Select(layer => Enumerable.Range(0, config.Heads).Select(head => sums[layer, head] / counts[layer, head]).ToArray())];

        // values: [pos, key_head, d_head]
        void Add(int layer, Tensor values, Tensor readers)
        {
            using var block = NewDisposeScope();
            var perHead = values.to_type(ScalarType.Float32).repeat_interleave(config.Heads / config.KeyHeads, 1).transpose(0, 1); // [head, pos, d_head]
            var through = bmm(HeadMatrices.Output(config, model.Weights.Blocks[layer]), readers.t().unsqueeze(0).expand(config.Heads, -1, -1)); // [head, d_head, token]
            var raises = bmm(perHead, through).relu(); // [head, pos, token]
            var scores = (raises.diagonal(0, 1, 2) / raises.sum([-1])).Times(2).Minus(1); // [head, pos]; NaN where nothing is raised
            double[] data = [.. scores.to_type(ScalarType.Float64).cpu().data<double>()];
            for (int i = 0; i < data.Length; i++)
                if (!double.IsNaN(data[i]))
                {
                    sums[layer, i / length] += data[i];
                    counts[layer, i / length]++;
                }
        }
    }
}
