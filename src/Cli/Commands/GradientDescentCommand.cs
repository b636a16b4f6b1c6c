using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports.GradientDescent;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl gd</c>: whether in-context learning is gradient descent.</summary>
internal static class GradientDescentCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new GradientDescentOptions();
        var dimension = WholeNumber.Option("--dimension", "d", 1, defaults.Dimension, "Inputs of a task, to 64.");
        var examples = WholeNumber.Option("--examples", "N", 1, defaults.Examples, "Examples of a task, to 256.");
        var range = DecimalNumber.Option("--range", "A", 0.05, 20, defaults.Range, "Inputs are uniform from -A to A.");
        var layers = WholeNumber.Option("--layers", "L", 1, defaults.Layers, "Layers of linear attention, and steps of gradient descent that they are held against, to 8.");
        var separate = new Option<bool>("--separate") { Description = "Give each layer weights of its own. Default: all share one set, as steps of gradient descent do." };
        var steps = WholeNumber.Option("--steps", "N", 1, defaults.Steps, "Training steps of each model.");
        var batch = WholeNumber.Option("--batch", "N", 1, defaults.BatchTasks, "Fresh tasks of a step.");
        var rate = DecimalNumber.Option("--learning-rate", "R", 1e-6, 1, defaults.LearningRate, "Learning rate of Adam.");
        var seeds = WholeNumber.Option("--seeds", "N", 1, defaults.Seeds, "Models trained, to 100.");
        var softmax = WholeNumber.Option("--softmax-steps", "N", 0, null, "Train softmax transformers on the same tasks, too, for so many steps. Default: none.");
        var softmaxLayers = WholeNumber.Option("--softmax-layers", "L", 1, new SoftmaxOptions().Layers, "Their layers, to 12.");
        var attentionOnly = new Option<bool>("--attention-only") { Description = "Leave out their MLPs." };
        var tasks = WholeNumber.Option("--tasks", "N", 100, defaults.TestTasks, "Fresh tasks that everything is measured on, to 100,000.");
        var checkpoints = new Option<string?>("--checkpoints") { HelpName = "FOLDER", Description = "Keep each run's state here; an interrupted run, or one of fewer steps, goes on from it." };
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of weights and tasks.");
        var targets = new ReportTargets();

        var command = new ExplainedCommand("gd",
            "Whether in-context learning is gradient descent.",
            "Checks that layers of linear self-attention are steps of gradient descent by construction, trains such layers on linear regression tasks, and holds their answers against gradient descent, GD++ and least squares: "
                + "predictions, gradients by the query, losses beside their closed forms, weights interpolated with the construction, and tasks whose weights, queries or inputs are unlike those of training.",
            ("icl gd --html gd.html", "One layer, three models, the protocol of von Oswald et al. 2023; a minute. And a report."),
            ("icl gd --range 1 --dimension 5 --examples 20 --seeds 1", "Other tasks."),
            ("icl gd --layers 2 --learning-rate 0.003 --softmax-steps 1000", "Two layers against two steps, and a softmax transformer."))
        { dimension, examples, range, layers, separate, steps, batch, rate, seeds, softmax, softmaxLayers, attentionOnly, tasks, checkpoints, seed };
        foreach (var option in targets.Options) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(softmax) is null or 0 && new Option[] { softmaxLayers, attentionOnly }.FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } alone)
                result.AddError($"{alone.Name} needs --softmax-steps: without it no softmax transformer is trained.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            OutputFile.CheckFolder(parsed, checkpoints);
            var options = defaults with
            {
                Dimension = parsed.GetValue(dimension) ?? defaults.Dimension,
                Examples = parsed.GetValue(examples) ?? defaults.Examples,
                Range = parsed.GetValue(range) ?? defaults.Range,
                Layers = parsed.GetValue(layers) ?? defaults.Layers,
                SharedLayers = !parsed.GetValue(separate),
                Steps = parsed.GetValue(steps) ?? defaults.Steps,
                BatchTasks = parsed.GetValue(batch) ?? defaults.BatchTasks,
                LearningRate = parsed.GetValue(rate) ?? defaults.LearningRate,
                Seeds = parsed.GetValue(seeds) ?? defaults.Seeds,
                TestTasks = parsed.GetValue(tasks) ?? defaults.TestTasks,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
                CheckpointFolder = parsed.GetValue(checkpoints),
                Softmax = parsed.GetValue(softmax) is not (> 0 and { } count) ? null
                    : new SoftmaxOptions { Steps = count, Layers = parsed.GetValue(softmaxLayers) ?? new SoftmaxOptions().Layers, Mlp = !parsed.GetValue(attentionOnly) },
            };
            var result = ProgressDisplay.Run(host, "Training", progress => GradientDescentProbe.Run(options, progress, host.Cancellation));
            targets.Write(host, parsed, () => GradientDescentReport.Of(result), stream => GradientDescentJson.Write(result, stream), () => GradientDescentTable.Write(host, result));
            return ExitCode.Done;
        });
        return command;
    }
}
