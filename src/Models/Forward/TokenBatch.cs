namespace MlNetIcl.Models;

/// <summary>Rows of token ids, ragged or of one length. Immutable; thread-safe.</summary>
public sealed class TokenBatch
{
    private readonly int[][] _rows;

    /// <summary>Wraps rows of ids; the arrays are not copied and must not change afterwards.</summary>
    /// <exception cref="InvalidTokensException">There is no row, or a row is empty.</exception>
    public TokenBatch(IReadOnlyList<int[]> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new InvalidTokensException("Expected at least one row of tokens, got none.");
        _rows = [.. rows];
        for (int i = 0; i < _rows.Length; i++)
        {
            if (_rows[i] is not { Length: > 0 }) throw new InvalidTokensException($"Row {i} has no tokens; a row needs at least one.");
            MaxLength = Math.Max(MaxLength, _rows[i].Length);
        }
    }

    /// <summary>Number of rows.</summary>
    public int Count => _rows.Length;

    /// <summary>Length of the longest row, in tokens.</summary>
    public int MaxLength { get; }

    /// <summary>One row's ids.</summary>
    public ReadOnlySpan<int> this[int row] => _rows[row];

    /// <summary>All rows.</summary>
    public IReadOnlyList<int[]> Rows => _rows;

    /// <summary>The rows from <paramref name="first"/> on, at most <paramref name="count"/>; this batch where those are all.</summary>
    internal TokenBatch Block(int first, int count) => first == 0 && count >= Count ? this : new([.. _rows.Skip(first).Take(count)]);

    /// <summary>Whether all rows have one length, so that nothing is padded.</summary>
    public bool IsRectangular => Array.TrueForAll(_rows, r => r.Length == MaxLength);

    /// <summary>Checks every row against a model's vocabulary and context.</summary>
    /// <exception cref="InvalidTokensException">An id is outside the vocabulary or a row longer than the context; the message names row, position and range.</exception>
    public void Validate(DecoderConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        for (int i = 0; i < _rows.Length; i++)
        {
            if (_rows[i].Length > config.Context)
                throw new InvalidTokensException($"Row {i} has {_rows[i].Length} tokens, but the model's context is {config.Context}. Shorten the row.");
            for (int j = 0; j < _rows[i].Length; j++)
                if ((uint)_rows[i][j] >= (uint)config.Vocabulary)
                    throw new InvalidTokensException($"Row {i}, position {j} holds token {_rows[i][j]}, but ids go from 0 to {config.Vocabulary - 1}.");
        }
    }
}
