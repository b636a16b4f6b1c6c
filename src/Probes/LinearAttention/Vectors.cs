using System.Numerics;
using System.Runtime.InteropServices;

namespace MlNetIcl.Probes;

/// <summary>The two loops that gradient descent on moments spends its time in, over the processor's vectors.</summary>
internal static class Vectors
{
    /// <summary>sum += scale * values.</summary>
    public static void AddScaled(Span<double> sum, ReadOnlySpan<double> values, double scale)
    {
        var sums = MemoryMarshal.Cast<double, Vector<double>>(sum);
        var vectors = MemoryMarshal.Cast<double, Vector<double>>(values);
        for (int i = 0; i < sums.Length; i++) sums[i] += vectors[i] * scale;
        for (int i = sums.Length * Vector<double>.Count; i < sum.Length; i++) sum[i] += values[i] * scale;
    }

    /// <summary>a . b.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var lefts = MemoryMarshal.Cast<double, Vector<double>>(a);
        var rights = MemoryMarshal.Cast<double, Vector<double>>(b);
        var sums = Vector<double>.Zero;
        for (int i = 0; i < lefts.Length; i++) sums += lefts[i] * rights[i];
        double sum = Vector.Sum(sums);
        for (int i = lefts.Length * Vector<double>.Count; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
