using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Positions;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl positions</c>: position encodings on one in-context task.</summary>
internal static class PositionsCommand
{
    private static readonly Dictionary<string, PositionScheme> Names = Enum.GetValues<PositionScheme>().ToDictionary(PositionWords.Of);

    public static Command Create(CliHost host)
    {
        var defaults = new PositionStudyOptions();
        var encodings = new Option<string[]>("--encodings") { HelpName = "NAME", AllowMultipleArgumentsPerToken = true, Description = $"The encodings: {string.Join(", ", Names.Keys)}. Default: all." };
        encodings.AcceptOnlyFromAmong([.. Names.Keys]);
        var seeds = WholeNumber.Option("--seeds", "N", 1, defaults.Seeds, "Decoders trained of each encoding.");
        var steps = WholeNumber.Option("--steps", "N", 1, defaults.Steps, "Training steps of each decoder.");
        var rows = WholeNumber.Option("--rows", "N", 2, defaults.Rows, "Rows of each measurement of each decoder.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of weights, rows and intervals.");
        var targets = new ReportTargets();

        var command = new ExplainedCommand("positions",
            "Whether the first demonstrations weigh more, by position encoding.",
            "Trains small decoders that differ in their position encoding alone, each with the learning rate that suits it best of two, and measures: accuracy by the place of the demonstration that answers, "
                + "which of two contradicting demonstrations wins, and accuracy with more demonstrations than in training.",
            ("icl positions", "All encodings; minutes."),
            ("icl positions --encodings learned alibi --seeds 5 --html positions.html", "Two of them, more decoders, and a report with curves."))
        { encodings, seeds, steps, rows, seed };
        foreach (var option in targets.Options) command.Add(option);
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            var options = defaults with
            {
                Schemes = parsed.GetValue(encodings) is { Length: > 0 } chosen ? [.. chosen.Select(name => Names[name])] : defaults.Schemes,
                Seeds = parsed.GetValue(seeds) ?? defaults.Seeds,
                Steps = parsed.GetValue(steps) ?? defaults.Steps,
                Rows = parsed.GetValue(rows) ?? defaults.Rows,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
            };
            var result = ProgressDisplay.Run(host, "Training", progress => PositionStudy.Run(options, progress, host.Cancellation));
            targets.Write(host, parsed, () => PositionReport.Of(result), stream => PositionJson.Write(result, stream), () => WriteTables(host, result));
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteTables(CliHost host, PositionStudyResult result)
    {
        int trained = result.Options.TrainedDemonstrations, longest = result.Options.TestedDemonstrations[^1];
        Terminal.WriteFacts(host, PositionWords.Facts(result));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, PositionWords.Summary(result));

        host.Output.WriteLine(Invariant($"\nAccuracy where one demonstration answers minus the others', {trained} of them:"));
        Reliance(s => s.Trained);
        if (longest > trained)
        {
            host.Output.WriteLine(Invariant($"\nThe same, {longest} of them:"));
            Reliance(s => s.Longest);
        }
        host.Output.WriteLine("\nTwo demonstrations that contradict each other:");
        Terminal.WriteTable(host, [("encoding", false), ("first wins", true), ("last wins", true), ("pull", true)],
            result.Schemes.Select(s => Row(PositionWords.Of(s.Scheme), Numbers.Score(s.Conflict.FirstWins.Value), PositionWords.Of(s.Conflict.LastWins), PositionWords.Of(s.Conflict.FirstDemonstrationPull))));
        host.Output.WriteLine("\nAccuracy by number of demonstrations:");
        Terminal.WriteTable(host, [("encoding", false), .. result.Options.TestedDemonstrations.Select(n => (Invariant($"{n}"), true))],
            result.Schemes.Select(s => Row([PositionWords.Of(s.Scheme), .. s.ByLength.Select(l => Numbers.Score(l.Accuracy?.Value ?? double.NaN))])));
        if (result.Schemes.Any(s => s.ByLength.Any(l => l.Accuracy is null))) Terminal.WriteText(host.Output, host.Width, PositionWords.NoRows);

        void Reliance(Func<PositionSchemeResult, DemonstrationReliance?> of) => Terminal.WriteTable(host, [("encoding", false), ("rate", true), ("first, 95 %", true), ("last, 95 %", true)],
            result.Schemes.Select(s => Row(PositionWords.Of(s.Scheme), Numbers.Brief(s.LearningRate), PositionWords.Of(of(s)?.First), PositionWords.Of(of(s)?.Last))));

        (IReadOnlyList<string>, bool) Row(params string[] cells) => (cells, false);
    }
}
