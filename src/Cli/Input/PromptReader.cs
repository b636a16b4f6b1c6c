using System.Globalization;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Models;
using MlNetIcl.Models.Tokenizers;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Interventions;
using static System.FormattableString;

namespace MlNetIcl.Cli.Input;

/// <summary>Texts and ids of the command line as tokens of one model, and tokens as people know them.</summary>
internal sealed class PromptReader(LanguageModel model)
{
    private const int MostShown = 40;

    /// <summary>A prompt with the special tokens that the tokenizer adds by itself.</summary>
    /// <exception cref="InputException">The text gives no token, or too many; the message calls it <paramref name="what"/>.</exception>
    public int[] Prompt(string text, string what) => Prompt([.. Tokenizer(what).Tokenize(text).Ids], what);

    /// <summary>A prompt given as ids.</summary>
    public int[] Prompt(int[] ids, string what)
    {
        if (ids.Length == 0) throw new InputException($"The {what} has no tokens; it needs at least one.");
        try
        {
            new TokenBatch([ids]).Validate(model.Config);
            return ids;
        }
        catch (InvalidTokensException error)
        {
            throw new InputException($"The {what} cannot be run: {error.Message}", error);
        }
    }

    /// <summary>A text that must be one token: exactly as it is written, else the token that the vocabulary spells so.</summary>
    /// <remarks>Some tokenizers put a space before every text, which would make two tokens of a word that is one inside a sentence.</remarks>
    /// <exception cref="InputException">There is no such token; the message shows what the text gives, and whether a leading space would help.</exception>
    public int Token(string text, string what)
    {
        var tokenizer = Tokenizer(what);
        if (Find(tokenizer, text) is { } id) return id;
        var ids = tokenizer.Tokenize(text, addSpecialTokens: false).Ids;
        string got = ids.Count == 0 ? "none" : Invariant($"{ids.Count}: {Shown(ids)}");
        string other = text.StartsWith(' ') ? text[1..] : $" {text}";
        string hint = Find(tokenizer, other) is null ? "Take another word, or its first token." : $"{(text.StartsWith(' ') ? "Without" : "With")} a leading space it is one: try '{other}'.";
        throw new InputException($"The {what} must be one token, but '{VisibleText.Shorten(text, 80)}' gives {got}. {hint}");
    }

    /// <summary>A token given as id.</summary>
    public int Token(int id, string what) => (uint)id < (uint)model.Config.Vocabulary
        ? id
        : throw new InputException(Invariant($"The {what} {id} is no token: ids go from 0 to {model.Config.Vocabulary - 1}."));

    /// <summary>A token with its text as it stands inside a longer text; its spelling where it is no text by itself, its id where there is no tokenizer.</summary>
    public TokenLabel Label(int id) => new(id, Text(id) ?? id.ToString(CultureInfo.InvariantCulture));

    public IReadOnlyList<PromptPairTokens> Tokens(IEnumerable<TokenPair> pairs) =>
        [.. pairs.Select(pair => new PromptPairTokens(Labels(pair.Clean), Labels(pair.Corrupted), Label(pair.Answer), Label(pair.Foil)))];

    public IReadOnlyList<TokenLabel> Labels(IEnumerable<int> ids) => [.. ids.Select(Label)];

    /// <summary>Tokens for an error message, with what cannot be seen made visible.</summary>
    public string Shown(IReadOnlyList<int> ids) =>
        $"[{string.Join(' ', ids.Take(MostShown).Select(id => VisibleText.Of(Label(id).Text)))}{(ids.Count > MostShown ? " …" : "")}]";

    private static int? Find(JsonTokenizer tokenizer, string text) =>
        tokenizer.Tokenize(text, addSpecialTokens: false).Ids is [var only] ? only : tokenizer.TokenId(text) ?? tokenizer.TokenId(text.Replace(' ', '▁'));

    private string? Text(int id)
    {
        if (model.Tokenizer is not { } tokenizer || tokenizer.TokenString(id) is not { } spelling) return null;
        if (tokenizer.IsSpecial(id)) return spelling;
        // Decoders drop the space before a text's first token, so the token is decoded behind itself.
        string once = tokenizer.Decode([id], skipSpecialTokens: false), twice = tokenizer.Decode([id, id], skipSpecialTokens: false);
        string text = twice.StartsWith(once, StringComparison.Ordinal) ? twice[once.Length..] : once;
        // Bytes that are no whole character decode to U+FFFD.
        return text.Length == 0 || text.Contains('\uFFFD', StringComparison.Ordinal) ? spelling : text;
    }

    private JsonTokenizer Tokenizer(string what) => model.Tokenizer
        ?? throw new InputException($"The {what} is a text, but '{model.Name}' has no tokenizer. Give ids: --answer-id, --foil-id, and a file with the ids of the prompts.");
}
