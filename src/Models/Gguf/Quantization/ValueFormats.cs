using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MlNetIcl.Models.Gguf.Quantization;

/// <summary>How decoded values are stored.</summary>
internal unsafe interface IValueFormat
{
    /// <summary>Bytes of a value.</summary>
    static abstract int Size { get; }

    /// <summary>Stores sixteen values.</summary>
    static abstract void Store(byte* to, Vector512<float> values);

    /// <summary>Stores sixteen values.</summary>
    static abstract void Store(byte* to, Vector256<float> first, Vector256<float> second);
}

/// <summary>float32, as decoded.</summary>
internal readonly unsafe struct SingleValues : IValueFormat
{
    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* to, Vector512<float> values) => values.Store((float*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* to, Vector256<float> first, Vector256<float> second)
    {
        first.Store((float*)to);
        second.Store((float*)to + 8);
    }
}

/// <summary>bfloat16: the nearest, the even one of two.</summary>
internal readonly unsafe struct BFloat16Values : IValueFormat
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* to, Vector512<float> values)
    {
        if (!Avx512F.IsSupported)
        {
            Store(to, values.GetLower(), values.GetUpper());
            return;
        }
        var bits = values.AsUInt32();
        var rounded = (bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One)) >>> 16;
        var quiet = (bits >>> 16) | Vector512.Create(0x40u);
        Avx512F.ConvertToVector256UInt16(Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, quiet)).Store((ushort*)to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* to, Vector256<float> first, Vector256<float> second)
    {
        if (Avx512F.IsSupported) Store(to, Vector512.Create(first, second));
        else Vector256.Narrow(Round(first), Round(second)).Store((ushort*)to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Round(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        var rounded = (bits + Vector256.Create(0x7FFFu) + ((bits >>> 16) & Vector256<uint>.One)) >>> 16;
        var quiet = (bits >>> 16) | Vector256.Create(0x40u);
        return Vector256.ConditionalSelect(Vector256.Equals(values, values).AsUInt32(), rounded, quiet);
    }
}
