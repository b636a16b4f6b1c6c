using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using Microsoft.ML.Tokenizers;
using MlNetIcl.Models.Gguf;
using MlNetIcl.Models.Gguf.Tokenization;
using MlNetIcl.Models.Onnx;

namespace MlNetIcl.Models.Tokenizers;

/// <summary>
/// A tokenizer read from a Hugging Face <c>tokenizer.json</c> with a BPE model, or from a GGUF file. It gives the tokens that the reference gives, exactly;
/// a file with a step or an option for which that is not so is refused by name. Immutable after loading; every member may be called
/// from several threads at once.
/// </summary>
/// <remarks>
/// As a <see cref="Tokenizer"/>, it adds the special tokens that the file's post-processor adds, as the reference does by default.
/// The categories of characters are those of the running .NET: Unicode 16 in .NET 10, as in the reference (tokenizers 0.23), but
/// Unicode 15 in .NET 8, which takes the few thousand letters that are newer for unassigned.
/// </remarks>
public sealed class JsonTokenizer : Tokenizer
{
    private readonly TokenizerFile _file;
    private readonly AddedTokenFinder _rawTokens;
    private readonly AddedTokenFinder _normalizedTokens;
    private readonly Dictionary<int, AddedToken> _added;
    private readonly Dictionary<string, int> _addedIds;
    private readonly ImmutableSortedSet<int> _specialIds;

    private JsonTokenizer(ReadOnlyMemory<byte> source, string name, SpecialTokenNames names)
    {
        Source = source;
        _file = TokenizerFile.Read(source, name);
        _rawTokens = new AddedTokenFinder(_file.AddedTokens.Where(t => !t.Normalized));
        _normalizedTokens = new AddedTokenFinder(_file.AddedTokens.Where(t => t.Normalized));
        _added = _file.AddedTokens.ToDictionary(t => t.Id);
        _addedIds = _file.AddedTokens.ToDictionary(t => t.Content, t => t.Id, StringComparer.Ordinal);
        _specialIds = [.. _file.AddedTokens.Where(t => t.IsSpecial).Select(t => t.Id)];
        VocabularySize = Math.Max(_file.Model.Tokens.Count, _added.Count == 0 ? 0 : _added.Keys.Max() + 1);
        BosTokenId = names.Bos is { } bos ? TokenId(bos) : null;
        EosTokenId = names.Eos is { } eos ? TokenId(eos) : null;
    }

    /// <summary>
    /// Reads a folder that holds <c>tokenizer.json</c>, or the file itself. <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>
    /// beside it, where they exist, say which tokens begin and end a sequence; nothing else is taken from them. Of a GGUF file, known by its content,
    /// the tokenizer in its metadata is read; of an <c>.onnx</c> file the one in its folder.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">A file is malformed, inconsistent or larger than 256 MiB.</exception>
    /// <exception cref="UnsupportedModelException">The file uses a step or an option that is not supported; the message names it.</exception>
    public static JsonTokenizer Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (File.Exists(path) && GgufFile.IsGguf(path)) return LoadGguf(path);
        if (File.Exists(path) && OnnxConfig.IsNamedOnnx(path)) path = OnnxConfig.FolderOf(Path.GetFullPath(path));
        var file = Directory.Exists(path) ? Path.Combine(path, "tokenizer.json") : path;
        return new JsonTokenizer(BoundedFile.Read(file), file, SpecialTokenNames.Read(Path.GetDirectoryName(Path.GetFullPath(file))!));
    }

    private static JsonTokenizer LoadGguf(string path)
    {
        using var file = GgufFile.Open(path);
        return GgufTokenizer.Read(file) ?? throw new ModelFormatException($"'{path}' has no tokenizer.ggml.model: it came without a tokenizer.");
    }

    /// <summary>Reads the content of a <c>tokenizer.json</c>.</summary>
    /// <param name="json">UTF-8 text, with or without byte order mark. It is copied.</param>
    /// <param name="name">What messages call the file.</param>
    /// <param name="bosToken">The token that begins a sequence, where known.</param>
    /// <param name="eosToken">The token that ends a sequence, where known.</param>
    /// <exception cref="ModelFormatException">The content is malformed or inconsistent.</exception>
    /// <exception cref="UnsupportedModelException">The content uses a step or an option that is not supported; the message names it.</exception>
    public static JsonTokenizer Parse(ReadOnlySpan<byte> json, string name = "tokenizer.json", string? bosToken = null, string? eosToken = null) =>
        new(json.ToArray(), name, new SpecialTokenNames(bosToken, eosToken));

    /// <summary>The exact JSON that this tokenizer was read from, or that says what a GGUF file says of it.</summary>
    public ReadOnlyMemory<byte> Source { get; }

    /// <summary>Largest id plus one.</summary>
    public int VocabularySize { get; }

    /// <summary>The id of the token that begins a sequence, or null where none is known.</summary>
    public int? BosTokenId { get; }

    /// <summary>The id of the token that ends a sequence, or null where none is known.</summary>
    public int? EosTokenId { get; }

    /// <summary>The id that unknown characters get, or null where there is none.</summary>
    public int? UnknownTokenId => _file.Model.UnknownId;

    /// <summary>The ids of the special tokens, in ascending order.</summary>
    public IReadOnlyCollection<int> SpecialTokenIds => _specialIds;

    /// <summary>Splits a text into tokens.</summary>
    /// <param name="text">Any text. Half a surrogate pair is read as U+FFFD, as UTF-8 would have it, and keeps its offsets.</param>
    /// <param name="addSpecialTokens">Whether the post-processor adds its special tokens. Those written in the text are recognised either way.</param>
    /// <exception cref="UnsupportedModelException">A pattern of the file takes too long on this text.</exception>
    public TokenizedText Tokenize(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = Encode(AlignedText.Of(WellFormed(text)), normalizes: true, splits: true);
        if (_file.PostProcessor is { } processor) tokens = processor.Process(tokens, addSpecialTokens);
        return new TokenizedText(
            [.. tokens.Select(t => t.Id)], [.. tokens.Select(t => t.Text)], [.. tokens.Select(t => (t.Place.Start, t.Place.End))]);
    }

    /// <summary>Joins tokens into text. Ids that the vocabulary lacks are left out, as the reference does.</summary>
    /// <param name="ids">Ids of tokens.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        // An added token that is looked for in normalised text decodes as it is found there.
        List<string> tokens =
        [
            .. ids.Where(id => !skipSpecialTokens || !IsSpecial(id))
                .Select(id => _added.TryGetValue(id, out var added) ? added.Pattern : TokenString(id))
                .OfType<string>(),
        ];
        return _file.Decoder is { } decoder ? string.Concat(decoder.Decode(tokens)) : string.Join(' ', tokens);
    }

    /// <summary>Joins tokens into text, special tokens included. Ids that the vocabulary lacks are left out, as the reference does.</summary>
    public override string Decode(IEnumerable<int> ids) => Decode(ids, skipSpecialTokens: false);

    /// <inheritdoc/>
    /// <remarks>All or nothing: bytes of one character may be in several tokens, so a part of the ids need not be a part of the text.</remarks>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        var all = ids.ToArray();
        var text = Decode(all, skipSpecialTokens: false);
        var fits = text.TryCopyTo(destination);
        (idsConsumed, charsWritten) = fits ? (all.Length, text.Length) : (0, 0);
        return fits ? OperationStatus.Done : OperationStatus.DestinationTooSmall;
    }

    /// <summary>The token with this id in the vocabulary's own spelling, or null where there is none.</summary>
    public string? TokenString(int id)
    {
        if (_added.TryGetValue(id, out var added)) return added.Content;
        return (uint)id < (uint)_file.Model.Tokens.Count ? _file.Model.Tokens[id] : null;
    }

    /// <summary>The id of a token in the vocabulary's own spelling, or null where there is none.</summary>
    public int? TokenId(string token) => _addedIds.TryGetValue(token, out var id) ? id : _file.Model.Find(token);

    /// <summary>Whether this is the id of a special token.</summary>
    public bool IsSpecial(int id) => _specialIds.Contains(id);

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        text ??= textSpan.ToString();
        var tokens = Encode(AlignedText.Of(WellFormed(text)), settings.ConsiderNormalization, settings.ConsiderPreTokenization);
        if (_file.PostProcessor is { } processor) tokens = processor.Process(tokens, addSpecialTokens: true);
        var isCut = tokens.Count > settings.MaxTokenCount;
        if (isCut) tokens.RemoveRange(settings.MaxTokenCount, tokens.Count - settings.MaxTokenCount);
        return new EncodeResults<EncodedToken>
        {
            Tokens = [.. tokens.Select(t => new EncodedToken(t.Id, t.Text, new Range(t.Place.Start, t.Place.End)))],
            CharsConsumed = !isCut ? text.Length : tokens.Count == 0 ? 0 : tokens[^1].Place.End,
        };
    }

    /// <summary>Everything but the post-processor: added tokens are cut out before and after normalisation, the rest goes to the model.</summary>
    private List<PlacedToken> Encode(AlignedText text, bool normalizes, bool splits)
    {
        var raw = new List<(AlignedText Text, AddedToken? Token)>();
        _rawTokens.Split(text, raw);
        var stretches = new List<(AlignedText Text, AddedToken? Token)>();
        foreach (var stretch in raw)
        {
            if (stretch.Token is not null) stretches.Add(stretch);
            else _normalizedTokens.Split(normalizes && _file.Normalizer is { } n ? n.Normalize(stretch.Text) : stretch.Text, stretches);
        }

        var output = new List<PlacedToken>();
        var encoder = new PieceEncoder(_file.Model);
        foreach (var (stretch, token) in stretches)
        {
            if (token is not null)
            {
                output.Add(new PlacedToken(token.Id, stretch.Text.ToString(), new Place(stretch.Places[0].Start, stretch.Places[^1].End)));
                continue;
            }

            List<AlignedText> pieces = [stretch];
            if (splits && _file.Splitter is { } splitter) pieces = splitter.SplitAll(pieces);
            foreach (var piece in pieces) encoder.Encode(piece, output);
        }

        return output;
    }

    /// <summary>The text with U+FFFD for every half of a surrogate pair, which has the same length.</summary>
    private static string WellFormed(string text)
    {
        StringBuilder? repaired = null;
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1])) i++;
            else (repaired ??= new StringBuilder(text))[i] = '\uFFFD';
        }

        return repaired?.ToString() ?? text;
    }
}
