using MlNetIcl.Models;
using MlNetIcl.Models.Native;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Trains a decoder to regress in context, on fresh tasks in every step, behind 0, 1, …, n demonstrations alike. Deterministic, and resumes bit for
/// bit, on one machine; while it trains torch uses one thread in the whole process, so that the number of cores does not matter. Owns its weights; not thread-safe.
/// </summary>
public sealed class InContextRegressorTrainer : IDisposable
{
    private const int Warmup = 100;

    private readonly RegressionTaskSource _source;
    private readonly RegressionDecoder _decoder;
    private readonly TrainingRun _run;

    /// <summary>Starts a run from random weights.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public InContextRegressorTrainer(InContextRegressorOptions? options = null)
    {
        Options = options ?? new();
        Options.Validate();
        NativeTorch.EnsureLoaded();
        _source = new(Options.Family, Options.Dimension, Options.Demonstrations, Options.Noise) { NoiseVaries = Options.NoiseVaries, PaddedShare = Options.PaddedShare };
        _decoder = new(Options);
        NamedParameter[] parameters = [.. _decoder.Weights.Named().Select(w => new NamedParameter(w.Name, w.Value))];
        var settings = new TrainingOptions { LearningRate = Options.LearningRate, WarmupSteps = Warmup, DecaySteps = Math.Max(Warmup + 1, Options.Steps), WeightDecay = 0 };
        _run = new(parameters, new AdamW(parameters, settings.ToAdamW()), [("regressor", SettingsJson.Write(Options))]);
    }

    /// <summary>The settings.</summary>
    public InContextRegressorOptions Options { get; }

    /// <summary>Steps done.</summary>
    public int StepsDone => _run.StepsDone;

    /// <summary>Goes on until <paramref name="steps"/> steps are done in all.</summary>
    /// <param name="steps">Steps from the beginning of the run. Null: <see cref="InContextRegressorOptions.Steps"/>, where the learning rate reaches 0.</param>
    /// <param name="observe">Told of every step: how many are done, and the mean error of the step's tasks before its update, in the family's unit. Null: nobody.</param>
    /// <param name="cancellationToken">Checked before every block of every step; what was done before stays done.</param>
    public void Train(int? steps = null, Action<int, double>? observe = null, CancellationToken cancellationToken = default)
    {
        double unit = Options.Family.Error(Options.Dimension);
        TorchThreads.One(() => _run.Train(steps ?? Options.Steps, step =>
        {
            var tasks = _source.Draw(Options.BatchTasks, Options.Seed, RandomStream.RegressionTraining, step, type: ScalarType.Float32);
            return (_decoder.ByShots(tasks, cancellationToken) - tasks.Targets).pow(Kept.Scalar(2)).mean() / Kept.Scalar(unit);
        }, observe, cancellationToken));
    }

    /// <summary>The regressor as it is now, which the caller owns.</summary>
    public InContextRegressor ToRegressor() => InContextRegressor.CopyOf(Options, _decoder);

    /// <summary>Saves weights, the optimizer's state and the step as safetensors; the file appears when it is complete.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path) => _run.Save(path);

    /// <summary>Goes back to where <see cref="Save"/> was called. What follows equals what an uninterrupted run does, bit for bit.</summary>
    /// <param name="path">A file that a trainer of the same options has saved.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is malformed, or was saved by a trainer of other options. The trainer is unchanged then.</exception>
    public void Resume(string path) => _run.Resume(path);

    /// <inheritdoc/>
    public void Dispose()
    {
        _run.Dispose();
        _decoder.Dispose();
    }
}
