using System.Runtime.CompilerServices;

namespace MlNetIcl.Models.Gguf.Quantization;

/// <summary>A packing of values. The layouts are those of ggml (ggml-common.h); the arithmetic is that of its dequantize_row functions.</summary>
internal unsafe interface IBlockFormat
{
    /// <summary>Values of a block, a multiple of sixteen.</summary>
    static abstract int Elements { get; }

    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Decodes one block.</summary>
    static abstract void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat;
}

internal static unsafe class Scales
{
    /// <summary>The float16 at an address, which need not be aligned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Half(byte* at) => (float)BitConverter.UInt16BitsToHalf(Unsafe.ReadUnaligned<ushort>(at));
}
