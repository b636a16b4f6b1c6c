using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Copying;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl restore</c>: what copying loses without previous-token and induction heads, and gets back with them.</summary>
internal static class RestoreCommand
{
    private const string MeanPerPosition = "mean-per-position", Mean = "mean", Zero = "zero";

    public static Command Create(CliHost host)
    {
        var defaults = new CopyAblationOptions();
        var model = new ModelSource();
        var kind = new Option<string>("--kind") { HelpName = "KIND", DefaultValueFactory = _ => MeanPerPosition, Description = "What outputs are replaced by." };
        kind.AcceptOnlyFromAmong(MeanPerPosition, Mean, Zero);
        var sequences = WholeNumber.Option("--sequences", "N", 2, defaults.Sequences, "Sequences that heads are detected on, and as many others that copying is measured on; verdicts need 16 or more.");
        var period = WholeNumber.Option("--period", "R", 2, null, "Random tokens in a period. Default: 50, or as many as context and vocabulary allow.");
        var draws = WholeNumber.Option("--draws", "N", 0, defaults.ControlDraws, "Random sets of other heads that each control is the mean of.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of sequences, intervals and random sets.");
        var all = new Option<bool>("--all") { Description = "Show every head that was given back, not the strongest alone." };
        var targets = new ReportTargets();

        var command = new ExplainedCommand("restore",
            "What copying loses without previous-token and induction heads, and gets back with them.",
            "Detects both kinds of head, replaces their outputs on repeated random tokens (the previous-token heads', the induction heads', both), gives them back one kind and one head at a time, "
                + "and shows the copy accuracy beside the article's claims (-85 %, -92 %, full recovery). Controls ablate as many other heads of the same layers.",
            ("icl restore", "The table for the model that comes with the tool."),
            ("icl restore --model models/gpt2 --html restore.html --json restore.json", "A report and all numbers."))
        { kind, sequences, period, draws, seed, all };
        foreach (var option in targets.Options.Concat(model.Options)) command.Add(option);
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            var options = defaults with
            {
                Kind = parsed.GetValue(kind) switch { Zero => AblationKind.Zero, Mean => AblationKind.Mean, _ => AblationKind.MeanPerPosition },
                Sequences = parsed.GetValue(sequences) ?? defaults.Sequences,
                Period = parsed.GetValue(period),
                ControlDraws = parsed.GetValue(draws) ?? defaults.ControlDraws,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
            };
            using var loaded = model.Load(parsed);
            var result = ProgressDisplay.Run(host, "Ablating", progress => CopyAblation.Measure(loaded, options, progress, host.Cancellation));
            targets.Write(host, parsed, () => CopyAblationReport.Of(result), stream => CopyAblationJson.Write(result, stream), () => RestoreTable.Write(host, result, parsed.GetValue(all)));
            return ExitCode.Done;
        });
        return command;
    }
}
