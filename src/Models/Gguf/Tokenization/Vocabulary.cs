using static MlNetIcl.Models.HuggingFace.Families;

namespace MlNetIcl.Models.Gguf.Tokenization;

/// <summary>What a token is, by the format's numbers.</summary>
internal enum TokenKind
{
    Undefined, Normal, Unknown, Control, UserDefined, Unused, Byte,
}

/// <summary>The tokens of a file's metadata: spelling and kind by id.</summary>
internal sealed class Vocabulary
{
    private const int LongestToken = 1 << 16;

    private Vocabulary(GgufMetadata metadata, string path, string[] texts, int[]? kinds)
    {
        (Metadata, Path, Texts) = (metadata, path, texts);
        Kinds = kinds is null ? [.. texts.Select(_ => TokenKind.Normal)] : [.. kinds.Select(kind => Enum.IsDefined((TokenKind)kind) ? (TokenKind)kind : TokenKind.Undefined)];
    }

    public GgufMetadata Metadata { get; }

    public string Path { get; }

    /// <summary>The spellings. An empty one is no token.</summary>
    public string[] Texts { get; }

    public TokenKind[] Kinds { get; }

    /// <exception cref="ModelFormatException">There are no tokens, two are alike, or the lists differ in length.</exception>
    public static Vocabulary Read(GgufMetadata metadata, string path)
    {
        const string Tokens = "tokenizer.ggml.tokens", Types = "tokenizer.ggml.token_type";
        string[] texts = metadata.Texts(Tokens, LargestVocabulary, LongestToken) ?? throw new ModelFormatException($"'{path}' has no {Tokens}.");
        int[]? kinds = metadata.Integers(Types, LargestVocabulary);
        if (kinds is not null && kinds.Length != texts.Length) throw new ModelFormatException($"'{path}': {Types} has {kinds.Length} entries for {texts.Length} tokens.");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string text in texts)
            if (text.Length > 0 && !seen.Add(text)) throw new ModelFormatException($"'{path}': the token '{GgufMetadata.Show(text)}' is in {Tokens} twice.");
        return new(metadata, path, texts, kinds);
    }

    /// <summary>The token with a role, such as <c>bos</c>.</summary>
    public int? Role(string role, int? absent = null)
    {
        string key = $"tokenizer.ggml.{role}_token_id";
        int? id = Metadata.Has(key) ? Metadata.Id(key) : absent;
        return id is { } number && (uint)number < (uint)Texts.Length && Texts[number].Length > 0 ? number : null;
    }
}
