using static TorchSharp.torch;

namespace MlNetIcl.Models.Training;

/// <summary>What is learned, by name.</summary>
internal readonly record struct NamedParameter(string Name, Tensor Value);

/// <summary>
/// Changes parameters by their gradients, with its whole state in the open, so that a saved run goes on bit for bit.
/// Owns its state, not the parameters.
/// </summary>
internal abstract class Optimizer : IDisposable
{
    /// <summary>What a checkpoint holds beside the parameters.</summary>
    public abstract IEnumerable<NamedParameter> State();

    /// <summary>One update, counted from 0, from the parameters' gradients, which it clears.</summary>
    public abstract void Step(int step);

    public virtual void Dispose()
    {
        foreach (var (_, value) in State()) value.Dispose();
    }

    /// <summary>Scales all gradients together down to an L2 norm.</summary>
    protected static void Clip(IEnumerable<Tensor> parameters, double longest)
    {
        if (double.IsPositiveInfinity(longest)) return;
        Tensor[] gradients = [.. parameters.Select(p => p.grad).OfType<Tensor>()];
        double norm = stack([.. gradients.Select(g => (g * g).sum())]).sum().sqrt().item<float>();
        if (norm > longest)
            foreach (var gradient in gradients) gradient.mul_(Kept.Scalar(longest / norm));
    }
}
