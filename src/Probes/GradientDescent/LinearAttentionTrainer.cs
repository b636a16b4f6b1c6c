using System.Globalization;
using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Trains layers of linear self-attention on fresh tasks by the protocol of von Oswald et al. 2023: W_K, W_Q, W_V and P apart, normal weights of
/// variance 0.002 / (d + 1), Adam, clipped gradients, half the squared error. Deterministic, and resumes bit for bit, on one machine with one number of
/// torch threads. Owns its weights; not thread-safe.
/// </summary>
internal sealed class LinearAttentionTrainer : IResumableModel
{
    private static readonly string[] Matrices = ["key", "query", "value", "projection"];

    private readonly LinearTaskFamily _family;
    private readonly GradientDescentOptions _options;
    private readonly int _seed;
    private readonly NamedParameter[] _weights;
    private readonly TrainingRun _run;

    public LinearAttentionTrainer(GradientDescentOptions options, int seed)
    {
        (_options, _seed, _family) = (options, seed, options.Family);
        int width = options.Dimension + 1;
        using var generator = TorchRandom.Of(seed, RandomStream.GradientDescentWeights);
        double std = Math.Sqrt(options.InitialVariance / width);
        _weights = [.. Enumerable.Range(0, options.SharedLayers ? 1 : options.Layers).SelectMany(layer => Matrices.Select(name =>
            new NamedParameter(FormattableString.Invariant($"{layer}.{name}"), empty([width, width], ScalarType.Float32).normal_(0, std, generator).DetachFromDisposeScope())))];
        _run = new TrainingRun(_weights, new AdamW(_weights, new AdamWSettings(_ => options.LearningRate, ClipNorm: options.ClipNorm)),
        [
            ("protocol", SettingsText(options)), ("seed", seed.ToString(CultureInfo.InvariantCulture)),
        ]);
    }

    public int StepsDone => _run.StepsDone;

    public void Train(int steps, Action<int, double>? observe = null, CancellationToken cancellation = default) => _run.Train(steps, step =>
    {
        var tasks = _family.Draw(_options.BatchTasks, _seed, RandomStream.GradientDescentData, step, ScalarType.Float32);
        var predicted = LinearSelfAttention.Predict(Merged(), LinearSelfAttention.Tokens(tasks), LinearSelfAttention.QueryToken(tasks)).squeeze(1);
        return (predicted - tasks.Answer).pow(Kept.Scalar(2)).mean() / Kept.Scalar(2);
    }, observe, cancellation);

    public void Save(string path) => _run.Save(path);

    public void Resume(string path) => _run.Resume(path);

    /// <summary>The layers as they are now, in float64.</summary>
    public IReadOnlyList<MergedLayer> Layers()
    {
        using var noGradients = no_grad();
        return [.. Merged().Select(layer => layer.To(ScalarType.Float64))];
    }

    public void Dispose()
    {
        _run.Dispose();
        foreach (var (_, value) in _weights) value.Dispose();
    }

    private MergedLayer[] Merged()
    {
        MergedLayer[] own = [.. _weights.Chunk(Matrices.Length).Select(w => new MergedLayer(mm(w[3].Value, w[2].Value), mm(w[0].Value.t(), w[1].Value)))];
        return _options.SharedLayers ? [.. Enumerable.Repeat(own[0], _options.Layers)] : own;
    }

    // What the weights of a step depend on; the number of steps is none of it, so that a run can be gone on with.
    private static string SettingsText(GradientDescentOptions o) => FormattableString.Invariant(
        $"d {o.Dimension}, n {o.Examples}, range {o.Range}, layers {o.Layers}, shared {o.SharedLayers}, batch {o.BatchTasks}, rate {o.LearningRate}, clip {o.ClipNorm}, variance {o.InitialVariance}");
}
