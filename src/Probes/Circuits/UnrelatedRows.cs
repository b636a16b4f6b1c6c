using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Corrupted rows for repeated sequences: same length and leading token, and for the rest fresh tokens that share no id with the sequence.</summary>
internal static class UnrelatedRows
{
    /// <summary>The longest period, up to <paramref name="wanted"/>, for which context and ids suffice.</summary>
    /// <exception cref="ArgumentException">They do not suffice for any.</exception>
    public static int LargestPeriod(LanguageModel model, int wanted)
    {
        int ids = TokenPool.Of(model).Ids.Count, period = Math.Min(wanted, Math.Min((model.Config.Context - 1) / 2, ids / 3));
        return period >= 2 ? period
            : throw new ArgumentException($"Copying is traced on rows of at least 5 tokens and takes 6 usable ids; the model has a context of {model.Config.Context} and {ids} usable ids.", nameof(model));
    }

    /// <exception cref="ArgumentException">Too few ids are left for a row.</exception>
    public static TokenBatch Of(LanguageModel model, RepeatedSequences sequences, int seed)
    {
        var pool = TokenPool.Of(model);
        var random = new SeededRandom(seed, RandomStream.UnrelatedRows);
        int offset = sequences.Shape.Offset, fresh = sequences.Shape.Length - offset;
        return new TokenBatch([.. sequences.Tokens.Rows.Select(row =>
        {
            int[] unused = [.. pool.Ids.Except(row)];
            if (unused.Length < fresh)
                throw new ArgumentException($"A corrupted row needs {fresh} usable ids that do not stand in its sequence, and {unused.Length} are left. Use a shorter period or fewer repeats.", nameof(sequences));
            random.DrawToFront(unused, fresh);
            return (int[])[.. row.AsSpan(0, offset), .. unused.AsSpan(0, fresh)];
        })]);
    }
}
