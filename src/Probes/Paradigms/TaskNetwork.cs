using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// A network of two hidden layers with ReLU, as in Finn et al. 2017 (section 5.1), with weights of their own for each of many tasks: all tasks are
/// computed together by batched products. Inputs and outputs are divided by the family's sizes.
/// </summary>
/// <param name="family">The family.</param>
/// <param name="dimension">d.</param>
/// <param name="hidden">Width of the hidden layers.</param>
internal sealed class TaskNetwork(RegressionFamily family, int dimension, int hidden)
{
    private readonly double _inputScale = family.Input(), _outputScale = family.Output(dimension);

    private readonly (long In, long Out)[] _layers = [(dimension, hidden), (hidden, hidden), (hidden, 1)];

    public long ParameterCount => _layers.Sum(l => (l.In + 1) * l.Out);

    /// <summary>Weights and biases of each layer, [in, out] and [1, out], of one network; by He et al. 2015. The caller owns them.</summary>
    public Tensor[] Initial(int seed, RandomStream stream)
    {
        using var generator = TorchRandom.Of(seed, stream);
        return [.. _layers.SelectMany(l => new[] { randn([l.In, l.Out], generator: generator).mul_(Kept.Scalar(Math.Sqrt(2.0 / l.In))), zeros(1, l.Out) })];
    }

    /// <summary>Answers [task, point] to x [task, point, d], in the family's unit over its size.</summary>
    /// <param name="weights">[task, in, out] and [task, 1, out], layer by layer.</param>
    /// <param name="x">Inputs.</param>
    public Tensor Answer(IReadOnlyList<Tensor> weights, Tensor x)
    {
        var h = x.to_type(ScalarType.Float32) / Kept.Scalar(_inputScale);
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            h = bmm(h, weights[2 * layer]).Plus(weights[(2 * layer) + 1]);
            if (layer < _layers.Length - 1) h = h.relu();
        }
        return h.squeeze(2);
    }

    /// <summary>Mean squared error of each task's points, summed over tasks: tasks share nothing, so that each one's gradient is its own.</summary>
    public Tensor Loss(IReadOnlyList<Tensor> weights, Tensor x, Tensor y) => (Answer(weights, x) - (y.to_type(ScalarType.Float32) / Kept.Scalar(_outputScale))).pow(Kept.Scalar(2)).mean([1]).sum();

    /// <summary>Answers to one query of each task [task, d], in the family's unit, float64 [task].</summary>
    public Tensor AnswerQuery(IReadOnlyList<Tensor> weights, Tensor query) => Answer(weights, query.unsqueeze(1)).squeeze(1).to_type(ScalarType.Float64).Times(_outputScale);
}
