using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms;
using MlNetIcl.Transforms.CausalGraphs;
using MlNetIcl.Transforms.Interop;
using MlNetIcl.Transforms.Rows;

namespace MlNetIcl.Estimators;

/// <summary>Reads a column of sequences of one length.</summary>
/// <param name="settings">The stage's settings.</param>
/// <param name="wanted">The length; null for that of the first row.</param>
/// <param name="most">The most rows.</param>
internal sealed class SequenceReader(StageSettings settings, int? wanted, int most)
{
    /// <summary>The rows, and how many tokens there are where the column says so: keys have a number.</summary>
    /// <param name="input">The data.</param>
    /// <param name="vocabulary">Ids must be below it.</param>
    /// <param name="context">The longest row that can be read.</param>
    /// <param name="run">Told of rows that are left out.</param>
    /// <exception cref="InvalidTokensException">A row cannot be read, and rows are set to throw.</exception>
    /// <exception cref="InvalidOperationException">No row can be read.</exception>
    public (List<int[]> Rows, int? Keys) Read(IDataView input, int vocabulary, int context, StageRun run)
    {
        var column = input.Schema[settings.InputColumnName];
        var item = (column.Type as VectorDataViewType)?.ItemType ?? column.Type;
        int? keys = item is KeyDataViewType key && key.Count <= int.MaxValue ? (int)key.Count : null;
        using var cursor = input.GetRowCursor([column]);
        var reader = TokenReader.Create(cursor, settings.InputColumnName);
        var rows = new List<int[]>();
        int length = wanted ?? 0, left = 0;
        while (rows.Count < most && cursor.MoveNext())
        {
            int[]? tokens = reader.Read(Math.Min(vocabulary, keys ?? vocabulary), context, out string? why);
            if (tokens is not null && length == 0 && tokens.Length is < CausalGraphLearner.ShortestSequence or > CausalGraphLearner.LongestSequence)
                why = $"The row has {tokens.Length} tokens, but graphs have {CausalGraphLearner.ShortestSequence} to {CausalGraphLearner.LongestSequence} positions. Longer rows can be cut: set Length.";
            else if (tokens is not null)
            {
                if (length == 0) length = tokens.Length;
                why = CausalGraphColumns.WhyNot(tokens, length, wanted is not null);
            }
            if (why is null) rows.Add(tokens!.Length == length ? tokens : tokens[..length]);
            else if (settings.OnError == RowErrorHandling.Throw)
                throw InvalidRow.Error(cursor.Position, settings.InputColumnName, why);
            else left++;
        }
        run.LeftOut(left);
        return rows.Count > 0 ? (rows, keys) : throw new InvalidOperationException($"Column '{settings.InputColumnName}' has no rows to read a graph from.");
    }

    /// <exception cref="ArgumentOutOfRangeException">The length is out of range.</exception>
    public static void Validate(int? length)
    {
        if (length is < CausalGraphLearner.ShortestSequence or > CausalGraphLearner.LongestSequence)
            throw new ArgumentOutOfRangeException(nameof(length), length, $"Expected a Length of {CausalGraphLearner.ShortestSequence} to {CausalGraphLearner.LongestSequence} positions, or null.");
    }
}
