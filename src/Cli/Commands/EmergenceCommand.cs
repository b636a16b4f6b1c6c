using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Emergence;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl emergence</c>: when induction heads form in training.</summary>
internal static class EmergenceCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new EmergenceOptions();
        var usual = defaults.Sizes[0];
        var from = new Option<string?>("--from") { HelpName = "FOLDER", Description = "Measure the checkpoints in this folder instead of training: subfolders or files of models, with the step in their names." };
        var checkpoints = new Option<string?>("--checkpoints") { HelpName = "FOLDER", Description = "Keep each run's state and checkpoints here; an interrupted run goes on from them." };
        var seeds = WholeNumber.Option("--seeds", "N", 1, defaults.Seeds, "Models trained of each shape.");
        var steps = WholeNumber.Option("--steps", "N", 100, defaults.Steps, "Steps of each training, of 2,048 tokens.");
        var every = WholeNumber.Option("--every", "N", 1, defaults.Every, "Steps between measurements.");
        var layers = WholeNumber.Option("--layers", "N", 1, usual.Layers, "Layers; one layer is trained beside as the control.");
        var width = WholeNumber.Option("--width", "N", 8, usual.Width, "Width of the model.");
        var heads = WholeNumber.Option("--heads", "N", 1, usual.Heads, "Heads in each layer.");
        var grid = new Option<bool>("--grid") { Description = "Train other widths, numbers of heads and layers as well." };
        var sequences = WholeNumber.Option("--sequences", "N", 16, defaults.Sequences, "Held-out sequences that checkpoints are measured on.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of weights, data, sequences and intervals.");
        var targets = new ReportTargets();

        var command = new ExplainedCommand("emergence",
            "When induction heads form in training, with one layer as the control.",
            "Trains small attention-only models on random tokens that repeat and measures, at checkpoints on held-out sequences, the strongest induction and previous-token head, the copying score, "
                + "losses by position, copy accuracy and the in-context-learning score. Gives onset, midpoint and completion (10, 50 and 90 % of the rise of the induction score) with 95 % intervals.",
            ("icl emergence --html emergence.html", "Five seeds of two layers, five of one; a report."),
            ("icl emergence --from checkpoints/ --json emergence.json", "The checkpoints of your own training."))
        { from, checkpoints, seeds, steps, every, layers, width, heads, grid, sequences, seed };
        foreach (var option in targets.Options) command.Add(option);
        command.Validators.Add(result =>
        {
            Option[] training = [checkpoints, seeds, steps, every, layers, width, heads, grid];
            if (result.GetResult(from) is { Implicit: false } && training.FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } other)
                result.AddError($"--from measures a training that is done, so that {other.Name} has no meaning with it.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            OutputFile.CheckFolder(parsed, checkpoints);
            var size = new EmergenceSize(parsed.GetValue(layers) ?? usual.Layers, parsed.GetValue(width) ?? usual.Width, parsed.GetValue(heads) ?? usual.Heads);
            EmergenceSize[] sizes = [size, size with { Layers = 1 }, .. parsed.GetValue(grid) ? EmergenceOptions.Grid : []];
            var options = defaults with
            {
                Sizes = [.. sizes.Distinct()],
                Seeds = parsed.GetValue(seeds) ?? defaults.Seeds,
                Steps = parsed.GetValue(steps) ?? defaults.Steps,
                Every = parsed.GetValue(every) ?? defaults.Every,
                Sequences = parsed.GetValue(sequences) ?? defaults.Sequences,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
                CheckpointFolder = parsed.GetValue(checkpoints),
            };
            var result = parsed.GetValue(from) is { } folder
                ? ProgressDisplay.Run(host, "Measuring", progress => EmergenceProbe.OfCheckpoints(folder, options, progress, host.Cancellation))
                : ProgressDisplay.Run(host, "Training", progress => EmergenceProbe.Train(options, progress, host.Cancellation));
            targets.Write(host, parsed, () => EmergenceReport.Of(result), stream => EmergenceJson.Write(result, stream), () => EmergenceTable.Write(host, result));
            return ExitCode.Done;
        });
        return command;
    }
}
