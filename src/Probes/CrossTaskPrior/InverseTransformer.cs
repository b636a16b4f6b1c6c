using System.Globalization;
using MlNetIcl.Models;
using MlNetIcl.Models.Native;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MlNetIcl.Probes;

/// <summary>
/// Linear attention in several blocks, each after a layer norm, from the examples of a task (x_i, y_i) to its weights: one token per example, one
/// more, learned, from which w is read. Trained without ever being told w, on mean |X w(X, Y) - Y|^2 (Lu &amp; Yu 2025, arXiv:2505.12138).
/// Deterministic, and resumes bit for bit, on one machine with one number of torch threads. Owns its weights; not thread-safe.
/// </summary>
internal sealed class InverseTransformer : IDisposable
{
    private readonly CrossTaskPriorOptions _options;
    private readonly PriorTaskFamily _family;
    private readonly Dictionary<string, Tensor> _weights = [];
    private readonly TrainingRun _run;

    public InverseTransformer(PriorTaskFamily family, CrossTaskPriorOptions options)
    {
        NativeTorch.EnsureLoaded();
        (_family, _options) = (family, options);
        using var generator = TorchRandom.Of(options.Seed, RandomStream.PriorData);
        int d = options.Dimension, width = options.DModel;
        Add("embed.weight", 1 / Math.Sqrt(d + 1), width, d + 1);
        Add("reader", 1, width);
        for (int layer = 0; layer < options.Layers; layer++)
        {
            Set($"{layer}.norm.weight", ones(width));
            Set($"{layer}.norm.bias", zeros(width));
            Add($"{layer}.qkv", 1 / Math.Sqrt(width), 3 * width, width);
            Add($"{layer}.out", 0.5 / Math.Sqrt(width), width, width);
        }
        Add("unembed.weight", 0.1 / Math.Sqrt(width), d, width);
        Set("unembed.bias", zeros(d));
        NamedParameter[] parameters = [.. _weights.Select(w => new NamedParameter(w.Key, w.Value))];
        var settings = new TrainingOptions { LearningRate = options.LearningRate, WarmupSteps = 50, DecaySteps = Math.Max(51, options.Steps), WeightDecay = 0, Beta2 = 0.99 };
        _run = new TrainingRun(parameters, new AdamW(parameters, settings.ToAdamW()),
            [("options", SettingsJson.Write(options)), ("rank", family.Rank.ToString(CultureInfo.InvariantCulture))]);

        void Add(string name, double std, params long[] shape)
        {
            using var noGradients = no_grad();
            Set(name, empty(shape, ScalarType.Float32).normal_(0, std, generator));
        }

        void Set(string name, Tensor value) => _weights.Add(name, value.DetachFromDisposeScope());
    }

    public int StepsDone => _run.StepsDone;

    public void Train(int steps, Action<int, double>? observe = null, CancellationToken cancellation = default) => _run.Train(steps, step =>
    {
        var batch = _family.Draw(_options.BatchTasks, _options.Seed, RandomStream.PriorData, step, ScalarType.Float32);
        return (bmm(batch.X, Weights(batch.X, batch.Y).unsqueeze(2)).squeeze(2) - batch.Y).pow(Kept.Scalar(2)).mean();
    }, observe, cancellation);

    public void Save(string path) => _run.Save(path);

    public void Resume(string path) => _run.Resume(path);

    /// <summary>The estimates [task, d] in float64.</summary>
    public Tensor Estimate(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return Weights(x.to_type(ScalarType.Float32), y.to_type(ScalarType.Float32)).to_type(ScalarType.Float64).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _run.Dispose();
        foreach (var value in _weights.Values) value.Dispose();
    }

    private Tensor Weights(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        var (tasks, n, width, heads) = (x.shape[0], x.shape[1], (long)_options.DModel, (long)_options.Heads);
        var examples = F.linear(cat([x, y.unsqueeze(2)], 2), _weights["embed.weight"]); // [task, n, d_model]
        var resid = cat([examples, _weights["reader"].expand(tasks, 1, width)], 1); // [task, n + 1, d_model]
        for (int layer = 0; layer < _options.Layers; layer++)
        {
            var normed = F.layer_norm(resid, [width], _weights[$"{layer}.norm.weight"], _weights[$"{layer}.norm.bias"]);
            var qkv = F.linear(normed, _weights[$"{layer}.qkv"]).view(tasks, n + 1, 3, heads, width / heads).permute(2, 0, 3, 1, 4).reshape(3, tasks * heads, n + 1, width / heads);
            var scores = bmm(qkv[0], qkv[1].transpose(1, 2)) * Kept.Scalar(1 / (Math.Sqrt(width / heads) * n)); // [task * head, query, key], no softmax
            var z = bmm(scores, qkv[2]).view(tasks, heads, n + 1, width / heads).transpose(1, 2).reshape(tasks, n + 1, width);
            resid = resid.Plus(F.linear(z, _weights[$"{layer}.out"]));
        }
        return F.linear(resid.select(1, n), _weights["unembed.weight"], _weights["unembed.bias"]).MoveToOuterDisposeScope();
    }
}
