using TorchSharp;

namespace MlNetIcl.Models;

/// <summary>
/// Scalars that outlive the call they are given to. TorchSharp 0.107 passes a Scalar's native memory on without holding the object, so
/// a garbage collection at that very moment may finalize it and free what libtorch is reading ("Scalar.h: INTERNAL ASSERT"). Rare, but a
/// training makes millions of such calls; so passes and optimizers take their numbers from here. Thread-safe.
/// </summary>
internal static class Kept
{
    /// <summary>A thread's last scalars; each stays until so many others were asked for, and a call takes no more than two.</summary>
    private const int Count = 64;

    [ThreadStatic]
    private static Scalar?[]? t_scalars;

    [ThreadStatic]
    private static int t_next;

    /// <summary>1, the factor that TorchSharp multiplies what is added by, and makes anew for each sum where none is given.</summary>
    public static Scalar One { get; } = Scalar(1.0);

    /// <summary><c>left + right</c>.</summary>
    public static torch.Tensor Plus(this torch.Tensor left, torch.Tensor right) => left.add(right, One);

    /// <inheritdoc cref="Plus(torch.Tensor, torch.Tensor)"/>
    public static torch.Tensor Plus(this torch.Tensor left, double right) => left.add(Scalar(right), One);

    /// <summary><c>left - right</c>.</summary>
    public static torch.Tensor Minus(this torch.Tensor left, double right) => left.sub(Scalar(right));

    /// <summary><c>left * right</c>.</summary>
    public static torch.Tensor Times(this torch.Tensor left, double right) => left.mul(Scalar(right));

    /// <summary><c>left / right</c>.</summary>
    public static torch.Tensor Over(this torch.Tensor left, double right) => left.div(Scalar(right));

    /// <summary>The whole numbers below <paramref name="count"/>.</summary>
    public static torch.Tensor Range(long count, torch.Device? device = null) => torch.arange(Scalar(0), Scalar(count), One, torch.ScalarType.Int64, device);

#pragma warning disable RS0030 // here they are kept
    /// <summary>A number as TorchSharp takes it. Belongs to the collector: do not dispose of it.</summary>
    public static Scalar Scalar(double value) => Keep(value);

    /// <inheritdoc cref="Scalar(double)"/>
    /// <remarks>Tensors of whole numbers stay such with it.</remarks>
    public static Scalar Scalar(long value) => Keep(value);
#pragma warning restore RS0030

    private static Scalar Keep(Scalar scalar)
    {
        var scalars = t_scalars ??= new Scalar?[Count];
        return scalars[t_next = (t_next + 1) % Count] = scalar;
    }
}
