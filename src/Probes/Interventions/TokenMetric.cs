using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Mean of what the logits say of each token of a stretch: its loss, whether it is the argmax, or by how much it stands out.</summary>
internal sealed class TokenMetric : PatchMetric
{
    /// <summary>The most logits, in elements, that exist at one time: 64 MB.</summary>
    private const long MaxLogits = 1 << 24;

    private readonly (int First, int Last)[] _stretches; // one for all rows, or one for each
    private readonly Func<Tensor, Tensor, Tensor> _read; // from logits [target, vocab] and targets [target] to values [target]

    private TokenMetric(string name, IReadOnlyList<(int First, int Last)> stretches, Func<Tensor, Tensor, Tensor> read) : base(name)
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
        new(name, stretches, static (logits, targets) => logits.logsumexp(-1) - logits.gather(1, targets.unsqueeze(1)).squeeze(1));

    public static TokenMetric Accuracy(string name, IReadOnlyList<(int First, int Last)> stretches) =>
        new(name, stretches, static (logits, targets) => logits.argmax(-1).eq(targets).to_type(ScalarType.Float32));

    public static TokenMetric LogitAboveMean(string name, IReadOnlyList<(int First, int Last)> stretches) =>
        new(name, stretches, static (logits, targets) => logits.gather(1, targets.unsqueeze(1)).squeeze(1) - logits.mean([-1]));

    internal override string Identity => $"{Name} {string.Join(',', _stretches)}";

    internal override void Validate(DecoderConfig config, TokenBatch tokens)
    {
        if (_stretches.Length != 1 && _stretches.Length != tokens.Count)
            throw new ArgumentException($"Expected a stretch of tokens for all rows, or for each of the {tokens.Count}, got {_stretches.Length}.");
        for (int row = 0; row < tokens.Count; row++)
            if (tokens[row].Length <= StretchOf(row).Last)
                throw new InvalidTokensException($"The {Name} is read up to position {StretchOf(row).Last}, but row {row} has {tokens[row].Length} tokens, the last at {tokens[row].Length - 1}.");
    }

    internal override Tensor Evaluate(LanguageModel model, Tensor hidden, TokenBatch tokens)
    {
        int[] counts = [.. Enumerable.Range(0, tokens.Count).Select(row => StretchOf(row).Last - StretchOf(row).First + 1)];
        var (queries, targets) = Predictions(tokens, counts.Sum());
        var flat = hidden.reshape(-1, hidden.shape[^1]);
        var at = tensor(queries, device: hidden.device);
        var ids = tensor(targets, device: hidden.device);
        long step = Math.Max(1, MaxLogits / model.Config.Vocabulary);
        var values = new List<Tensor>();
        for (long from = 0; from < queries.Length; from += step)
        {
            using var scope = NewDisposeScope();
            long count = Math.Min(step, queries.Length - from);
            var logits = nn.functional.linear(flat.index_select(0, at.narrow(0, from, count)), model.Weights.Unembedding, model.Weights.UnembeddingBias).to_type(ScalarType.Float32);
            values.Add(_read(logits, ids.narrow(0, from, count)).MoveToOuterDisposeScope());
        }
        var all = cat(values, 0); // [batch * target]
        if (_stretches.Length == 1) return all.view(tokens.Count, counts[0]).mean([1]);
        return stack(all.split([.. counts.Select(c => (long)c)]).Select(row => row.mean()));
    }

    /// <summary>Of each token that is read: the flat position that predicts it, and its id.</summary>
    private (long[] Queries, long[] Targets) Predictions(TokenBatch tokens, int count)
    {
        var queries = new long[count];
        var targets = new long[count];
        for (int row = 0, i = 0; row < tokens.Count; row++)
            for (var (pos, last) = StretchOf(row); pos <= last; pos++, i++)
                (queries[i], targets[i]) = (((long)row * tokens.MaxLength) + pos - 1, tokens[row][pos]);
        return (queries, targets);
    }

    /// <summary>Several runs may stand one after the other, each with all rows.</summary>
    private (int First, int Last) StretchOf(int row) => _stretches[row % _stretches.Length];
}
