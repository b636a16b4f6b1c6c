using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What a residual stream says of one token.</summary>
/// <param name="Id">The token.</param>
/// <param name="Logit">Its logit.</param>
/// <param name="Probability">The softmax of the logits, in [0, 1].</param>
/// <param name="Rank">One more than the number of tokens with a higher logit.</param>
public readonly record struct LensToken(int Id, double Logit, double Probability, int Rank);

/// <summary>A residual stream read as a prediction.</summary>
/// <param name="Blocks">Blocks done, from 0 to the number of layers.</param>
/// <param name="Best">The tokens with the highest logits, the best first.</param>
/// <param name="Asked">The tokens asked for, in their order.</param>
public sealed record LensLine(int Blocks, IReadOnlyList<LensToken> Best, IReadOnlyList<LensToken> Asked);

/// <summary>
/// The logit lens (nostalgebraist 2020): the final norm and the unembedding, applied to the residual stream between blocks.
/// Members are thread-safe.
/// </summary>
public static class LogitLens
{
    /// <summary>Reads the logits of some tokens at every row's last position after each number of blocks.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The rows.</param>
    /// <param name="ids">The tokens whose logits are read.</param>
    /// <param name="freezeScale">
    /// Whether the norm divides by its divisor at the end of the run, so that lines differ by what the blocks between wrote. Default
    /// false: each residual stream is normalised by its own.
    /// </param>
    /// <param name="cancellationToken">Checked before every block.</param>
    /// <returns>[blocks done, 0 to layers][id]: mean over the rows; the last line is the model's own logits.</returns>
    /// <exception cref="InvalidTokensException">A token or id is outside the vocabulary.</exception>
    public static IReadOnlyList<double[]> Compute(LanguageModel model, TokenBatch tokens, IReadOnlyList<int> ids, bool freezeScale = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(ids);
        Require(ids, model.Config);

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var (residuals, scales) = Streams(model, tokens, freezeScale, cancellationToken);
        var values = residuals.Select(_ => new double[ids.Count]).ToArray();
        for (int i = 0; i < ids.Count; i++)
        {
            var direction = model.Weights.Unembedding.narrow(0, ids[i], 1).to_type(ScalarType.Float32);
            double bias = model.Weights.UnembeddingBias is { } b ? b[ids[i]].to_type(ScalarType.Float64).item<double>() : 0;
            for (int line = 0; line < residuals.Length; line++)
            {
                var readout = LogitReadout.Of(model, direction, scales[line]);
                values[line][i] = readout.Mean(residuals[line]) + readout.Bias + bias;
            }
        }
        return values;
    }

    /// <summary>Reads the whole prediction at a row's last position after each number of blocks.</summary>
    /// <param name="model">The model.</param>
    /// <param name="row">The row's ids.</param>
    /// <param name="ids">Tokens that are read whatever their rank.</param>
    /// <param name="best">How many of the best tokens are read; at least 1, at most the vocabulary. Default 5.</param>
    /// <param name="freezeScale">As in <see cref="Compute"/>.</param>
    /// <param name="cancellationToken">Checked before every block.</param>
    /// <returns>One line per number of blocks done, 0 to layers; the last one is the model's own prediction.</returns>
    /// <exception cref="InvalidTokensException">A token or id is outside the vocabulary.</exception>
    public static IReadOnlyList<LensLine> Lines(
        LanguageModel model, int[] row, IReadOnlyList<int> ids, int best = 5, bool freezeScale = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(ids);
        Require(ids, model.Config);
        ArgumentOutOfRangeException.ThrowIfLessThan(best, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(best, model.Config.Vocabulary);

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var (residuals, scales) = Streams(model, new TokenBatch([row]), freezeScale, cancellationToken);
        var logits = Logits(model, cat([.. residuals.Select((residual, line) => Normalized(model, residual, scales[line]))], 0)); // [line, vocab]
        var normalizers = logits.logsumexp(-1);
        return [.. Enumerable.Range(0, residuals.Length).Select(line =>
        {
            using var own = NewDisposeScope();
            var values = logits[line];
            double normalizer = normalizers[line].item<float>();
            LensToken Read(int id)
            {
                double logit = values[id].item<float>();
                return new(id, logit, Math.Exp(logit - normalizer), 1 + (int)values.gt(values[id]).sum().item<long>());
            }
            var order = values.topk(best).indexes.cpu().data<long>().ToArray();
            return new LensLine(line, [.. order.Select(id => Read((int)id))], [.. ids.Select(Read)]);
        })];
    }

    private static void Require(IReadOnlyList<int> ids, DecoderConfig config)
    {
        foreach (int id in ids)
            if ((uint)id >= (uint)config.Vocabulary)
                throw new InvalidTokensException($"{id} is no token: ids go from 0 to {config.Vocabulary - 1}.");
    }

    /// <summary>By number of blocks done, the residual stream at the last position [batch, d_model] in float32 and the divisor of its norm.</summary>
    private static (Tensor[] Residuals, Tensor?[] Scales) Streams(LanguageModel model, TokenBatch tokens, bool freezeScale, CancellationToken cancellation)
    {
        var config = model.Config;
        Site[] streams = [.. Enumerable.Range(0, config.Layers).Select(Site.ResidPre), new Site(SiteKind.ResidPost, config.Layers - 1)];
        using var run = model.Run(tokens, new ForwardPlan().Capture(streams), cancellation);
        Tensor[] residuals = [.. streams.Select(site => LogitDifferenceMetric.Last(run[site], tokens))];
        return (residuals, [.. residuals.Select(residual => Scale(config, freezeScale ? residuals[^1] : residual))]);
    }

    /// <summary>The final norm with a given divisor.</summary>
    private static Tensor Normalized(LanguageModel model, Tensor residual, Tensor? scale)
    {
        if (scale is null) return residual;
        if (model.Config.Norm == NormKind.LayerNorm) residual = residual - residual.mean([-1], keepdim: true);
        var normalized = residual / scale;
        if (model.Weights.FinalNormWeight is { } weight) normalized = normalized * weight.to_type(ScalarType.Float32);
        return model.Weights.FinalNormBias is { } bias ? normalized.Plus(bias.to_type(ScalarType.Float32)) : normalized;
    }

    /// <summary>[row, vocab] in float32, part by part of the vocabulary: the unembedding may be kept in bfloat16, and is not copied as a whole.</summary>
    private static Tensor Logits(LanguageModel model, Tensor hidden)
    {
        const long part = 1 << 14;
        var weights = model.Weights;
        var parts = new List<Tensor>();
        for (long from = 0; from < model.Config.Vocabulary; from += part)
        {
            using var scope = NewDisposeScope();
            long count = Math.Min(part, model.Config.Vocabulary - from);
            parts.Add(nn.functional.linear(
                hidden, weights.Unembedding.narrow(0, from, count).to_type(ScalarType.Float32), weights.UnembeddingBias?.narrow(0, from, count).to_type(ScalarType.Float32)).MoveToOuterDisposeScope());
        }
        return cat(parts, 1);
    }

    /// <summary>The final norm's divisor on a residual stream [batch, 1]; null where there is no norm.</summary>
    private static Tensor? Scale(DecoderConfig config, Tensor residual)
    {
        if (config.Norm == NormKind.None) return null;
        if (config.Norm == NormKind.LayerNorm) residual = residual - residual.mean([-1], keepdim: true);
        return residual.square().mean([-1], keepdim: true).Plus(config.NormEpsilon).sqrt();
    }
}
