using System.Text.Json;

namespace MlNetIcl.Models.Tokenizers;

/// <summary>
/// One object of a <c>tokenizer.json</c>, read strictly: a property of the wrong kind is malformed, and one that nobody asked for is an
/// option that is not supported. <see cref="Finish"/> checks the latter.
/// </summary>
internal sealed class JsonStep
{
    private readonly JsonElement _element;
    private readonly HashSet<string> _known = [];

    public JsonStep(JsonElement element, string file, string path)
    {
        (_element, File, Path) = (element, file, path);
        if (element.ValueKind != JsonValueKind.Object) throw Malformed($"expected an object, found {Describe(element)}");
    }

    public string File { get; }

    /// <summary>Where the object stands in the file, such as <c>pre_tokenizer.pretokenizers[0]</c>.</summary>
    public string Path { get; }

    public string Type => String("type");

    /// <summary>The property, or null where it is missing or null.</summary>
    public JsonElement? Find(string name)
    {
        _known.Add(name);
        return _element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public JsonElement Get(string name) => Find(name) ?? throw Malformed($"'{name}' is missing");

    public string String(string name) => AsString(Get(name), name);

    public string? StringOrNull(string name) => Find(name) is { } value ? AsString(value, name) : null;

    public bool Bool(string name) => AsBool(Get(name), name);

    public bool Bool(string name, bool missing) => Find(name) is { } value ? AsBool(value, name) : missing;

    public int Int(string name) => AsId(Get(name), name);

    public JsonStep Object(string name) => new(Get(name), File, $"{Path}.{name}");

    public JsonStep? ObjectOrNull(string name) => Find(name) is { } value ? new(value, File, $"{Path}.{name}") : null;

    public IEnumerable<JsonElement> Array(string name)
    {
        var value = Get(name);
        if (value.ValueKind != JsonValueKind.Array) throw Malformed($"'{name}' should be an array, found {Describe(value)}");
        return value.EnumerateArray();
    }

    public IReadOnlyList<JsonStep> Objects(string name) =>
        [.. Array(name).Select((element, i) => new JsonStep(element, File, $"{Path}.{name}[{i}]"))];

    public string AsString(JsonElement value, string name)
    {
        if (value.ValueKind != JsonValueKind.String) throw Malformed($"'{name}' should be a string, found {Describe(value)}");
        return value.GetString()!;
    }

    /// <summary>A token's id. The limit keeps tables that are indexed by id small; the largest vocabularies have about a million entries.</summary>
    public int AsId(JsonElement value, string name)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var id) || id is < 0 or >= MaxId)
            throw Malformed($"'{name}' should be a whole number from 0 to {MaxId - 1}, found {Describe(value)}");
        return id;
    }

    public int AsRank(JsonElement value, string name) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var rank) && rank >= 0
        ? rank : throw Malformed($"'{name}' should hold whole numbers from 0, found {Describe(value)}");

    /// <summary>Refuses properties that were not read: an option that is not known here may change what the step does.</summary>
    public void Finish()
    {
        foreach (var property in _element.EnumerateObject())
        {
            if (!_known.Contains(property.Name)) throw Unsupported($"the option '{property.Name}' is not supported");
        }
    }

    public ModelFormatException Malformed(string what) => new($"{File}: {Path}: {what}.");

    public UnsupportedModelException Unsupported(string what) => new($"{File}: {Path}: {what}.");

    public UnsupportedModelException UnsupportedType(string supported) =>
        Unsupported($"the step '{Type}' is not supported; supported are {supported}");

    private const int MaxId = 1 << 22;

    private bool AsBool(JsonElement value, string name) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Malformed($"'{name}' should be true or false, found {Describe(value)}"),
    };

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.Null => "null",
        _ => value.GetRawText() is { Length: > 40 } text ? string.Concat(text.AsSpan(0, 40), "…") : value.GetRawText(),
    };
}
