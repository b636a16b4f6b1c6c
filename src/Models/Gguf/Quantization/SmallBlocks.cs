using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MlNetIcl.Models.Gguf.Quantization;

/// <summary>Eight bits: scale, integers.</summary>
internal readonly unsafe struct Q8_0 : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 34;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block);
        Sixteen.Put<TValue>(values, 0, Vector128.Load((sbyte*)block + 2), scale);
        Sixteen.Put<TValue>(values, 1, Vector128.Load((sbyte*)block + 18), scale);
    }
}

/// <summary>Four bits around 8: scale, integers; the first sixteen in the lower halves of the bytes.</summary>
internal readonly unsafe struct Q4_0 : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 18;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block);
        var packed = Vector128.Load(block + 2);
        var center = Vector128.Create((sbyte)8);
        Sixteen.Put<TValue>(values, 0, Nibbles.Low(packed).AsSByte() - center, scale);
        Sixteen.Put<TValue>(values, 1, Nibbles.High(packed).AsSByte() - center, scale);
    }
}

/// <summary>Four bits above a minimum: scale, minimum, integers.</summary>
internal readonly unsafe struct Q4_1 : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 20;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block), minimum = Scales.Half(block + 2);
        var packed = Vector128.Load(block + 4);
        Sixteen.Put<TValue>(values, 0, Nibbles.Low(packed).AsSByte(), scale, minimum);
        Sixteen.Put<TValue>(values, 1, Nibbles.High(packed).AsSByte(), scale, minimum);
    }
}

/// <summary>Five bits around 16: scale, the fifth bits, the lower four.</summary>
internal readonly unsafe struct Q5_0 : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 22;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block);
        var packed = Vector128.Load(block + 6);
        var center = Vector128.Create((sbyte)16);
        Sixteen.Put<TValue>(values, 0, (Nibbles.Low(packed) | Nibbles.FifthBits(block + 2)).AsSByte() - center, scale);
        Sixteen.Put<TValue>(values, 1, (Nibbles.High(packed) | Nibbles.FifthBits(block + 4)).AsSByte() - center, scale);
    }
}

/// <summary>Five bits above a minimum: scale, minimum, the fifth bits, the lower four.</summary>
internal readonly unsafe struct Q5_1 : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 24;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block), minimum = Scales.Half(block + 2);
        var packed = Vector128.Load(block + 8);
        Sixteen.Put<TValue>(values, 0, (Nibbles.Low(packed) | Nibbles.FifthBits(block + 4)).AsSByte(), scale, minimum);
        Sixteen.Put<TValue>(values, 1, (Nibbles.High(packed) | Nibbles.FifthBits(block + 6)).AsSByte(), scale, minimum);
    }
}

/// <summary>Four bits that choose from sixteen unevenly spaced integers: scale, choices.</summary>
internal readonly unsafe struct IQ4_NL : IBlockFormat
{
    /// <summary>The integers (ggml: kvalues_iq4nl).</summary>
    public static Vector128<sbyte> Levels => Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    public static int Elements => 32;

    public static int Bytes => 18;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block);
        var packed = Vector128.Load(block + 2);
        Sixteen.Put<TValue>(values, 0, Vector128.Shuffle(Levels, Nibbles.Low(packed).AsSByte()), scale);
        Sixteen.Put<TValue>(values, 1, Vector128.Shuffle(Levels, Nibbles.High(packed).AsSByte()), scale);
    }
}

/// <summary>Parts of bytes.</summary>
internal static unsafe class Nibbles
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Low(Vector128<byte> packed) => packed & Vector128.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> High(Vector128<byte> packed) => packed >>> 4;

    /// <summary>Sixteen bits, each as 16 or 0 in a byte of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> FifthBits(byte* bits)
    {
        var spread = Vector128.Shuffle(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ushort>(bits)).AsByte(), Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
        var place = Vector128.Create(0x8040201008040201ul).AsByte();
        return Vector128.Equals(spread & place, place) & Vector128.Create((byte)16);
    }
}
