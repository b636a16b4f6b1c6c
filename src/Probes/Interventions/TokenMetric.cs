using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Mean of what the logits say of each token of a stretch: its loss, whether it is the argmax, or by how much it stands out.</summary>
internal sealed class TokenMetric : PatchMetric
{
    /// <summary>The most logits, in elements, that exist at one time: 64 MB.</summary>
    private const long MaxLogits = 1 << 24;

    private readonly (int First, int Last)[] _stretches; // one for all rows, or one for each
    private readonly Reader _read;

    /// <summary>From hidden states [target, d_model] and targets [target] to values [target].</summary>
    private delegate Tensor Reader(LanguageModel model, Tensor hidden, Tensor targets);

    private TokenMetric(string name, IReadOnlyList<(int First, int Last)> stretches, Reader read) : base(name)
    {
        ArgumentNullException.ThrowIfNull(stretches);
        ArgumentOutOfRangeException.ThrowIfZero(stretches.Count, nameof(stretches));
        foreach (var (first, last) in stretches)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
            ArgumentOutOfRangeException.ThrowIfLessThan(last, first);
        }
        (_stretches, _read) = ([.. stretches], read);
    }

    public static TokenMetric Loss(string name, IReadOnlyList<(int First, int Last)> stretches) =>
        new(name, stretches, OfLogits(static (logits, targets) => logits.logsumexp(-1) - logits.gather(1, targets.unsqueeze(1)).squeeze(1)));

    public static TokenMetric Accuracy(string name, IReadOnlyList<(int First, int Last)> stretches) =>
        new(name, stretches, OfLogits(static (logits, targets) => logits.argmax(-1).eq(targets).to_type(ScalarType.Float32)));

    /// <summary>Linear in the hidden state, so no logits are needed: the mean logit is that of the mean unembedding.</summary>
    public static TokenMetric LogitAboveMean(string name, IReadOnlyList<(int First, int Last)> stretches) => new(name, stretches, static (model, hidden, targets) =>
    {
        if (model.IsGraph) return hidden.gather(1, targets.unsqueeze(1)).squeeze(1) - hidden.mean([-1]);
        var (unembedding, bias) = (model.Weights.Unembedding, model.Weights.UnembeddingBias?.to_type(ScalarType.Float32));
        var direction = unembedding.index_select(0, targets).to_type(ScalarType.Float32) - unembedding.mean([0], type: ScalarType.Float32);
        var values = (hidden.to_type(ScalarType.Float32) * direction).sum([-1]);
        return bias is null ? values : values.Plus(bias.index_select(0, targets)) - bias.mean();
    });

    internal override string Identity => $"{Name} {string.Join(',', _stretches)}";

    internal override void Validate(DecoderConfig config, TokenBatch tokens)
    {
        if (_stretches.Length != 1 && _stretches.Length != tokens.Count)
            throw new ArgumentException($"Expected a stretch of tokens for all rows, or for each of the {tokens.Count}, got {_stretches.Length}.");
        for (int row = 0; row < tokens.Count; row++)
            if (tokens[row].Length <= StretchOf(row).Last)
                throw new InvalidTokensException($"The {Name} is read up to position {StretchOf(row).Last}, but row {row} has {tokens[row].Length} tokens, the last at {tokens[row].Length - 1}.");
    }

    internal override PatchMetric ForRows(int first, int count) => _stretches.Length == 1 ? this : new TokenMetric(Name, _stretches[first..(first + count)], _read);

    internal override (int First, int Last) ReadsOf(TokenBatch tokens, int row) => (StretchOf(row).First - 1, StretchOf(row).Last - 1); // what predicts them

    private protected override Tensor ValuesAt(LanguageModel model, Tensor hidden, TokenBatch tokens, IReadOnlyList<(int Row, int Position)> reads)
    {
        var targets = tensor([.. reads.Select(r => (long)tokens[r.Row][r.Position + 1])], device: hidden.device);
        return _read(model, hidden, targets);
    }

    /// <summary>Reads the logits [target, vocab], some targets at a time.</summary>
    private static Reader OfLogits(Func<Tensor, Tensor, Tensor> read) => (model, hidden, targets) =>
    {
        long step = Math.Max(1, MaxLogits / model.Config.Vocabulary);
        var values = new List<Tensor>();
        for (long from = 0; from < targets.shape[0]; from += step)
        {
            using var scope = NewDisposeScope();
            long count = Math.Min(step, targets.shape[0] - from);
            var part = hidden.narrow(0, from, count);
            var logits = model.IsGraph ? part : nn.functional.linear(part, model.Weights.Unembedding, model.Weights.UnembeddingBias).to_type(ScalarType.Float32);
            values.Add(read(logits, targets.narrow(0, from, count)).MoveToOuterDisposeScope());
        }
        return cat(values, 0);
    };

    /// <summary>Several runs may stand one after the other, each with all rows.</summary>
    private (int First, int Last) StretchOf(int row) => _stretches[row % _stretches.Length];
}
