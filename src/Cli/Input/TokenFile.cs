using System.Text.Json;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Models;

namespace MlNetIcl.Cli.Input;

/// <summary>A JSON array of arrays of token ids.</summary>
internal static class TokenFile
{
    /// <summary>The longest file that is read, in bytes.</summary>
    private const long LongestFile = 256L << 20;

    /// <summary>Reads the rows. Whether a model can take them is checked with the model.</summary>
    /// <exception cref="InputException">The file is missing, too long or no array of non-empty arrays of integers; the message says where.</exception>
    public static TokenBatch Read(string path)
    {
        byte[] json = InputFile.Read(path, "token file", LongestFile);
        try
        {
            return new TokenBatch(Parse(json, path));
        }
        catch (JsonException error)
        {
            throw Wrong(path, $"it is no valid JSON (line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1})", error);
        }
    }

    private static List<int[]> Parse(byte[] json, string path)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 3 });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray) throw Wrong(path, $"it starts with {Name(reader.TokenType)}");
        var rows = new List<int[]>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartArray) throw Wrong(path, $"row {rows.Count} is {Name(reader.TokenType)}");
            var row = new List<int>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id))
                    throw Wrong(path, $"row {rows.Count}, position {row.Count} is {Name(reader.TokenType)}{(reader.TokenType == JsonTokenType.Number ? " that is no 32-bit integer" : "")}");
                row.Add(id);
            }
            if (row.Count == 0) throw Wrong(path, $"row {rows.Count} is empty");
            rows.Add([.. row]);
        }
        if (rows.Count == 0) throw Wrong(path, "it has no rows");
        // Reads to the end, so that anything after the array is an error.
        reader.Read();
        return rows;
    }

    private static InputException Wrong(string path, string what, Exception? inner = null) =>
        new($"Token file '{path}': {what}. Expected a JSON array of arrays of token ids, as [[0, 17, 4], [0, 9]].", inner);

    private static string Name(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        JsonTokenType.Null => "null",
        _ => "something else",
    };
}
