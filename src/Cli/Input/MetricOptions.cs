using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using static System.FormattableString;

namespace MlNetIcl.Cli.Input;

/// <summary>A metric with what its description needs.</summary>
internal sealed record ChosenMetric(PatchMetric Metric, (int First, int Last)? Positions = null, (int Answer, int Foil)? Tokens = null);

/// <summary>The options that say what is read from runs on rows of tokens.</summary>
internal sealed class MetricOptions
{
    private const string SecondRepeat = "loss_second_repeat", Loss = "loss", LogitDifference = "logit_difference", CopyAccuracy = "copy_accuracy";

    private readonly Option<string> _metric = new("--metric") { HelpName = "METRIC", DefaultValueFactory = _ => SecondRepeat, Description = "What is read." };
    private readonly Option<string?> _positions = new("--positions") { HelpName = "FIRST-LAST", Description = "The tokens whose loss is read, for --metric loss. Default: all that every row has." };
    private readonly AnswerOptions _answers = new();

    public MetricOptions() => _metric.AcceptOnlyFromAmong(SecondRepeat, CopyAccuracy, Loss, LogitDifference);

    public IEnumerable<Option> Options => [_metric, _positions, .. _answers.Options];

    /// <summary>Adds the check that a metric's settings go with it.</summary>
    public void Validate(CommandResult result)
    {
        string metric = result.GetValue(_metric) ?? SecondRepeat;
        var (answer, foil) = _answers.Given(result);
        if (result.GetResult(_positions) is not null && metric != Loss) result.AddError("--positions belongs to --metric loss.");
        if (metric == LogitDifference ? !(answer && foil) : answer || foil) result.AddError("--metric logit_difference needs an answer and a foil, and no other metric has any.");
        _answers.Validate(result);
    }

    /// <summary>The metric for these rows.</summary>
    /// <exception cref="InputException">The rows do not have what the metric reads.</exception>
    public ChosenMetric Read(ParseResult parsed, LanguageModel model, PromptReader reader, TokenBatch rows)
    {
        switch (parsed.GetValue(_metric))
        {
            case Loss:
                var (first, last) = Stretch(parsed.GetValue(_positions), rows);
                return new(PatchMetric.Loss(first, last), (first, last));
            case LogitDifference:
                var (answer, foil) = _answers.Read(parsed, reader);
                return new(PatchMetric.LogitDifference(answer!.Value, foil!.Value), Tokens: (answer.Value, foil.Value));
            case CopyAccuracy:
                return new(PatchMetric.CopyAccuracy(Shapes(model, rows)));
            default:
                return new(PatchMetric.SecondRepeatLoss(Shapes(model, rows)));
        }
    }

    /// <summary>How each row repeats.</summary>
    private static Periodicity[] Shapes(LanguageModel model, TokenBatch rows)
    {
        int? bos = TokenPool.Of(model).BosTokenId;
        if (Periodicity.Infer(rows, bos) is { } shape) return [shape];
        return [.. rows.Rows.Select((row, i) => Periodicity.Infer(new TokenBatch([row]), bos)
            ?? throw new InputException(Invariant($"Row {i} does not repeat, so it has no second repeat: expected the same tokens at least twice in a row, after a first token or none. Use --metric loss or --metric logit_difference.")))];
    }

    private static (int First, int Last) Stretch(string? text, TokenBatch rows)
    {
        int longest = rows.Rows.Min(r => r.Length) - 1;
        if (text is null)
            return longest >= 1 ? (1, longest) : throw new InputException("A row has one token alone, so there is none whose loss every row has. Leave such rows out.");
        string[] ends = text.Split('-');
        if (ends.Length != 2 || !Position(ends[0], out int first) || !Position(ends[1], out int last) || first < 1 || last < first)
            throw new InputException($"--positions takes the first and the last position, as 51-100, from 1 on (nothing predicts the token at 0); got '{text}'.");
        if (last > longest) throw new InputException(Invariant($"--positions reach to {last}, but the shortest row has {longest + 1} tokens, the last at {longest}."));
        return (first, last);

        static bool Position(string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
