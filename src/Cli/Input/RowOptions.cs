using System.CommandLine;
using System.CommandLine.Parsing;

namespace MlNetIcl.Cli.Input;

/// <summary>The options that say which rows: those of a token file, or generated ones that repeat.</summary>
internal sealed class RowOptions
{
    private readonly Option<string?> _tokens;
    private readonly Option<int?> _sequences, _period;
    private readonly Option<int?>? _repeats;
    private readonly int _usualSequences, _usualRepeats;

    /// <param name="tokens">What a token file is for, in the help.</param>
    /// <param name="sequences">The default number of generated sequences.</param>
    /// <param name="period">The default period, in words.</param>
    /// <param name="repeats">The default number of repeats.</param>
    /// <param name="enough">What the help adds about the number of sequences.</param>
    /// <param name="fixedRepeats">Whether the number of repeats is no option.</param>
    public RowOptions(string tokens, int sequences, string period, int repeats, string enough = "", bool fixedRepeats = false)
    {
        (_usualSequences, _usualRepeats) = (sequences, repeats);
        _tokens = new("--tokens") { HelpName = "FILE.json", Description = tokens };
        _sequences = WholeNumber.Option("--sequences", "N", 2, sequences, $"Sequences to generate{enough}.");
        _period = WholeNumber.Option("--period", "R", 2, null, $"Random tokens in a period. Default: {period}, or as many as context and vocabulary allow.");
        _repeats = fixedRepeats ? null : WholeNumber.Option("--repeats", "r", 2, repeats, "How often the period stands in a sequence.");
    }

    public IEnumerable<Option> Options => [_tokens, .. Shaping];

    private IEnumerable<Option> Shaping => _repeats is null ? [_sequences, _period] : [_sequences, _period, _repeats];

    /// <summary>Whether a command line names a file or shapes generated sequences.</summary>
    public bool IsGiven(CommandResult result) => Options.Any(option => result.GetResult(option) is { Implicit: false });

    /// <summary>Adds the check that a file's rows are not shaped.</summary>
    public void Validate(CommandResult result)
    {
        if (result.GetValue(_tokens) is null) return;
        foreach (var option in Shaping)
            if (result.GetResult(option) is { Implicit: false }) result.AddError($"{option.Name} shapes generated sequences; leave it out with --tokens, whose rows say it themselves.");
    }

    /// <summary>The token file; null where rows are to be generated.</summary>
    public string? File(ParseResult parsed) => parsed.GetValue(_tokens);

    /// <summary>What is to be generated.</summary>
    public (int Sequences, int? Period, int Repeats) Shape(ParseResult parsed) =>
        (parsed.GetValue(_sequences) ?? _usualSequences, parsed.GetValue(_period), (_repeats is null ? null : parsed.GetValue(_repeats)) ?? _usualRepeats);
}
