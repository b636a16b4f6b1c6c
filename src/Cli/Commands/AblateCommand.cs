using System.CommandLine;
using System.CommandLine.Parsing;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Interventions;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl ablate</c>: replaces the outputs of heads by values that say nothing about the row, and reads what the model loses.</summary>
internal static class AblateCommand
{
    // Resamples of every row's change are drawn for all rows at once.
    private const int MostRows = 10_000;

    private static readonly (string Name, AblationKind Kind)[] Kinds =
        [("zero", AblationKind.Zero), ("mean", AblationKind.Mean), ("mean-per-position", AblationKind.MeanPerPosition), ("resample", AblationKind.Resample)];

    public static Command Create(CliHost host)
    {
        var defaults = new HeadDetectionOptions();
        var model = new ModelSource();
        var rows = new RowOptions("Read the metric on these rows (a JSON array of arrays of ids) and not on generated ones.", defaults.Sequences, "50", defaults.Repeats);
        var metric = new MetricOptions();
        var kind = new Option<string>("--kind") { HelpName = "KIND", DefaultValueFactory = _ => Kinds.Single(k => k.Kind == new AblationOptions().Kind).Name, Description = "What outputs are replaced by." };
        kind.AcceptOnlyFromAmong([.. Kinds.Select(k => k.Name)]);
        var reference = new Option<string?>("--reference") { HelpName = "FILE.json", Description = "Take the replacements from these rows. Default: the rows themselves." };
        var heads = new Option<HeadId[]>("--heads") { HelpName = "L0.H1,…", Description = "Ablate these heads. Default: all.", CustomParser = ParseHeads };
        var together = new Option<bool>("--together") { Description = "Also ablate these heads all together: heads that stand in for each other show no effect alone." };
        var keepPatterns = new Option<bool>("--keep-patterns") { Description = "Keep the attention patterns of all later layers as they are without ablation." };
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, 0, "Seed of sequences, resampled rows and intervals.");
        var resume = ResumeOption.Create();
        var all = new Option<bool>("--all") { Description = "Show all heads in the table, not the strongest alone." };
        var targets = new ReportTargets();

        var command = new ExplainedCommand("ablate",
            "Ablation: what a metric loses without each head.",
            "The output of a head (z) is replaced by zero, by its mean over a reference set, or by its value on another row; the number is the metric afterwards minus before, "
                + "with its 95 % interval over rows. Without --tokens the rows are BOS and random tokens, repeated, as in icl heads. Means and resampled values come from the rows themselves unless --reference gives others.",
            ("icl ablate --model models/gpt2", "What each head adds to copying: the loss of the second repeat without it."),
            ("icl ablate --model models/gpt2 --tokens rows.json --kind zero --metric loss --positions 10-40 --html ablation.html", "Another metric, on your own rows, as a report."),
            ("icl ablate --heads L1.H0,L1.H1,L1.H2,L1.H3 --together", "Heads of the model that comes with the tool, each alone and all together."))
        { kind, heads, together, reference, keepPatterns, seed, resume, all };
        foreach (var option in rows.Options.Concat(metric.Options).Concat(targets.Options).Concat(model.Options)) command.Add(option);
        command.Validators.Add(rows.Validate);
        command.Validators.Add(metric.Validate);
        command.Validators.Add(result =>
        {
            if (result.GetValue(reference) is not null && result.GetValue(kind) == Kinds[0].Name) result.AddError("--kind zero takes nothing from a reference set; leave --reference out.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            OutputFile.CheckFile(parsed, resume);
            var given = rows.File(parsed) is { } file ? TokenFile.Read(file) : null;
            var others = parsed.GetValue(reference) is { } path ? TokenFile.Read(path) : null;
            var options = new AblationOptions
            {
                Kind = Kinds.Single(k => k.Name == parsed.GetValue(kind)).Kind,
                Reference = others,
                KeepPatterns = parsed.GetValue(keepPatterns),
                Seed = parsed.GetValue(seed) ?? 0,
                Sweep = new SweepOptions { ResultsFile = parsed.GetValue(resume) },
            };
            using var loaded = model.Load(parsed);
            var (tokens, protocol) = Rows(loaded, given, rows.Shape(parsed), options.Seed);
            tokens.Validate(loaded.Config);
            CheckReference(others, loaded);
            var reader = new PromptReader(loaded);
            var chosen = metric.Read(parsed, loaded, reader, tokens);
            HeadId[] asked = parsed.GetValue(heads) is { Length: > 0 } named ? [.. named.Distinct()] : [.. HeadId.All(loaded.Config)];
            foreach (var head in asked) head.Require(loaded.Config);
            var study = ProgressDisplay.Run(host, "Ablating", progress =>
                Run(loaded, reader, tokens, protocol, chosen, asked, parsed.GetValue(together), options, progress, host.Cancellation));
            targets.Write(host, parsed, () => AblationReport.Of(study), stream => AblationJson.Write(study, stream), () => AblateTable.Write(host, study, parsed.GetValue(all)));
            return ExitCode.Done;
        });
        return command;
    }

    private static AblationStudy Run(
        LanguageModel model, PromptReader reader, TokenBatch tokens, SequenceProtocol protocol, ChosenMetric metric, HeadId[] heads, bool together, AblationOptions options,
        IProgress<double> progress, CancellationToken cancellation)
    {
        PatchSlot[][] sets = [.. heads.Select(h => (PatchSlot[])[new PatchSlot(SiteKind.Z, h.Layer, h.Head)])];
        if (together) sets = [.. sets, [.. sets.SelectMany(s => s)]];
        var result = Ablation.OfSets(model, tokens, metric.Metric, sets, options, progress, cancellation);
        var effects = HeadEffect.Of(result, options.Seed);
        return new AblationStudy
        {
            Model = model.Name,
            Layers = model.Config.Layers,
            HeadsPerLayer = model.Config.Heads,
            Rows = protocol,
            ReferenceRows = options.Reference?.Count,
            Kind = options.Kind,
            KeepPatterns = options.KeepPatterns,
            Metric = result.Metric,
            Positions = metric.Positions,
            Answer = metric.Tokens is { } t ? reader.Label(t.Answer) : null,
            Foil = metric.Tokens is { } u ? reader.Label(u.Foil) : null,
            Base = result.Base,
            Effects = [.. effects.Take(heads.Length)],
            Together = together ? effects[^1] : null,
        };
    }

    /// <summary>The rows, and what it takes to have them again.</summary>
    private static (TokenBatch Rows, SequenceProtocol Protocol) Rows(LanguageModel model, TokenBatch? given, (int Sequences, int? Period, int Repeats) shape, int seed)
    {
        int count = given?.Count ?? shape.Sequences;
        if (count > MostRows) throw new InputException(Invariant($"Ablation takes at most {MostRows} rows, got {count}."));
        if (given is null)
        {
            var generated = RepeatedSequences.Generate(model, shape.Sequences, shape.Period, shape.Repeats, seed);
            return (generated.Tokens, generated.Protocol);
        }
        var repeating = Periodicity.Infer(given, TokenPool.Of(model).BosTokenId);
        return (given, new SequenceProtocol
        {
            Source = repeating is null ? HeadScoreSource.Text : HeadScoreSource.RepeatedRows,
            Sequences = given.Count,
            Period = repeating?.Period,
            Repeats = repeating?.Repeats,
            Seed = seed,
            BosTokenId = repeating is { Offset: 1 } && given.Rows.All(row => row[0] == given.Rows[0][0]) ? given.Rows[0][0] : null,
            BosSource = repeating is { Offset: 1 } ? "rows" : "none",
        });
    }

    private static void CheckReference(TokenBatch? reference, LanguageModel model)
    {
        try
        {
            reference?.Validate(model.Config);
        }
        catch (InvalidTokensException error)
        {
            throw new InputException($"The reference set cannot be run: {error.Message}", error);
        }
    }

    internal static HeadId[] ParseHeads(ArgumentResult argument)
    {
        string[] names = argument.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (names.Length == 0) argument.AddError("--heads names no head. Expected layers and heads, both from 0, as in L5.H1,L5.H2.");
        var heads = new List<HeadId>();
        foreach (string name in names)
            if (HeadId.TryParse(name, null, out var head)) heads.Add(head);
            else argument.AddError($"--heads: '{name}' names no head. Expected a layer and a head, both from 0, as in L5.H1.");
        return [.. heads];
    }
}
