using System.CommandLine;
using System.CommandLine.Parsing;

namespace MlNetIcl.Cli.Input;

/// <summary>The options that name the two tokens of a logit difference, by text or by id.</summary>
internal sealed class AnswerOptions
{
    private readonly Option<string?> _answer, _foil;
    private readonly Option<int?> _answerId, _foilId;

    /// <param name="defaults">What stands for a token that is not named, for the help; null where both must be.</param>
    public AnswerOptions(string? defaults = null)
    {
        string otherwise = defaults is null ? "" : $" Default: {defaults}.";
        _answer = new("--answer") { HelpName = "TEXT", Description = $"The token whose logit counts, exactly as written: a leading space matters.{otherwise}" };
        _foil = new("--foil") { HelpName = "TEXT", Description = $"The token whose logit is subtracted.{otherwise}" };
        _answerId = WholeNumber.Option("--answer-id", "ID", 0, null, "The answer as id, for models without a tokenizer.");
        _foilId = WholeNumber.Option("--foil-id", "ID", 0, null, "The foil as id.");
    }

    public IEnumerable<Option> Options => [_answer, _foil, _answerId, _foilId];

    /// <summary>Whether a command line names an answer, or a foil.</summary>
    public (bool Answer, bool Foil) Given(CommandResult result) =>
        (result.GetResult(_answer) is not null || result.GetResult(_answerId) is not null, result.GetResult(_foil) is not null || result.GetResult(_foilId) is not null);

    /// <summary>Adds the check that nothing is named twice.</summary>
    public void Validate(CommandResult result)
    {
        foreach (var (text, id) in new[] { (_answer, _answerId), (_foil, _foilId) })
            if (result.GetResult(text) is not null && result.GetResult(id) is not null) result.AddError($"Give either {text.Name} or {id.Name}.");
    }

    /// <summary>The ids; null for a token that is not named.</summary>
    public (int? Answer, int? Foil) Read(ParseResult parsed, PromptReader reader) => (
        Read(parsed.GetValue(_answer), parsed.GetValue(_answerId), reader, "answer"),
        Read(parsed.GetValue(_foil), parsed.GetValue(_foilId), reader, "foil"));

    private static int? Read(string? text, int? id, PromptReader reader, string what) =>
        text is not null ? reader.Token(text, what) : id is { } given ? reader.Token(given, what) : null;
}
