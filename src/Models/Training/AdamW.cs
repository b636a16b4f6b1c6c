using static TorchSharp.torch;

namespace MlNetIcl.Models.Training;

/// <summary>Settings of <see cref="AdamW"/>; without weight decay it is Adam (Kingma &amp; Ba 2015).</summary>
/// <param name="RateAt">The learning rate of a step, counted from 0.</param>
/// <param name="Beta1">Decay of the mean of gradients. Range: [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients. Range: [0, 1).</param>
/// <param name="Epsilon">Added to the root of the mean of squared gradients.</param>
/// <param name="WeightDecay">Decoupled weight decay, for parameters of two axes and more.</param>
/// <param name="ClipNorm">Largest L2 norm of the gradient of all parameters together.</param>
internal sealed record AdamWSettings(Func<int, double> RateAt, double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double WeightDecay = 0, double ClipNorm = double.PositiveInfinity);

/// <summary>AdamW (Loshchilov &amp; Hutter 2019).</summary>
internal sealed class AdamW(IEnumerable<NamedParameter> parameters, AdamWSettings settings) : Optimizer
{
    private readonly (string Name, Tensor Value, Tensor Mean, Tensor Square)[] _parameters =
        [.. parameters.Select(p => (p.Name, p.Value, zeros_like(p.Value).DetachFromDisposeScope(), zeros_like(p.Value).DetachFromDisposeScope()))];

    public override IEnumerable<NamedParameter> State() =>
        _parameters.SelectMany(p => new NamedParameter[] { new($"adam.mean.{p.Name}", p.Mean), new($"adam.square.{p.Name}", p.Square) });

    public override void Step(int step)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        Clip(_parameters.Select(p => p.Value), settings.ClipNorm);
        double rate = settings.RateAt(step);
        double meanScale = 1 - Math.Pow(settings.Beta1, step + 1), squareScale = Math.Sqrt(1 - Math.Pow(settings.Beta2, step + 1));
        foreach (var (_, value, mean, square) in _parameters)
        {
            if (value.grad is not { } gradient) continue;
            mean.mul_(Kept.Scalar(settings.Beta1)).add_(gradient, alpha: Kept.Scalar(1 - settings.Beta1));
            square.mul_(Kept.Scalar(settings.Beta2)).addcmul_(gradient, gradient, value: Kept.Scalar(1 - settings.Beta2));
            if (settings.WeightDecay != 0 && value.dim() > 1) value.mul_(Kept.Scalar(1 - (rate * settings.WeightDecay)));
            var divisor = square.sqrt().div_(Kept.Scalar(squareScale)).add_(Kept.Scalar(settings.Epsilon), Kept.One);
            value.addcdiv_(mean, divisor, value: Kept.Scalar(-rate / meanScale));
            gradient.zero_();
        }
    }
}
