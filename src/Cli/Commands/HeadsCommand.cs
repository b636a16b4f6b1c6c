using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Heads;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl heads</c>: scores every attention head and says which are induction, previous-token and duplicate-token heads.</summary>
internal static class HeadsCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new HeadDetectionOptions();
        var model = new ModelSource();
        var rows = new RowOptions("Score these rows (a JSON array of arrays of ids) and not generated ones.", defaults.Sequences, "50", defaults.Repeats, "; verdicts need 16 or more");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of sequences, controls, intervals and tests.");
        var losses = new Option<bool>("--losses") { Description = "Also measure loss by position and copy accuracy, which takes the whole model." };
        var confirm = new Option<bool>("--confirm") { Description = "Ablate the induction heads, alone and together, and say which carry copying. Takes the whole model many times." };
        var confirmWeak = new Option<bool>("--confirm-weak") { Description = "Confirm weak induction heads too." };
        var entropy = new Option<bool>("--entropy") { Description = "Also measure the entropy of each head's attention." };
        var excludeBos = new Option<bool>("--exclude-bos") { Description = "Leave attention to position 0 out of TransformerLens's scores." };
        var excludeCurrent = new Option<bool>("--exclude-current-token") { Description = "Leave attention of a token to itself out of TransformerLens's scores." };
        var targets = new ReportTargets();
        var all = new Option<bool>("--all") { Description = "Show all heads in the table, not the strongest alone." };

        var command = new ExplainedCommand("heads",
            "Scores every attention head and says which are induction, previous-token and duplicate-token heads.",
            "Each score comes with a matched control, the difference of the two with its 95 % interval, a permutation test (p, and q over all heads) and a verdict. "
                + "With --tokens, rows that repeat get controls and verdicts; other rows are scored as text, without verdicts.",
            ("icl heads --model models/gpt2", "A table of the strongest heads."),
            ("icl heads --model models/gpt2 --html heads.html --json heads.json", "A report and all numbers."),
            ("icl heads --model models/gpt2 --confirm", "Which of the induction heads carry copying, by ablation."),
            ("icl heads --model models/gpt2 --tokens rows.json --json -", "Scores your own rows, as JSON on standard output."))
        { seed, losses, confirm, confirmWeak, entropy, excludeBos, excludeCurrent, all };
        foreach (var option in rows.Options.Concat(targets.Options).Concat(model.Options)) command.Add(option);

        command.Validators.Add(rows.Validate);
        command.SetAction(parsed =>
        {
            var shape = rows.Shape(parsed);
            var options = defaults with
            {
                Sequences = shape.Sequences,
                Period = shape.Period,
                Repeats = shape.Repeats,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
                Losses = parsed.GetValue(losses),
                Confirm = parsed.GetValue(confirm) || parsed.GetValue(confirmWeak),
                ConfirmWeak = parsed.GetValue(confirmWeak),
                Entropy = parsed.GetValue(entropy),
                ExcludeBos = parsed.GetValue(excludeBos),
                ExcludeCurrentToken = parsed.GetValue(excludeCurrent),
            };
            targets.Check(parsed);
            var result = Detect(host, () => model.Load(parsed), rows.File(parsed), options);
            targets.Write(host, parsed, () => HeadReport.Of(result), stream => HeadJson.Write(result, stream), () => HeadsTable.Write(host, result, parsed.GetValue(all)));
            return ExitCode.Done;
        });
        return command;
    }

    private static HeadDetectionResult Detect(CliHost host, Func<LanguageModel> load, string? tokenPath, HeadDetectionOptions options)
    {
        var rows = tokenPath is null ? null : TokenFile.Read(tokenPath);
        using var model = load();
        return ProgressDisplay.Run(host, "Scoring heads", progress => rows is null
            ? HeadDetector.Detect(model, options, progress, host.Cancellation)
            : HeadDetector.Detect(model, rows, options, progress, host.Cancellation));
    }
}
