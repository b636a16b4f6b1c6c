using MlNetIcl.Models;
using MlNetIcl.Models.Safetensors;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>A model in training whose state can be saved.</summary>
internal interface IResumableModel : IDisposable
{
    int StepsDone { get; }

    void Train(int steps, Action<int, double>? observe = null, CancellationToken cancellation = default);

    void Save(string path);

    void Resume(string path);
}

/// <summary>Trains a model to its last step, from its checkpoint where there is one.</summary>
internal static class ResumableTraining
{
    private const int SaveEvery = 500;

    /// <summary>The loss of every step, those before the checkpoint included.</summary>
    /// <param name="model">The model, at its first step.</param>
    /// <param name="steps">Steps from the beginning.</param>
    /// <param name="path">The checkpoint; null for none.</param>
    /// <param name="progress">Told the share done.</param>
    /// <param name="cancellation">Checked before every step.</param>
    public static IReadOnlyList<double> Train(IResumableModel model, int steps, string? path, IProgress<double>? progress, CancellationToken cancellation)
    {
        var losses = new List<float>(steps);
        if (path is not null) Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        if (File.Exists(path))
        {
            model.Resume(path);
            if (model.StepsDone > steps) throw new ModelFormatException($"'{path}' is of step {model.StepsDone}, beyond the last step, {steps}. Ask for more steps, or use another folder.");
            losses.AddRange(Losses(path, model.StepsDone));
        }
        while (model.StepsDone < steps)
        {
            model.Train(Math.Min(steps, ((model.StepsDone / SaveEvery) + 1) * SaveEvery), (step, loss) =>
            {
                losses.Add((float)loss);
                progress?.Report((double)step / steps);
            }, cancellation);
            if (path is null) continue;
            // The losses first: whatever is interrupted, no state is without its past.
            using var scope = NewDisposeScope();
            SafetensorsFile.Write(LossFile(path), [("losses", tensor(losses.ToArray()))], new Dictionary<string, string>());
            model.Save(path);
        }
        return [.. losses.Select(loss => (double)loss)];
    }

    private static string LossFile(string path) => Path.ChangeExtension(path, ".losses.safetensors");

    private static IEnumerable<float> Losses(string path, int steps)
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(LossFile(path));
        if (!file.Tensors.TryGetValue("losses", out var entry) || entry.Shape.Count != 1 || entry.Shape[0] < steps)
            throw new ModelFormatException($"'{LossFile(path)}' does not hold the losses of {steps} steps. Delete the run's files to start it anew.");
        return file.Read("losses", ScalarType.Float32).data<float>().Take(steps).ToArray();
    }
}
