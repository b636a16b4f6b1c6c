using static TorchSharp.torch;

namespace MlNetIcl.Models;

/// <summary>Losses of next tokens in nats [batch, pos - 1]; NaN at padding.</summary>
internal static class NextTokenLoss
{
    /// <summary>The most logits, in elements, that exist at one time: 64 MB.</summary>
    private const long MaxLogits = 1 << 24;

    /// <summary>From the final hidden states [batch, pos, d_model], a slice of positions at a time, so that the logits never stand in full.</summary>
    public static Tensor FromHidden(Tensor hidden, Tensor unembedding, Tensor? bias, TokenBatch tokens)
    {
        using var scope = NewDisposeScope();
        var (positions, targets) = Predictions(tokens, hidden.device);
        var flat = hidden.reshape(-1, hidden.shape[^1]);
        long count = positions.shape[0], step = Math.Max(1, MaxLogits / unembedding.shape[0]);
        var parts = new List<Tensor>();
        for (long from = 0; from < count; from += step)
        {
            using var slice = NewDisposeScope();
            long rows = Math.Min(step, count - from);
            var logits = nn.functional.linear(flat.index_select(0, positions.narrow(0, from, rows)), unembedding, bias);
            parts.Add(Losses(logits, targets.narrow(0, from, rows)).MoveToOuterDisposeScope());
        }
        return Scatter(parts, positions, tokens, hidden.device).MoveToOuterDisposeScope();
    }

    /// <summary>From logits [batch, pos, vocab].</summary>
    public static Tensor FromLogits(Tensor logits, TokenBatch tokens)
    {
        using var scope = NewDisposeScope();
        var (positions, targets) = Predictions(tokens, logits.device);
        var rows = logits.reshape(-1, logits.shape[^1]).index_select(0, positions);
        return Scatter([Losses(rows, targets)], positions, tokens, logits.device).MoveToOuterDisposeScope();
    }

    /// <summary>The flat positions that have a next token, and that token.</summary>
    private static (Tensor Positions, Tensor Targets) Predictions(TokenBatch tokens, Device device)
    {
        var positions = new List<long>();
        var targets = new List<long>();
        for (int row = 0; row < tokens.Count; row++)
            for (int pos = 0; pos + 1 < tokens[row].Length; pos++)
            {
                positions.Add(((long)row * tokens.MaxLength) + pos);
                targets.Add(tokens[row][pos + 1]);
            }
        return (tensor(positions.ToArray(), device: device), tensor(targets.ToArray(), device: device));
    }

    private static Tensor Losses(Tensor logits, Tensor targets)
    {
        var wide = logits.to_type(ScalarType.Float32);
        return wide.logsumexp(-1) - wide.gather(1, targets.unsqueeze(1)).squeeze(1);
    }

    private static Tensor Scatter(List<Tensor> parts, Tensor positions, TokenBatch tokens, Device device)
    {
        var all = full([(long)tokens.Count * tokens.MaxLength], Kept.Scalar(float.NaN), ScalarType.Float32, device);
        if (parts.Count > 0) all = all.index_copy(0, positions, cat(parts, 0));
        return all.view(tokens.Count, tokens.MaxLength).narrow(1, 0, tokens.MaxLength - 1);
    }
}
