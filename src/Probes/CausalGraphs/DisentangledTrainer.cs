using System.Globalization;
using System.Runtime.InteropServices;
using MlNetIcl.Models;
using MlNetIcl.Models.Native;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Trains a two-layer disentangled transformer (Nichani, Damian &amp; Lee 2024, section 6): with one head from zero by gradient descent, with several
/// from small random weights, without which all heads would stay the same, by AdamW; the rate falls to 0 by a half cosine. Deterministic, and resumes
/// bit for bit, on one machine. Owns its weights; not thread-safe.
/// </summary>
internal sealed class DisentangledTrainer : IDisposable
{
    private const double InitialStd = 1e-4; // of several heads

    private readonly DisentangledPass _pass;
    private readonly NamedParameter[] _parameters;
    private readonly Tensor[] _gradients;
    private readonly TrainingRun _run;

    /// <param name="shape">Sizes.</param>
    /// <param name="settings">How it is trained.</param>
    /// <param name="seed">Seed of first weights.</param>
    /// <param name="data">What the rows depend on, for checkpoints.</param>
    public DisentangledTrainer(DisentangledShape shape, DisentangledTraining settings, int seed, string data)
    {
        NativeTorch.EnsureLoaded();
        Shape = shape;
        _pass = new DisentangledPass(shape);
        var randomNumbers = new SeededRandom(seed, RandomStream.CausalWeights);
        bool byAdam = shape.Heads > 1;
        _parameters =
        [
            new("A1", Parameter(shape.FirstCount, byAdam)),
            new("A2", Parameter(shape.SecondCount, byAdam)),
            new("W", Parameter(shape.OutputCount, random: false)),
        ];
        _gradients = [.. _parameters.Select(p => zeros_like(p.Value).DetachFromDisposeScope())];
        double RateAt(int step) => settings.LearningRate * (1 + Math.Cos(Math.PI * Math.Min(1, (double)step / settings.Steps))) / 2;
        Optimizer optimizer = byAdam
            ? new AdamW(_parameters, new AdamWSettings(RateAt, WeightDecay: settings.WeightDecay))
            : new GradientDescent(_parameters, RateAt);
        _run = new TrainingRun(_parameters, optimizer,
            [("shape", SettingsJson.Write(shape)), ("training", SettingsJson.Write(settings)), ("seed", seed.ToString(CultureInfo.InvariantCulture)), ("data", data)]);
        foreach (var (parameter, gradient) in _parameters.Zip(_gradients)) parameter.Value.grad = gradient;

        Tensor Parameter(int count, bool random)
        {
            float[] values = new float[count];
            if (random)
                for (int i = 0; i < count; i++) values[i] = (float)(InitialStd * randomNumbers.NextNormal());
            return tensor(values).DetachFromDisposeScope();
        }
    }

    public DisentangledShape Shape { get; }

    public int StepsDone => _run.StepsDone;

    /// <summary>Goes on until so many steps are done in all.</summary>
    /// <param name="steps">Steps from the beginning of the run.</param>
    /// <param name="rowsAt">The rows of a step, counted from 0.</param>
    /// <param name="observe">Told of every step: how many are done, and the loss before its update.</param>
    /// <param name="cancellation">Checked before every step.</param>
    public void Train(int steps, Func<int, CausalRows> rowsAt, Action<int, double>? observe = null, CancellationToken cancellation = default) =>
        _run.TrainBy(steps, step => _pass.Backward(Spans(i => _parameters[i].Value), rowsAt(step), Spans(i => _gradients[i])), observe, cancellation);

    /// <summary>The model as it is now.</summary>
    public DisentangledTransformer ToModel()
    {
        var weights = Spans(i => _parameters[i].Value);
        return new(Shape, weights.First.ToArray(), weights.Second.ToArray(), weights.Output.ToArray());
    }

    public void Save(string path) => _run.Save(path);

    public void Resume(string path) => _run.Resume(path);

    public void Dispose()
    {
        _run.Dispose();
        foreach (var gradient in _gradients) gradient.Dispose();
        foreach (var parameter in _parameters) parameter.Value.Dispose();
    }

    private static DisentangledWeights<float> Spans(Func<int, Tensor> of) => new(Floats(of(0)), Floats(of(1)), Floats(of(2)));

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}

/// <summary>How a disentangled transformer is trained.</summary>
/// <param name="Steps">Steps over which the rate falls to 0.</param>
/// <param name="LearningRate">The first rate.</param>
/// <param name="WeightDecay">Decay of weights, with several heads.</param>
internal sealed record DisentangledTraining(int Steps, double LearningRate, double WeightDecay = 1e-4);
