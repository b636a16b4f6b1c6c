using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Transforms.Batching;

namespace MlNetIcl.Transforms.Rows;

/// <summary>Rows of token ids that are computed together. Those that cannot be are kept out, each with its reason.</summary>
/// <param name="source">The row that is read from.</param>
/// <param name="settings">The stage's settings.</param>
/// <param name="limits">How far is read ahead.</param>
/// <param name="vocabulary">Number of ids.</param>
/// <param name="context">The longest row.</param>
/// <param name="host">The stage's host.</param>
internal abstract class SequenceRowBatch(DataViewRow source, StageSettings settings, BatchLimits limits, int vocabulary, int context, IHost host) : RowBatch(limits)
{
    private readonly TokenReader _reader = TokenReader.Create(source, settings.InputColumnName);
    private readonly int[]?[] _tokens = new int[]?[limits.Rows];
    private readonly (string Column, string Why)?[] _reasons = new (string, string)?[limits.Rows];
    private readonly long[] _positions = new long[limits.Rows];

    /// <summary>Computes rows; <paramref name="slots"/> says where each belongs.</summary>
    protected abstract void Compute(TokenBatch rows, IReadOnlyList<int> slots);

    /// <summary>What a result is computed with: it stops when the context's execution is cancelled.</summary>
    protected IProgress<double> Alive { get; } = new AliveCheck(host);

    /// <summary>Reads what else the source's current row consists of.</summary>
    /// <returns>The column in which the model cannot take it, and why; null if it can.</returns>
    protected virtual (string Column, string Why)? ReadMore(int slot, int[] tokens) => null;

    /// <summary>Why this stage cannot make something of a row that the model can take; null if it can. Such a row is missing in any case, as what is not there is no error.</summary>
    /// <param name="slot">The row; its results are there only after <see cref="RowBatch.Require"/>.</param>
    /// <param name="tokens">Its tokens.</param>
    protected virtual string? WhyNotMeasured(int slot, ReadOnlySpan<int> tokens) => null;

    /// <summary>Makes sure that a row is computed.</summary>
    /// <returns>Whether it has results; false where it is missing.</returns>
    /// <exception cref="InvalidTokensException">The row cannot be computed, and the stage is set to throw.</exception>
    protected bool TryCompute(int slot)
    {
        if (_tokens[slot] is not null)
        {
            Require(slot);
            return true;
        }
        if (settings.OnError == RowErrorHandling.Throw)
        {
            var (column, why) = _reasons[slot]!.Value;
            throw InvalidRow.Error(_positions[slot], column, why);
        }
        return false;
    }

    /// <summary>Checks a model's own metric.</summary>
    /// <exception cref="ModelFormatException">A value is no number.</exception>
    protected static void RequireFinite(IReadOnlyList<double> values)
    {
        if (!values.All(double.IsFinite))
            throw new ModelFormatException("The model's predictions are not finite. Its weights hold NaN or infinity, or are so large that the computation overflows.");
    }

    /// <summary>The getter of the reason column: empty where nothing is wrong.</summary>
    protected ValueGetter<ReadOnlyMemory<char>> ReasonGetter(Func<int> slot) => (ref value) =>
    {
        int row = slot();
        value = (_reasons[row] is var (column, why) ? column == settings.InputColumnName ? why : $"Column '{column}': {why}" : WhyNotMeasured(row, _tokens[row])).AsMemory();
    };

    protected sealed override void Read(int slot, long position)
    {
        int[]? tokens = _reader.Read(vocabulary, context, out string? why);
        _reasons[slot] = tokens is null ? (settings.InputColumnName, why!) : ReadMore(slot, tokens);
        _tokens[slot] = _reasons[slot] is null ? tokens : null;
        _positions[slot] = position;
    }

    protected sealed override int TokensOf(int slot) => _tokens[slot]?.Length ?? 0;

    protected sealed override void Compute(int first, int count)
    {
        host.CheckAlive();
        var slots = Enumerable.Range(first, count).Where(slot => _tokens[slot] is not null).ToArray();
        if (slots.Length > 0) Compute(new TokenBatch([.. slots.Select(slot => _tokens[slot]!)]), slots);
    }

    private sealed class AliveCheck(IHost host) : IProgress<double>
    {
        public void Report(double value) => host.CheckAlive();
    }
}
