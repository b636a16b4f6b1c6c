using System.Globalization;
using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Sequences that repeat, each with its matched control: the same first period followed by fresh tokens where the sequence repeats.
/// Immutable; thread-safe.
/// </summary>
public sealed class RepeatedSequences
{
    private const int DefaultPeriod = 50;

    private RepeatedSequences(TokenBatch tokens, TokenBatch controls, Periodicity shape, SequenceProtocol protocol) =>
        (Tokens, Controls, Shape, Protocol) = (tokens, controls, shape, protocol);

    /// <summary>The sequences [n rows of <see cref="Periodicity.Length"/> tokens].</summary>
    public TokenBatch Tokens { get; }

    /// <summary>Row i is the control of sequence i: the same positions, no repetition.</summary>
    public TokenBatch Controls { get; }

    /// <summary>Period, repeats and leading tokens.</summary>
    public Periodicity Shape { get; }

    /// <summary>What was drawn, and from which seed.</summary>
    public SequenceProtocol Protocol { get; }

    /// <summary>
    /// Draws BOS + x repeated; x is drawn without replacement, and the control BOS + x + fresh draws uses no id twice.
    /// </summary>
    /// <param name="model">The model; its context and its <see cref="TokenPool"/> bound the period.</param>
    /// <param name="sequences">Number of sequences; at least 1.</param>
    /// <param name="period">Tokens in x, at least 2. Default (null): min(50, (context - 1) / repeats, usable ids / repeats).</param>
    /// <param name="repeats">How often x stands in a sequence; at least 2.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <exception cref="ArgumentException">The context or the vocabulary is too small for the period; the message names the largest possible one.</exception>
    public static RepeatedSequences Generate(LanguageModel model, int sequences = 32, int? period = null, int repeats = 2, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(sequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(repeats, 2);
        if (period < 2) throw new ArgumentOutOfRangeException(nameof(period), period, "Expected a period of at least 2 tokens: with 1, the token after an earlier occurrence is that occurrence.");
        var pool = TokenPool.Of(model);
        int largest = Math.Min((model.Config.Context - 1) / repeats, pool.Ids.Count / repeats);
        int chosen = period ?? Math.Min(DefaultPeriod, largest);
        if (chosen > largest || chosen < 2)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"A period of {Math.Max(chosen, 2)} tokens, {repeats} times, does not fit: the context is {model.Config.Context} tokens and {pool.Ids.Count} ids are usable, so that the period can be at most {largest}."), nameof(period));

        var shape = new Periodicity(pool.BosTokenId is null ? 0 : 1, chosen, repeats);
        var random = new SeededRandom(seed, RandomStream.Sequences);
        int[] ids = [.. pool.Ids];
        int[] bos = pool.BosTokenId is { } id ? [id] : [];
        var rows = new int[sequences][];
        var controls = new int[sequences][];
        for (int i = 0; i < sequences; i++)
        {
            random.DrawToFront(ids, chosen * repeats);
            controls[i] = [.. bos, .. ids.AsSpan(0, chosen * repeats)];
            rows[i] = Repeat(controls[i], shape);
        }
        return new RepeatedSequences(new TokenBatch(rows), new TokenBatch(controls), shape, new SequenceProtocol
        {
            Source = HeadScoreSource.Generated,
            Sequences = sequences,
            Period = chosen,
            Repeats = repeats,
            Seed = seed,
            BosTokenId = pool.BosTokenId,
            BosSource = pool.BosSource,
        });
    }

    /// <summary>Takes rows that repeat, and draws their controls: each keeps its first period, and ids that do not stand in it replace the others.</summary>
    /// <param name="model">The model; controls come from its <see cref="TokenPool"/>.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="seed">Seed of the controls.</param>
    /// <returns>Null where the rows do not all repeat in one and the same way (<see cref="Periodicity.Infer"/>).</returns>
    /// <exception cref="ArgumentException">The vocabulary has too few usable ids for a control.</exception>
    public static RepeatedSequences? FromRows(LanguageModel model, TokenBatch rows, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        var pool = TokenPool.Of(model);
        if (Periodicity.Infer(rows, pool.BosTokenId) is not { } shape) return null;

        var random = new SeededRandom(seed, RandomStream.Controls);
        int kept = shape.Offset + shape.Period, fresh = shape.Length - kept;
        var controls = rows.Rows.Select(row =>
        {
            int[] unused = [.. pool.Ids.Except(row)];
            if (unused.Length < fresh)
                throw new ArgumentException($"A control needs {fresh} usable ids that do not stand in its row, and {unused.Length} are left. Use rows with a shorter period or fewer repeats.", nameof(rows));
            random.DrawToFront(unused, fresh);
            return (int[])[.. row.AsSpan(0, kept), .. unused.AsSpan(0, fresh)];
        }).ToArray();
        return new RepeatedSequences(rows, new TokenBatch(controls), shape, new SequenceProtocol
        {
            Source = HeadScoreSource.RepeatedRows,
            Sequences = rows.Count,
            Period = shape.Period,
            Repeats = shape.Repeats,
            Seed = seed,
            BosTokenId = shape.Offset == 0 ? null : rows.Rows.All(row => row[0] == rows[0][0]) ? rows[0][0] : null,
            BosSource = shape.Offset == 0 ? "none" : "rows",
        });
    }

    /// <summary>Draws other sequences of the same shape: the leading tokens of these, and fresh periods.</summary>
    internal TokenBatch Fresh(LanguageModel model, int count)
    {
        var random = new SeededRandom(Protocol.Seed, RandomStream.Reference);
        int[] ids = [.. TokenPool.Of(model).Ids];
        return new TokenBatch([.. Enumerable.Range(0, count).Select(i =>
        {
            random.DrawToFront(ids, Shape.Period);
            int[] row = new int[Shape.Length];
            Tokens[i % Tokens.Count][..Shape.Offset].CopyTo(row);
            ids.AsSpan(0, Shape.Period).CopyTo(row.AsSpan(Shape.Offset));
            return Repeat(row, Shape);
        })]);
    }

    /// <summary>The row that repeats the first period of <paramref name="row"/>.</summary>
    private static int[] Repeat(int[] row, Periodicity shape)
    {
        int[] repeated = [.. row];
        for (int i = shape.Offset + shape.Period; i < repeated.Length; i++) repeated[i] = repeated[i - shape.Period];
        return repeated;
    }
}
