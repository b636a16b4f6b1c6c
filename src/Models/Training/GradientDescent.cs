using static TorchSharp.torch;

namespace MlNetIcl.Models.Training;

/// <summary>Gradient descent without momentum, whose only state is the parameters.</summary>
/// <param name="parameters">What is learned.</param>
/// <param name="rateAt">The learning rate of a step, counted from 0.</param>
/// <param name="clipNorm">Largest L2 norm of the gradient of all parameters together.</param>
internal sealed class GradientDescent(IEnumerable<NamedParameter> parameters, Func<int, double> rateAt, double clipNorm = double.PositiveInfinity) : Optimizer
{
    private readonly Tensor[] _parameters = [.. parameters.Select(p => p.Value)];

    public override IEnumerable<NamedParameter> State() => [];

    public override void Step(int step)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        Clip(_parameters, clipNorm);
        double rate = rateAt(step);
        foreach (var value in _parameters)
        {
            if (value.grad is not { } gradient) continue;
            value.add_(gradient, alpha: Kept.Scalar(-rate));
            gradient.zero_();
        }
    }
}
