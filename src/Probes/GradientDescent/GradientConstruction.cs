using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// The layer of linear self-attention whose output is one step of gradient descent (von Oswald et al. 2023, proposition 1): W_K = W_Q = [[I, 0], [0, 0]],
/// W_V = [[0, 0], [W0, -1]], P = (eta/N) I. With gamma it also takes gamma X X^T x from every input, which makes it GD++. The tensors belong to the
/// caller's scope.
/// </summary>
internal static class GradientConstruction
{
    private const int LeastSteps = 4;

    /// <summary>The layer, merged.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="examples">N.</param>
    /// <param name="eta">Learning rate.</param>
    /// <param name="gamma">Curvature correction; 0 for gradient descent.</param>
    /// <param name="first">W0 [d]; null for 0.</param>
    public static MergedLayer Layer(int dimension, int examples, double eta, double gamma = 0, Tensor? first = null)
    {
        using var scope = NewDisposeScope();
        var inputs = diag(cat([ones(dimension, ScalarType.Float64), zeros(1, ScalarType.Float64)])); // [[I, 0], [0, 0]]
        var value = inputs.Times(-gamma);
        value.select(0, dimension).narrow(0, 0, dimension).copy_((first ?? zeros(dimension, ScalarType.Float64)).Times(eta / examples));
        value[dimension, dimension] = -eta / examples;
        return new(value.MoveToOuterDisposeScope(), inputs.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The largest difference between layers and steps over tasks, relative to the largest prediction (or to 1): 1, 2, … layers, each against as many steps,
    /// from a W0 that is not 0. Layers are computed in the precision that models are trained in.
    /// </summary>
    public static IReadOnlyList<ConstructionError> Check(GradientDescentOptions options, int tasks, double eta, double gamma)
    {
        using var scope = NewDisposeScope();
        using var generator = TorchRandom.Of(options.Seed, RandomStream.GradientDescentStart);
        var first = randn(options.Dimension, ScalarType.Float64, generator: generator);
        return [.. Enumerable.Range(1, Math.Max(LeastSteps, options.Layers)).Select(steps => new ConstructionError(steps, Error(steps, 0), Error(steps, gamma)))];

        double Error(int steps, double correction)
        {
            using var inner = NewDisposeScope();
            var layer = Layer(options.Dimension, options.Examples, eta, correction, first).To(ScalarType.Float32);
            var values = options.Family.Collect(tasks, options.Seed, RandomStream.GradientDescentStart, drawn =>
            {
                var single = new LinearTasks(drawn.X.@float(), drawn.Y.@float(), drawn.Query.@float(), drawn.Weights.@float());
                var byLayers = LinearSelfAttention.Predict([.. Enumerable.Repeat(layer, steps)], LinearSelfAttention.Tokens(single), LinearSelfAttention.QueryToken(single, first.@float()));
                var bySteps = (GradientSteps.Weights(drawn, steps, eta, correction, first) * drawn.Query).sum(-1);
                return [(byLayers.squeeze(1).@double() - bySteps).abs(), bySteps.abs()];
            });
            return values[0].max().item<double>() / Math.Max(1, values[1].max().item<double>());
        }
    }
}
