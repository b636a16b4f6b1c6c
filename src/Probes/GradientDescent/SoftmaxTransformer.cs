using System.Globalization;
using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MlNetIcl.Probes;

/// <summary>
/// A transformer with what linear self-attention lacks: softmax, several heads, layer norms and, where asked for, MLPs. Tokens are (x, y, 0) for examples and
/// (x, 0, 1) for the query; keys are the examples alone, as in <see cref="LinearSelfAttention"/>. Trained on fresh tasks with half the squared error.
/// Deterministic, and resumes bit for bit, on one machine with one number of torch threads. Owns its weights; not thread-safe.
/// </summary>
internal sealed class SoftmaxTransformer : IResumableModel
{
    private readonly LinearTaskFamily _family;
    private readonly SoftmaxOptions _options;
    private readonly int _seed;
    private readonly Dictionary<string, Tensor> _weights = [];
    private readonly TrainingRun _run;

    public SoftmaxTransformer(LinearTaskFamily family, SoftmaxOptions options, int seed)
    {
        (_family, _options, _seed) = (family, options, seed);
        using var generator = TorchRandom.Of(seed, RandomStream.GradientDescentSoftmax);
        int width = options.Width, inputs = family.Dimension + 2;
        Add("embed", 1 / Math.Sqrt(inputs), width, inputs);
        for (int layer = 0; layer < options.Layers; layer++)
        {
            AddNorm($"{layer}.attention");
            Add($"{layer}.qkv", 1 / Math.Sqrt(width), 3 * width, width);
            Add($"{layer}.out", 0.5 / Math.Sqrt(width), width, width);
            if (!options.Mlp) continue;
            AddNorm($"{layer}.mlp");
            Add($"{layer}.up", 1 / Math.Sqrt(width), 2 * width, width);
            Add($"{layer}.down", 0.5 / Math.Sqrt(2 * width), width, 2 * width);
        }
        AddNorm("final");
        Add("unembed", 0.1 / Math.Sqrt(width), 1, width);
        NamedParameter[] parameters = [.. _weights.Select(w => new NamedParameter(w.Key, w.Value))];
        var settings = new TrainingOptions { LearningRate = options.LearningRate, WarmupSteps = 50, DecaySteps = Math.Max(51, options.Steps), WeightDecay = 0, Beta2 = 0.99 };
        _run = new TrainingRun(parameters, new AdamW(parameters, settings.ToAdamW()),
            [("options", SettingsJson.Write(options)), ("family", family.ToString()), ("seed", seed.ToString(CultureInfo.InvariantCulture))]);

        void AddNorm(string name)
        {
            Set($"{name}.norm.weight", ones(width));
            Set($"{name}.norm.bias", zeros(width));
        }

        void Add(string name, double std, params long[] shape) => Set(name, empty(shape, ScalarType.Float32).normal_(0, std, generator));

        void Set(string name, Tensor value) => _weights.Add(name, value.DetachFromDisposeScope());
    }

    public int StepsDone => _run.StepsDone;

    public void Train(int steps, Action<int, double>? observe = null, CancellationToken cancellation = default) => _run.Train(steps, step =>
    {
        var tasks = _family.Draw(_options.BatchTasks, _seed, RandomStream.GradientDescentData, step, ScalarType.Float32);
        return (Predict(tasks.X, tasks.Y, tasks.Query) - tasks.Answer).pow(Kept.Scalar(2)).mean() / Kept.Scalar(2 * Scale * Scale);
    }, observe is null ? null : (step, loss) => observe(step, loss * Scale * Scale), cancellation);

    public void Save(string path) => _run.Save(path);

    public void Resume(string path) => _run.Resume(path);

    /// <summary>Predictions [task] and their gradients by the query [task, d], in float64.</summary>
    public (Tensor Predicted, Tensor Gradient) Answer(LinearTasks tasks)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        var query = tasks.Query.@float().requires_grad_();
        var predicted = Predict(tasks.X.@float(), tasks.Y.@float(), query);
        var gradient = autograd.grad([predicted.sum()], [query])[0];
        return (predicted.detach().@double().MoveToOuterDisposeScope(), gradient.@double().MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        _run.Dispose();
        foreach (var value in _weights.Values) value.Dispose();
    }

    // Inputs and outputs of variance 1 on the family's tasks, so that one learning rate suits every family.
    private double Scale => _family.Range * Math.Sqrt(_family.Dimension / 3.0);

    private Tensor Predict(Tensor x, Tensor y, Tensor query)
    {
        using var scope = NewDisposeScope();
        var (tasks, n, width) = (x.shape[0], x.shape[1], (long)_options.Width);
        double unit = Math.Sqrt(3) / _family.Range;
        var none = zeros([tasks, 1, 1]);
        var examples = cat([x.Times(unit), y.unsqueeze(2).Over(Scale), none.expand(tasks, n, 1)], 2); // [task, n, d + 2]
        var asked = cat([query.unsqueeze(1).Times(unit), none, none.Plus(1)], 2); // [task, 1, d + 2]
        var resid = F.linear(cat([examples, asked], 1), _weights["embed"]); // [task, n + 1, d_model]
        for (int layer = 0; layer < _options.Layers; layer++)
        {
            // The last layer has one query: nothing reads the others.
            bool last = layer == _options.Layers - 1;
            var normed = Norm(resid, $"{layer}.attention");
            var read = last ? resid.narrow(1, n, 1) : resid;
            resid = read.Plus(Attend(normed, last ? n : 0, layer));
            if (_options.Mlp) resid = resid.Plus(F.linear(F.gelu(F.linear(Norm(resid, $"{layer}.mlp"), _weights[$"{layer}.up"])), _weights[$"{layer}.down"]));
        }
        return F.linear(Norm(resid.select(1, 0), "final"), _weights["unembed"]).squeeze(1).Times(Scale).MoveToOuterDisposeScope();
    }

    private Tensor Attend(Tensor normed, long firstQuery, int layer)
    {
        var (tasks, n, width, heads) = (normed.shape[0], normed.shape[1] - 1, normed.shape[2], (long)_options.Heads);
        var qkv = F.linear(normed, _weights[$"{layer}.qkv"]); // [task, pos, 3 d_model]
        Tensor Rows(int which, long first, long count) =>
            qkv.narrow(2, which * width, width).narrow(1, first, count).reshape(tasks, count, heads, width / heads).transpose(1, 2).reshape(tasks * heads, count, width / heads);
        long queries = n + 1 - firstQuery;
        var scores = bmm(Rows(0, firstQuery, queries), Rows(1, 0, n).transpose(1, 2)) / Kept.Scalar(Math.Sqrt(width / heads)); // [task * head, query, key]
        var z = bmm(scores.softmax(-1), Rows(2, 0, n)).view(tasks, heads, queries, width / heads).transpose(1, 2).reshape(tasks, queries, width);
        return F.linear(z, _weights[$"{layer}.out"]);
    }

    private Tensor Norm(Tensor value, string name) => F.layer_norm(value, [_options.Width], _weights[$"{name}.norm.weight"], _weights[$"{name}.norm.bias"]);
}
