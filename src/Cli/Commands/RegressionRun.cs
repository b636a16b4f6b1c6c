using Microsoft.ML;
using Microsoft.ML.Trainers.FastTree;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Estimators;
using MlNetIcl.Probes;

namespace MlNetIcl.Cli.Commands;

/// <summary>
/// A run of <c>icl regression</c>: gets a regressor, keeps it where that is asked for, compares.
/// </summary>
internal sealed class RegressionRun(CliHost host, RegressionStudyOptions options)
{
    private const int CheckpointEvery = 100;

    public string? RegressorPath { get; init; }

    public string? SavePath { get; init; }

    public string? CheckpointPath { get; init; }

    public bool WithTrainers { get; init; }

    public RegressionStudyResult Baselines() => new()
    {
        Options = options,
        Baselines = ProgressDisplay.Run(host, "Baselines", progress => RegressionStudy.Baselines(options, progress, host.Cancellation)),
    };

    public RegressionStudyResult All()
    {
        options.Validate();
        (double, double)? error = null;
        using var regressor = RegressorPath is { } path ? InContextRegressor.Load(path) : ProgressDisplay.Run(host, "Training", progress => Train(progress, out error));
        if (SavePath is { } target)
        {
            regressor.Save(target);
            host.Error.WriteLine($"Wrote {target}.");
        }
        IReadOnlyList<IRegressionLearner> learners = WithTrainers && new MLContext(seed: options.Seed) is { } context ? [.. TrainerLearner.OfMlNet(context), FastTree(context)] : [];
        var comparison = ProgressDisplay.Run(host, "Comparing", progress => RegressionStudy.Compare(regressor, options, learners, progress, host.Cancellation));
        return Baselines() with { Comparison = comparison with { TrainingError = error } };
    }

    // A leaf of its own for each demonstration: its default of ten would not split so few rows.
    private static TrainerLearner FastTree(MLContext context) =>
        new("ML.NET FastTree", context, context.Regression.Trainers.FastTree(new FastTreeRegressionTrainer.Options { NumberOfThreads = 1, MinimumExampleCountPerLeaf = 1 }));

    private InContextRegressor Train(IProgress<double> progress, out (double, double)? error)
    {
        using var trainer = new InContextRegressorTrainer(options.Regressor);
        if (CheckpointPath is { } path && File.Exists(path))
        {
            trainer.Resume(path);
            host.Error.WriteLine($"Going on from {path}, step {trainer.StepsDone}.");
        }
        int resumed = trainer.StepsDone;
        var errors = new List<double>();
        trainer.Train(observe: (step, loss) =>
        {
            errors.Add(loss);
            progress.Report((double)step / options.Regressor.Steps);
            if (CheckpointPath is { } file && step % CheckpointEvery == 0) trainer.Save(file);
        }, cancellationToken: host.Cancellation);
        // Of a resumed run the beginning is not known any more.
        error = resumed > 0 ? null : RegressionStudy.Ends(errors);
        return trainer.ToRegressor();
    }
}
