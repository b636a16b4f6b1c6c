using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports.InContextRegression;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl regression</c>: in-context regression against real baselines.</summary>
internal static class RegressionCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new RegressionStudyOptions();
        var usual = defaults.Regressor;
        var baselinesOnly = new Option<bool>("--baselines-only") { Description = "The table of baselines alone, without a model: seconds." };
        var baselineDimension = WholeNumber.Option("--baseline-dimension", "D", 1, defaults.BaselineDimension, "Dimensions of the table of baselines.");
        var shots = new Option<int[]>("--shots") { HelpName = "K", AllowMultipleArgumentsPerToken = true, Description = "Numbers of demonstrations in that table, ascending. Default: 5 10 20 40." };
        var baselineTasks = WholeNumber.Option("--baseline-tasks", "N", 100, defaults.BaselineTasks, "Tasks of that table.");
        var baselineNoise = DecimalNumber.Option("--baseline-noise", "SIGMA", 0, double.MaxValue, defaults.BaselineNoise, "Noise of its second half.");
        var lambda = DecimalNumber.Option("--lambda", "L", 0, double.MaxValue, defaults.Lambda, "lambda of ridge.");
        var dimension = WholeNumber.Option("--dimension", "D", 1, usual.Dimension, "Dimensions of the model's tasks.");
        var demonstrations = WholeNumber.Option("--demonstrations", "N", 1, usual.Demonstrations, "The most demonstrations before a query.");
        var noise = DecimalNumber.Option("--noise", "SIGMA", 0, double.MaxValue, usual.Noise, "Noise on the outputs of the model's demonstrations.");
        var layers = WholeNumber.Option("--layers", "N", 1, usual.Layers, "Layers of the model.");
        var width = WholeNumber.Option("--width", "N", 1, usual.DModel, "Width of the model, a multiple of its 4 heads.");
        var steps = WholeNumber.Option("--steps", "N", 1, usual.Steps, "Training steps of 64 fresh tasks.");
        var tasks = WholeNumber.Option("--tasks", "N", 16, defaults.TestTasks, "Fresh tasks that learners are compared on.");
        var trainerTasks = WholeNumber.Option("--trainer-tasks", "N", 0, defaults.LearnerTasks, "How many of them ML.NET's own trainers are fitted on, one by one; 0 for none.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of weights and tasks.");
        var model = new Option<string?>("--regressor") { HelpName = "FILE", Description = "Compare this trained regressor instead of training one." };
        var save = new Option<string?>("--save") { HelpName = "FILE", Description = "Keep the trained regressor, for --regressor and for ML.NET's RegressorPath." };
        var checkpoint = new Option<string?>("--checkpoint") { HelpName = "FILE", Description = "Keep the training's state here every 100 steps; an interrupted run goes on from it to the same weights." };
        var targets = new ReportTargets();

        var command = new ExplainedCommand("regression",
            "In-context regression by a small decoder, against least squares, ridge and others.",
            "Trains a decoder on linear tasks, to answer a query from labelled examples without any change of its weights, and compares it by number of examples with least squares, ridge, averaging, nearest neighbours and "
                + "ML.NET's own trainers on the same tasks, then on tasks out of distribution. Beside it a table of the baselines with their closed forms.",
            ("icl regression --html regression.html", "Two minutes of one core; a report."),
            ("icl regression --baselines-only --baseline-dimension 10 --shots 5 10 20", "The baselines' table for ten dimensions."))
        { baselinesOnly, baselineDimension, shots, baselineTasks, baselineNoise, lambda, dimension, demonstrations, noise, layers, width, steps, tasks, trainerTasks, seed, model, save, checkpoint };
        foreach (var option in targets.Options) command.Add(option);
        command.Validators.Add(parsed =>
        {
            Option[] training = [dimension, demonstrations, noise, layers, width, steps, save, checkpoint];
            Option? Given(IEnumerable<Option> options) => options.FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false });
            if (parsed.GetValue(baselinesOnly) && Given([.. training, model, tasks, trainerTasks]) is { } unused) parsed.AddError($"--baselines-only trains no model, so that {unused.Name} has no meaning with it.");
            else if (parsed.GetValue(model) is not null && Given(training) is { } fixedThen) parsed.AddError($"--regressor is trained already, so that {fixedThen.Name} has no meaning with it.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            foreach (var file in new[] { save, checkpoint }) OutputFile.CheckFile(parsed, file);
            var options = defaults with
            {
                BaselineDimension = parsed.GetValue(baselineDimension) ?? defaults.BaselineDimension,
                BaselineShots = parsed.GetValue(shots) is { Length: > 0 } chosen ? chosen : defaults.BaselineShots,
                BaselineTasks = parsed.GetValue(baselineTasks) ?? defaults.BaselineTasks,
                BaselineNoise = parsed.GetValue(baselineNoise) ?? defaults.BaselineNoise,
                Lambda = parsed.GetValue(lambda) ?? defaults.Lambda,
                TestTasks = parsed.GetValue(tasks) ?? defaults.TestTasks,
                LearnerTasks = parsed.GetValue(trainerTasks) is { } few and > 0 ? few : defaults.LearnerTasks,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
                Regressor = usual with
                {
                    Dimension = parsed.GetValue(dimension) ?? usual.Dimension,
                    Demonstrations = parsed.GetValue(demonstrations) ?? usual.Demonstrations,
                    Noise = parsed.GetValue(noise) ?? usual.Noise,
                    Layers = parsed.GetValue(layers) ?? usual.Layers,
                    DModel = parsed.GetValue(width) ?? usual.DModel,
                    Steps = parsed.GetValue(steps) ?? usual.Steps,
                    Seed = parsed.GetValue(seed) ?? usual.Seed,
                },
            };
            var run = new RegressionRun(host, options)
            {
                RegressorPath = parsed.GetValue(model),
                SavePath = parsed.GetValue(save),
                CheckpointPath = parsed.GetValue(checkpoint),
                WithTrainers = parsed.GetValue(trainerTasks) != 0,
            };
            var result = parsed.GetValue(baselinesOnly) ? run.Baselines() : run.All();
            targets.Write(host, parsed, () => RegressionReport.Of(result), stream => RegressionJson.Write(result, stream), () => RegressionTable.Write(host, result));
            return ExitCode.Done;
        });
        return command;
    }
}
