using System.Text.Json;
using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Input;

/// <summary>A prompt pair with the two tokens of its metric.</summary>
internal sealed record TokenPair(int[] Clean, int[] Corrupted, int Answer, int Foil);

/// <summary>A JSON object with <c>clean</c>, <c>corrupted</c>, <c>answer</c> and <c>foil</c>, each as ids or as text; or an array of them.</summary>
internal static class PairFile
{
    private const long LongestFile = 64L << 20;
    private const int Deepest = 16, MostPairs = 10_000;

    /// <summary>Reads the pair or all pairs; other properties are left alone.</summary>
    /// <exception cref="InputException">The file is missing, too long, too deep or no such object; the message says what is wrong.</exception>
    public static IReadOnlyList<TokenPair> Read(string path, PromptReader reader)
    {
        byte[] bytes = InputFile.Read(path, "pair file", LongestFile);
        try
        {
            using var json = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = Deepest });
            if (json.RootElement.ValueKind != JsonValueKind.Array) return [Pair(json.RootElement, path, "it", "", reader)];
            int count = json.RootElement.GetArrayLength();
            if (count is 0 or > MostPairs) throw Wrong(path, $"it has {count} pairs, expected 1 to {MostPairs}");
            return [.. json.RootElement.EnumerateArray().Select((pair, i) => Pair(pair, path, $"pair {i + 1}", $" of pair {i + 1}", reader))];
        }
        catch (JsonException error)
        {
            throw Wrong(path, $"it is no valid JSON (line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1})", error);
        }
    }

    /// <param name="pair">What should be a pair.</param>
    /// <param name="path">The file.</param>
    /// <param name="it">What a message calls the pair.</param>
    /// <param name="of">What a message adds to a part of it.</param>
    /// <param name="reader">Reads texts.</param>
    private static TokenPair Pair(JsonElement pair, string path, string it, string of, PromptReader reader)
    {
        if (pair.ValueKind != JsonValueKind.Object) throw Wrong(path, $"{it} is {Name(pair)}");
        return new TokenPair(Prompt("clean"), Prompt("corrupted"), Token("answer"), Token("foil"));

        JsonElement Property(string name) => pair.TryGetProperty(name, out var value) ? value : throw Wrong(path, $"{it} has no \"{name}\"");
        int[] Prompt(string name) => Property(name) is { ValueKind: JsonValueKind.String } text ? reader.Prompt(Text(text, path, name), $"{name} prompt{of}") : reader.Prompt(Ids(Property(name), path, name), $"{name} prompt{of}");
        int Token(string name) => Property(name) is { ValueKind: JsonValueKind.String } text ? reader.Token(Text(text, path, name), $"{name}{of}") : reader.Token(Id(Property(name), path, $"\"{name}\""), $"{name}{of}");
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
        $"Pair file '{path}': {what}. Expected {{\"clean\": …, \"corrupted\": …, \"answer\": …, \"foil\": …}}, prompts as text or as arrays of ids, answer and foil as text or as id; or an array of such pairs.", inner);

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
