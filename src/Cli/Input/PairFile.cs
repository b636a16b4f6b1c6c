using System.Text.Json;
using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Input;

/// <summary>A prompt pair with the two tokens of its metric.</summary>
internal sealed record TokenPair(int[] Clean, int[] Corrupted, int Answer, int Foil);

/// <summary>A JSON object with <c>clean</c>, <c>corrupted</c>, <c>answer</c> and <c>foil</c>, each as ids or as text.</summary>
internal static class PairFile
{
    private const long LongestFile = 64L << 20;
    private const int Deepest = 16;

    /// <summary>Reads a pair; other properties are left alone.</summary>
    /// <exception cref="InputException">The file is missing, too long, too deep or no such object; the message says what is wrong.</exception>
    public static TokenPair Read(string path, PromptReader reader)
    {
        byte[] bytes = InputFile.Read(path, "pair file", LongestFile);
        try
        {
            using var json = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = Deepest });
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw Wrong(path, $"it is {Name(json.RootElement)}");
            JsonElement Property(string name) => json.RootElement.TryGetProperty(name, out var value) ? value : throw Wrong(path, $"it has no \"{name}\"");
            int[] Prompt(string name) => Property(name) is { ValueKind: JsonValueKind.String } text ? reader.Prompt(Text(text, path, name), $"{name} prompt") : reader.Prompt(Ids(Property(name), path, name), $"{name} prompt");
            int Token(string name) => Property(name) is { ValueKind: JsonValueKind.String } text ? reader.Token(Text(text, path, name), name) : reader.Token(Id(Property(name), path, $"\"{name}\""), name);
            return new TokenPair(Prompt("clean"), Prompt("corrupted"), Token("answer"), Token("foil"));
        }
        catch (JsonException error)
        {
            throw Wrong(path, $"it is no valid JSON (line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1})", error);
        }
    }

    private static int[] Ids(JsonElement value, string path, string name)
    {
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(path, $"\"{name}\" is {Name(value)}");
        return [.. value.EnumerateArray().Select((id, i) => Id(id, path, $"\"{name}\", position {i}"))];
    }

    private static int Id(JsonElement value, string path, string where) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id)
        ? id
        : throw Wrong(path, $"{where} is {Name(value)}{(value.ValueKind == JsonValueKind.Number ? " that is no 32-bit integer" : "")}");

    private static string Text(JsonElement value, string path, string name)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException error)
        {
            // The reader's word for a lone surrogate.
            throw Wrong(path, $"\"{name}\" holds half of a surrogate pair, which is no character", error);
        }
    }

    private static InputException Wrong(string path, string what, Exception? inner = null) => new(
        $"Pair file '{path}': {what}. Expected {{\"clean\": …, \"corrupted\": …, \"answer\": …, \"foil\": …}}, prompts as text or as arrays of ids, answer and foil as text or as id.", inner);

    private static string Name(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a boolean",
    };
}
