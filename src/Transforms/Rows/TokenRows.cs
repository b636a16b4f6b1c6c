using Microsoft.ML;
using MlNetIcl.Models;
using MlNetIcl.Transforms.Interop;

namespace MlNetIcl.Transforms.Rows;

/// <summary>Reads a whole column of tokens.</summary>
internal static class TokenRows
{
    /// <summary>The rows that a model can take, read as they are asked for.</summary>
    /// <param name="data">The data.</param>
    /// <param name="settings">The stage's settings.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="run">Told of rows that are left out.</param>
    /// <param name="most">The most rows.</param>
    /// <exception cref="InvalidTokensException">A row cannot be read, and rows are set to throw.</exception>
    public static IEnumerable<int[]> Read(IDataView data, StageSettings settings, DecoderConfig config, StageRun run, int most = int.MaxValue)
    {
        using var cursor = data.GetRowCursor([data.Schema[settings.InputColumnName]]);
        var reader = TokenReader.Create(cursor, settings.InputColumnName);
        int taken = 0, left = 0;
        while (taken < most && cursor.MoveNext())
        {
            if (reader.Read(config.Vocabulary, config.Context, out string? why) is { } tokens)
            {
                taken++;
                yield return tokens;
            }
            else if (settings.OnError == RowErrorHandling.Throw) throw InvalidRow.Error(cursor.Position, settings.InputColumnName, why!);
            else left++;
        }
        run.LeftOut(left);
    }
}
