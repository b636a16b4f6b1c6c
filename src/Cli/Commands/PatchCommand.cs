using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Interventions;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl patch</c>: writes one run's activations into another and reads what that does to a logit difference.</summary>
internal static class PatchCommand
{
    private const string Restore = "clean-into-corrupted", Break = "corrupted-into-clean";

    public static Command Create(CliHost host)
    {
        var model = new ModelSource();
        var prompts = new PairOptions();
        var site = new Option<string>("--site") { HelpName = "SITE", Required = true, Description = "What is patched." };
        site.AcceptOnlyFromAmong([.. SiteWords.Names]);
        var perPosition = new Option<bool>("--per-position") { Description = "Patch each position alone (at the pattern: each query), not all at once." };
        var direction = new Option<string>("--direction") { HelpName = "DIRECTION", DefaultValueFactory = _ => Restore, Description = "Which run's values go into which: what restores the behaviour, or what breaks it." };
        direction.AcceptOnlyFromAmong(Restore, Break);
        var attribution = new Option<bool>("--attribution") { Description = "Estimate all effects from gradients instead, and patch a sample of them to check." };
        var steps = WholeNumber.Option("--steps", "N", 1, 1, "Gradients that --attribution averages on the way from one prompt to the other (integrated gradients).");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, 0, "Chooses the sample that checks --attribution, and the resamples of intervals.");
        var all = new Option<bool>("--all") { Description = "Show all effects in the table, not the strongest alone." };
        var resume = ResumeOption.Create();
        var targets = new ReportTargets();

        var command = new ExplainedCommand("patch",
            "Activation patching: which activations carry what differs between two prompts.",
            "The model runs on one prompt with a single activation taken from its run on the other. The metric is logit(answer) - logit(foil) at the last position; share is "
                + "(patched - base) / (source - base), 0 where a patch does nothing and 1 where it does all. Prompts get the special tokens that the tokenizer adds by itself, and must have equally many tokens. "
                + "In JSON, head is null where the site has none (k and v: key heads) and position is null without --per-position.",
            ("icl patch --model models/gpt2 --clean \"When Mary and John went out, John spoke to\" --corrupt \"When Mary and John went out, Mary spoke to\" --answer \" Mary\" --foil \" John\" --site z", "The effect of every head."),
            ("icl patch --model models/gpt2 --pair pair.json --site resid_pre --per-position --html patch.html", "Layers by positions, as a report."),
            ("icl patch --pair pairs.json --site z", "Mean effects with 95 % intervals, where the file is an array of pairs."),
            ("icl patch --pair pair.json --site z --attribution --steps 8 --json -", "Estimates for every head, with a check of them."))
        { site, perPosition, direction, attribution, steps, seed, resume, all };
        foreach (var option in prompts.Options.Concat(targets.Options).Concat(model.Options)) command.Add(option);
        command.Validators.Add(prompts.Validate);
        command.Validators.Add(result =>
        {
            if (result.GetResult(steps) is { Implicit: false } && !result.GetValue(attribution)) result.AddError("--steps belongs to --attribution.");
            if (result.GetValue(resume) is not null && result.GetValue(attribution)) result.AddError("--attribution takes two runs and has nothing to resume; leave --resume out.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            OutputFile.CheckFile(parsed, resume);
            var request = new PatchRequest
            {
                Site = SiteWords.Kind(parsed.GetRequiredValue(site)),
                PerPosition = parsed.GetValue(perPosition),
                Direction = parsed.GetValue(direction) == Break ? PatchDirection.CorruptedIntoClean : PatchDirection.CleanIntoCorrupted,
                AttributionSteps = parsed.GetValue(attribution) ? parsed.GetValue(steps) ?? 1 : null,
                Seed = parsed.GetValue(seed) ?? 0,
                Sweep = new SweepOptions { ResultsFile = parsed.GetValue(resume) },
            };
            using var loaded = model.Load(parsed);
            var reader = new PromptReader(loaded);
            var pairs = prompts.ReadAll(parsed, reader);
            var study = ProgressDisplay.Run(host, "Patching", progress => request.Run(loaded, reader, pairs, progress, host.Cancellation));
            targets.Write(host, parsed, () => PatchReport.Of(study), stream => PatchJson.Write(study, stream), () => PatchTable.Write(host, study, parsed.GetValue(all)));
            return ExitCode.Done;
        });
        return command;
    }
}

/// <summary>What to patch, and how.</summary>
internal sealed record PatchRequest
{
    public required SiteKind Site { get; init; }

    public bool PerPosition { get; init; }

    public PatchDirection Direction { get; init; }

    public int? AttributionSteps { get; init; }

    public int Seed { get; init; }

    public SweepOptions Sweep { get; init; } = new();

    public PatchStudy Run(LanguageModel model, PromptReader reader, IReadOnlyList<TokenPair> pairs, IProgress<double> progress, CancellationToken cancellation)
    {
        TokenBatch clean = new([.. pairs.Select(p => p.Clean)]), corrupted = new([.. pairs.Select(p => p.Corrupted)]);
        if (PerPosition && pairs.FirstOrDefault(p => p.Clean.Length != pairs[0].Clean.Length) is { } other)
            throw new InputException($"--per-position needs pairs of one length, but the first has {pairs[0].Clean.Length} tokens and another {other.Clean.Length}. Leave --per-position out, or reword them.");
        var metric = PatchMetric.LogitDifference([.. pairs.Select(p => p.Answer)], [.. pairs.Select(p => p.Foil)]);
        AttributionCheck? check = null;
        ActivationPatchingResult result;
        if (AttributionSteps is { } steps)
            (result, check) = Estimate(model, clean, corrupted, metric, steps, progress, cancellation);
        else
            result = ActivationPatching.Run(model, clean, corrupted, Site, metric, PerPosition, Direction, Sweep, progress, cancellation);
        return new PatchStudy
        {
            Model = model.Name,
            Site = Site,
            Direction = Direction,
            Pairs = reader.Tokens(pairs),
            Result = result,
            Intervals = PatchStudy.IntervalsOf(result, Direction, Seed),
            AttributionSteps = AttributionSteps,
            Check = check,
        };
    }

    /// <summary>Estimates of the patched metric. Attribution always writes into its second prompt, so breaking exchanges the two.</summary>
    private (ActivationPatchingResult, AttributionCheck) Estimate(
        LanguageModel model, TokenBatch clean, TokenBatch corrupted, PatchMetric metric, int steps, IProgress<double> progress, CancellationToken cancellation)
    {
        bool restores = Direction == PatchDirection.CleanIntoCorrupted;
        var (from, to) = restores ? (clean, corrupted) : (corrupted, clean);
        var estimates = AttributionPatching.Run(model, from, to, PatchSlot.All(model.Config, Site, PerPosition ? to.MaxLength : null), metric, steps, cancellation);
        var check = AttributionCheck.Run(model, from, to, metric, estimates, seed: Seed, progress: progress, cancellationToken: cancellation);
        PatchEffect[] effects = [.. estimates.Effects.Select(e => new PatchEffect(e.Slot, estimates.Corrupted + e.Value, e.Normalised) { Values = [.. e.Values.Zip(estimates.CorruptedValues, (change, before) => before + change)] })];
        var result = restores
            ? new ActivationPatchingResult(estimates.Metric, estimates.Clean, estimates.Corrupted, effects) { CleanValues = estimates.CleanValues, CorruptedValues = estimates.CorruptedValues }
            : new(estimates.Metric, estimates.Corrupted, estimates.Clean, effects) { CleanValues = estimates.CorruptedValues, CorruptedValues = estimates.CleanValues };
        return (result, check);
    }
}
