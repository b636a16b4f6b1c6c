using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What each part of a model writes directly to a logit difference; means over the rows. All parts together are the difference.</summary>
public sealed record DirectLogitAttributionResult
{
    /// <summary>The logit difference itself.</summary>
    public required double LogitDifference { get; init; }

    /// <summary>The embedding, with positions where they are added to it.</summary>
    public required double Embed { get; init; }

    /// <summary>[layer][head]: the heads' outputs, without the output bias.</summary>
    public required IReadOnlyList<double[]> Heads { get; init; }

    /// <summary>[layer]: the MLPs with their biases; null where the model has none.</summary>
    public required IReadOnlyList<double>? Mlps { get; init; }

    /// <summary>The biases of attention outputs, final norm and unembedding.</summary>
    public required double Biases { get; init; }
}

/// <summary>
/// Direct logit attribution (Elhage et al. 2021): each write to the last position's residual stream, with the final norm's scale frozen
/// at its value in the run, read along the direction of logit(answer) - logit(foil). Members are thread-safe.
/// </summary>
public static class DirectLogitAttribution
{
    /// <summary>Splits logit(answer) - logit(foil) at every row's last position.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows.</param>
    /// <param name="answer">The answer's id.</param>
    /// <param name="foil">The foil's id.</param>
    /// <param name="cancellationToken">Checked before every block.</param>
    /// <exception cref="InvalidTokensException">A token, the answer or the foil is outside the vocabulary.</exception>
    public static DirectLogitAttributionResult Compute(LanguageModel model, TokenBatch tokens, int answer, int foil, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokens);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var config = model.Config;
        var metric = new LogitDifferenceMetric([answer], [foil]);
        int[] layers = [.. Enumerable.Range(0, config.Layers)];
        var plan = new ForwardPlan().Capture([Site.ResidPre(0), .. layers.Select(Site.Z)]);
        if (config.DMlp > 0) plan.Capture(layers.Select(l => new Site(SiteKind.MlpOut, l)));
        if (config.Norm != NormKind.None) plan.Capture(new Site(SiteKind.FinalNormScale));
        var (captured, values) = PatchSweep.Measure(model, tokens, plan, metric, cancellationToken);
        using var run = captured;
        metric.RequireFinite(model, values);

        var readout = LogitReadout.Of(model, metric.Direction(model), config.Norm == NormKind.None ? null : LogitDifferenceMetric.Last(run[new Site(SiteKind.FinalNormScale)], tokens));
        double[][] heads = [.. layers.Select(layer =>
        {
            var z = run[Site.Z(layer)];
            var last = LogitDifferenceMetric.Last(z.flatten(2), tokens).view(tokens.Count, config.Heads, config.DHead);
            var writes = bmm(last.transpose(0, 1), HeadMatrices.Output(config, model.Weights.Blocks[layer])); // [head, batch, d_model]
            return Enumerable.Range(0, config.Heads).Select(head => readout.Mean(writes.select(0, head))).ToArray();
        })];
        double[]? mlps = config.DMlp == 0 ? null : [.. layers.Select(l => readout.Mean(LogitDifferenceMetric.Last(run[new Site(SiteKind.MlpOut, l)], tokens)))];
        double biases = readout.Bias + metric.Bias(model)[0] + model.Weights.Blocks.Sum(block =>
            block.OutputBias is { } bias ? readout.Mean(bias.to_type(ScalarType.Float32).unsqueeze(0)) : 0);
        return new DirectLogitAttributionResult
        {
            LogitDifference = values.Average(),
            Embed = readout.Mean(LogitDifferenceMetric.Last(run[Site.ResidPre(0)], tokens)),
            Heads = heads,
            Mlps = mlps,
            Biases = biases,
        };
    }
}
