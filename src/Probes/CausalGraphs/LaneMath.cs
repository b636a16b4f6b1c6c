using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlNetIcl.Probes;

/// <summary>Arithmetic on several rows at once: a <see cref="Vector{T}"/> holds one number of each of its lanes' rows.</summary>
internal static class LaneMath
{
    /// <summary>e^x to the last digits of a float, 0 below -87 (Cephes: halved range, a polynomial of degree 5).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp(Vector<float> x)
    {
        var clamped = Vector.Max(Vector.Min(x, new(88f)), new(-87f));
        var n = Vector.Floor((clamped * 1.44269504088896341f) + new Vector<float>(0.5f));
        var r = clamped - (n * 0.693359375f) + (n * 2.12194440e-4f);
        var p = new Vector<float>(1.9875691500e-4f);
        p = (p * r) + new Vector<float>(1.3981999507e-3f);
        p = (p * r) + new Vector<float>(8.3334519073e-3f);
        p = (p * r) + new Vector<float>(4.1665795894e-2f);
        p = (p * r) + new Vector<float>(1.6666665459e-1f);
        p = (p * r) + new Vector<float>(5.0000001201e-1f);
        p = (p * r * r) + r + Vector<float>.One;
        return p * Vector.AsVectorSingle((Vector.ConvertToInt32(n) + new Vector<int>(127)) << 23);
    }

    /// <summary>Makes scores their softmax, in place.</summary>
    public static void Softmax(Span<Vector<float>> scores)
    {
        var largest = scores[0];
        foreach (var score in scores) largest = Vector.Max(largest, score);
        var sum = Vector<float>.Zero;
        for (int i = 0; i < scores.Length; i++) sum += scores[i] = Exp(scores[i] - largest);
        var scale = Vector<float>.One / sum;
        for (int i = 0; i < scores.Length; i++) scores[i] *= scale;
    }

    /// <summary>Makes the gradient of a softmax's outputs the gradient of its scores, in place.</summary>
    public static void SoftmaxBackward(ReadOnlySpan<Vector<float>> outputs, Span<Vector<float>> gradient)
    {
        var mean = Dot(outputs, gradient);
        for (int i = 0; i < gradient.Length; i++) gradient[i] = outputs[i] * (gradient[i] - mean);
    }

    public static Vector<float> Dot(ReadOnlySpan<Vector<float>> a, ReadOnlySpan<Vector<float>> b)
    {
        var sum = Vector<float>.Zero;
        for (int i = 0; i < a.Length && i < b.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    public static Vector<float> Dot(ReadOnlySpan<Vector<float>> a, ReadOnlySpan<float> b)
    {
        var sum = Vector<float>.Zero;
        for (int i = 0; i < a.Length && i < b.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>to += scale * from.</summary>
    public static void Add(Span<Vector<float>> to, Vector<float> scale, ReadOnlySpan<Vector<float>> from)
    {
        for (int i = 0; i < to.Length && i < from.Length; i++) to[i] += scale * from[i];
    }

    /// <summary>to += scale * from.</summary>
    public static void Add(Span<Vector<float>> to, Vector<float> scale, ReadOnlySpan<float> from)
    {
        for (int i = 0; i < to.Length && i < from.Length; i++) to[i] += scale * from[i];
    }

    /// <summary>to += from.</summary>
    public static void Add(Span<Vector<float>> to, ReadOnlySpan<Vector<float>> from)
    {
        for (int i = 0; i < to.Length && i < from.Length; i++) to[i] += from[i];
    }
}
