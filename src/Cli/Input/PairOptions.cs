using System.CommandLine;
using System.CommandLine.Parsing;
using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Input;

/// <summary>The options that name a prompt pair with its answer and foil: four texts, or a file.</summary>
internal sealed class PairOptions
{
    private readonly Option<string?> _clean = new("--clean") { HelpName = "TEXT", Description = "The prompt that shows the behaviour." };
    private readonly Option<string?> _corrupt = new("--corrupt") { HelpName = "TEXT", Description = "The prompt that does not; as many tokens." };
    private readonly AnswerOptions _answers = new();
    private readonly Option<string?> _pair = new("--pair") { HelpName = "FILE.json", Description = "All four in a file: {\"clean\", \"corrupted\", \"answer\", \"foil\"}, as texts or as ids; or an array of such pairs." };

    public IEnumerable<Option> Options => [_clean, _corrupt, .. _answers.Options, _pair];

    /// <summary>Whether a command line names any part of a pair.</summary>
    public bool IsGiven(CommandResult result) => Options.Any(option => result.GetResult(option) is not null);

    /// <summary>Adds the check that a pair is named once and as a whole.</summary>
    public void Validate(CommandResult result)
    {
        var (answer, foil) = _answers.Given(result);
        bool[] parts = [result.GetResult(_clean) is not null, result.GetResult(_corrupt) is not null, answer, foil];
        if (result.GetResult(_pair) is not null ? parts.Any(p => p) : !parts.All(p => p))
            result.AddError("Give either --pair FILE.json, or all of --clean, --corrupt, --answer and --foil.");
        _answers.Validate(result);
    }

    /// <summary>Reads all pairs, at least one.</summary>
    /// <exception cref="InputException">The prompts of a pair have no tokens or not equally many, or answer and foil are one and the same token.</exception>
    public IReadOnlyList<TokenPair> ReadAll(ParseResult parsed, PromptReader reader)
    {
        if (parsed.GetValue(_pair) is not { } file) return [Check(ReadTexts(parsed, reader), reader, "")];
        var pairs = PairFile.Read(file, reader);
        return [.. pairs.Select((pair, i) => Check(pair, reader, pairs.Count == 1 ? "" : $"Pair {i + 1}: "))];
    }

    private static TokenPair Check(TokenPair pair, PromptReader reader, string where)
    {
        if (pair.Clean.Length != pair.Corrupted.Length)
            throw new InputException($"{where}Clean and corrupted prompt must have equally many tokens, but the clean one has {pair.Clean.Length}, {reader.Shown(pair.Clean)}, and the corrupted one {pair.Corrupted.Length}, {reader.Shown(pair.Corrupted)}. Reword one of them.");
        if (pair.Answer == pair.Foil)
            throw new InputException($"{where}Answer and foil are the same token, {reader.Shown([pair.Answer])} (id {pair.Answer}), so that their logits never differ. Give another foil.");
        return pair;
    }

    private TokenPair ReadTexts(ParseResult parsed, PromptReader reader)
    {
        int[] clean = reader.Prompt(parsed.GetRequiredValue(_clean)!, "clean prompt"), corrupted = reader.Prompt(parsed.GetRequiredValue(_corrupt)!, "corrupted prompt");
        var (answer, foil) = _answers.Read(parsed, reader);
        return new(clean, corrupted, answer!.Value, foil!.Value);
    }
}
