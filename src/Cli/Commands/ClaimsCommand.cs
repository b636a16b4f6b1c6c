using System.CommandLine;
using System.Globalization;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Claims;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl claims</c>: runs the experiment of every claim and says how the claim stands to it.</summary>
internal static class ClaimsCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new ClaimsOptions();
        var quick = new Option<bool>("--quick") { Description = "Experiments as small as their verdicts allow: 15 minutes on two cores for all. The default." };
        var full = new Option<bool>("--full") { Description = "Larger experiments and more seeds, for hours." };
        var only = new Option<string?>("--only") { HelpName = "N[,N]", Description = "Run these claims alone." };
        var model = new Option<string?>("--model", "-m") { HelpName = "PATH", Description = "Also test claims about models in general on this one (a folder, a GGUF file)." };
        var data = new Option<string?>("--data") { HelpName = "FILE", Description = "Texts and labels (TSV or CSV with a header) for the claims about labels, with --model." };
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of all experiments.");
        var timings = new Option<bool>("--timings") { Description = "Write into the JSON how long each claim took, which differs from run to run." };
        var targets = new ReportTargets();

        var command = new ExplainedCommand("claims",
            "Runs the experiment of every claim about in-context learning and says how the claim stands to it.",
            "For each claim: its source, what was run, what came out with its interval, the verdict (reproduced, refuted, depends) and the rule behind it, and the command that runs it again. "
                + "A claim whose experiment fails is reported as failed, the others still run, and the exit code is 1.",
            ("icl claims", "All claims, in a quarter of an hour."),
            ("icl claims --only 1,3 --html ledger.html", "Two claims, and a report."))
        { quick, full, only, model, data, seed, timings };
        foreach (var option in targets.Options) command.Add(option);
        command.Validators.Add(parsed =>
        {
            if (parsed.GetValue(quick) && parsed.GetValue(full)) parsed.AddError("--quick and --full exclude each other.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            var options = defaults with
            {
                Quick = !parsed.GetValue(full),
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
                Only = Numbers(parsed.GetValue(only)),
                ModelPath = parsed.GetValue(model),
                DataPath = parsed.GetValue(data),
            };
            options.Validate();
            var results = Run(host, options);
            targets.Write(host, parsed, () => ClaimsReport.Of(results, options), stream => ClaimsJson.Write(results, options, stream, parsed.GetValue(timings)), () => ClaimsTable.Write(host, results, options));
            return results.Any(r => r.Failure is not null) ? ExitCode.Failed : ExitCode.Done;
        });
        return command;
    }

    private static List<ClaimResult> Run(CliHost host, ClaimsOptions options)
    {
        using var context = new ClaimContext(options);
        var results = new List<ClaimResult>();
        foreach (var claim in ClaimsLedger.Selected(options))
        {
            var result = ProgressDisplay.Run(host, Invariant($"Claim {claim.Number}"), progress => ClaimsLedger.Run(claim, context, progress, host.Cancellation));
            host.Error.WriteLine(Invariant($"Claim {claim.Number}: {ClaimWords.Verdict(result)} after {result.Elapsed.TotalSeconds:0} s."));
            if (host.Debug && result.Failure is { } failure) host.Error.WriteLine(failure);
            results.Add(result);
        }
        return results;
    }

    private static int[] Numbers(string? list) => list is null ? [] : [.. list.Split(',').Select(part =>
        int.TryParse(part.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
            : throw new InputException($"--only takes numbers of claims, as 1,3, got '{list}'."))];
}
