using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MlNetIcl.Models.Gguf.Quantization;

/// <summary>float32; sixteen of them count as a block.</summary>
internal readonly unsafe struct F32 : IBlockFormat
{
    public static int Elements => 16;

    public static int Bytes => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat =>
        TValue.Store(values, Vector256.Load((float*)block), Vector256.Load((float*)block + 8));
}

/// <summary>bfloat16: the upper half of a float32.</summary>
internal readonly unsafe struct BF16 : IBlockFormat
{
    public static int Elements => 16;

    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        var (first, second) = Vector256.Widen(Vector256.Load((ushort*)block));
        TValue.Store(values, (first << 16).AsSingle(), (second << 16).AsSingle());
    }
}

/// <summary>float16.</summary>
internal readonly unsafe struct F16 : IBlockFormat
{
    public static int Elements => 16;

    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        var (first, second) = Vector256.Widen(Vector256.Load((ushort*)block));
        TValue.Store(values, ToSingle(first), ToSingle(second));
    }

    // Exponent and mantissa, moved to where a float32 has them, are the value over 2^112, also below the smallest normal float16.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ToSingle(Vector256<uint> half)
    {
        var magnitude = (half & Vector256.Create(0x7FFFu)) << 13;
        var finite = (magnitude.AsSingle() * BitConverter.UInt32BitsToSingle((127 + 112) << 23)).AsUInt32();
        var special = magnitude | Vector256.Create(0x7F800000u);
        var value = Vector256.ConditionalSelect(Vector256.LessThan(magnitude.AsInt32(), Vector256.Create(0x7C00 << 13)).AsUInt32(), finite, special);
        return (value | ((half & Vector256.Create(0x8000u)) << 16)).AsSingle();
    }
}
