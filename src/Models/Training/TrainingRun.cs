using System.Globalization;
using MlNetIcl.Models.Safetensors;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Training;

/// <summary>
/// A loss, its parameters and an optimizer, step after step, with checkpoints: what every trainer is made of. What a step does must depend on
/// its number, the parameters and the settings alone; then a resumed run equals an uninterrupted one bit for bit, on one machine with one
/// number of torch threads. Owns the optimizer, not the parameters; not thread-safe.
/// </summary>
/// <param name="parameters">What is learned; each requires a gradient from now on.</param>
/// <param name="optimizer">How.</param>
/// <param name="settings">Everything that the run depends on, by name: a checkpoint of other settings is refused.</param>
internal sealed class TrainingRun(IReadOnlyList<NamedParameter> parameters, Optimizer optimizer, IReadOnlyList<(string Name, string Value)> settings) : IDisposable
{
    private const string StepKey = "step";

    private readonly NamedParameter[] _parameters = [.. parameters.Select(p => p with { Value = p.Value.requires_grad_() })];

    /// <summary>Steps done.</summary>
    public int StepsDone { get; private set; }

    /// <summary>Goes on until <paramref name="steps"/> steps are done in all.</summary>
    /// <param name="steps">Steps from the beginning of the run.</param>
    /// <param name="lossAt">The loss of a step, counted from 0, as one number with a gradient; what it makes is disposed of after the step.</param>
    /// <param name="observe">Told of every step: how many are done, and the loss before its update. Default: nobody.</param>
    /// <param name="cancellationToken">Checked before every step; what was done before stays done.</param>
    public void Train(int steps, Func<int, Tensor> lossAt, Action<int, double>? observe = null, CancellationToken cancellationToken = default) =>
        TrainBy(steps, _ => Backward(lossAt), observe, cancellationToken);

    /// <summary>The same with gradients that are computed by hand.</summary>
    /// <param name="steps">Steps from the beginning of the run.</param>
    /// <param name="backwardAt">Adds the gradients of a step, counted from 0, to those of the parameters, and gives the loss.</param>
    /// <param name="observe">Told of every step: how many are done, and the loss before its update. Default: nobody.</param>
    /// <param name="cancellationToken">Checked before every step; what was done before stays done.</param>
    public void TrainBy(int steps, Func<int, double> backwardAt, Action<int, double>? observe = null, CancellationToken cancellationToken = default)
    {
        while (StepsDone < steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double loss = backwardAt(StepsDone);
            optimizer.Step(StepsDone);
            StepsDone++;
            observe?.Invoke(StepsDone, loss);
        }
    }

    /// <summary>Saves parameters, the optimizer's state and the step as safetensors; the file appears when it is complete.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path) =>
        SafetensorsFile.Write(path, State().Select(s => (s.Name, s.Value)), settings.Append((StepKey, StepsDone.ToString(CultureInfo.InvariantCulture))).ToDictionary());

    /// <summary>Goes back to where <see cref="Save"/> was called.</summary>
    /// <param name="path">A file that a run of the same settings has saved.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is malformed, or was saved by a run of other settings. The run is unchanged then.</exception>
    public void Resume(string path)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var (key, expected) in settings)
            if (file.Metadata.GetValueOrDefault(key) is var found && found != expected)
                throw new ModelFormatException($"'{path}' was not saved by a trainer of these settings: expected {key} {expected}, got {found ?? "none"}. Resume with the settings of the run.");
        if (!int.TryParse(file.Metadata.GetValueOrDefault(StepKey), NumberStyles.None, CultureInfo.InvariantCulture, out int step))
            throw new ModelFormatException($"'{path}' has no '{StepKey}', or one that is no whole number from 0.");

        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        NamedParameter[] state = [.. State()];
        foreach (var (name, value) in state)
            if (!file.Tensors.TryGetValue(name, out var entry) || !entry.Shape.SequenceEqual(value.shape))
                throw new ModelFormatException($"'{path}': expected tensor '{name}' of shape {Shapes.Show(value.shape)}, got {(entry is null ? "none" : Shapes.Show([.. entry.Shape]))}.");
        Tensor[] saved = [.. state.Select(s => file.Read(s.Name, ScalarType.Float32))];
        foreach (var (to, from) in state.Zip(saved)) to.Value.copy_(from);
        StepsDone = step;
    }

    public void Dispose() => optimizer.Dispose();

    private IEnumerable<NamedParameter> State() => _parameters.Concat(optimizer.State());

    private double Backward(Func<int, Tensor> lossAt)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        var loss = lossAt(StepsDone);
        loss.backward();
        return loss.item<float>();
    }
}
