using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MlNetIcl.Models.Gguf.Quantization;

/// <summary>
/// The last step of every quantised type: sixteen small integers that share a scale. Product and sum are rounded one after the other, as
/// ggml does it; fused they would differ in the last bit. All vector widths give the same bits.
/// </summary>
internal static unsafe class Sixteen
{
    /// <summary>Stores scale * integers as values 16 <paramref name="group"/> and following.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<TValue>(byte* values, int group, Vector128<sbyte> integers, float scale) where TValue : struct, IValueFormat
    {
        byte* to = values + (group * 16 * TValue.Size);
        if (Vector512.IsHardwareAccelerated)
        {
            TValue.Store(to, ToSingle512(integers) * scale);
            return;
        }
        var (first, second) = ToSingle256(integers);
        TValue.Store(to, first * scale, second * scale);
    }

    /// <summary>Stores scale * integers + offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<TValue>(byte* values, int group, Vector128<sbyte> integers, float scale, float offset) where TValue : struct, IValueFormat
    {
        byte* to = values + (group * 16 * TValue.Size);
        if (Vector512.IsHardwareAccelerated)
        {
            TValue.Store(to, (ToSingle512(integers) * scale) + Vector512.Create(offset));
            return;
        }
        var (first, second) = ToSingle256(integers);
        var offsets = Vector256.Create(offset);
        TValue.Store(to, (first * scale) + offsets, (second * scale) + offsets);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ToSingle512(Vector128<sbyte> integers)
    {
        if (Avx512F.IsSupported) return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(integers));
        var (first, second) = ToSingle256(integers);
        return Vector512.Create(first, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> First, Vector256<float> Second) ToSingle256(Vector128<sbyte> integers)
    {
        if (Avx2.IsSupported)
        {
            return (Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(integers)),
                Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Vector128.Create(integers.GetUpper(), integers.GetUpper()))));
        }
        var (lower, upper) = Vector128.Widen(integers);
        var (a, b) = Vector128.Widen(lower);
        var (c, d) = Vector128.Widen(upper);
        return (Vector256.Create(Vector128.ConvertToSingle(a), Vector128.ConvertToSingle(b)), Vector256.Create(Vector128.ConvertToSingle(c), Vector128.ConvertToSingle(d)));
    }
}
