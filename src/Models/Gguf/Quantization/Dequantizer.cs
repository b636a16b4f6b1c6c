using System.Runtime.CompilerServices;
using MlNetIcl.Models.Gguf.Quantization;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Gguf;

/// <summary>Decodes packed values, straight to where they belong.</summary>
internal static unsafe class Dequantizer
{
    /// <summary>Values that one thread decodes at a time; a multiple of every block.</summary>
    private const long Portion = 1 << 16;

    /// <summary>Decodes a whole number of blocks, on all processors.</summary>
    /// <param name="type">The packing.</param>
    /// <param name="source">The first block.</param>
    /// <param name="elements">How many values.</param>
    /// <param name="values">Where they go.</param>
    /// <param name="target">Float32 or BFloat16.</param>
    /// <exception cref="UnsupportedModelException">The type cannot be decoded.</exception>
    public static void Decode(GgufType type, byte* source, long elements, byte* values, ScalarType target)
    {
        var (decode, size) = target switch
        {
            ScalarType.Float32 => (Decoder<SingleValues>(type), SingleValues.Size),
            ScalarType.BFloat16 => (Decoder<BFloat16Values>(type), BFloat16Values.Size),
            _ => throw new ArgumentException($"Values are decoded to Float32 or BFloat16, not to {target}.", nameof(target)),
        };
        long portions = (elements + Portion - 1) / Portion;
        if (portions <= 1) decode((nint)source, elements, (nint)values);
        else Parallel.For(0, portions, portion =>
        {
            long first = portion * Portion;
            decode((nint)source + (nint)(first / type.BlockElements * type.BlockBytes), Math.Min(Portion, elements - first), (nint)values + (nint)(first * size));
        });
    }

    private static Action<nint, long, nint> Decoder<TValue>(GgufType type) where TValue : struct, IValueFormat => type.Name switch
    {
        "F32" => Decode<F32, TValue>,
        "F16" => Decode<F16, TValue>,
        "BF16" => Decode<BF16, TValue>,
        "Q8_0" => Decode<Q8_0, TValue>,
        "Q4_0" => Decode<Q4_0, TValue>,
        "Q4_1" => Decode<Q4_1, TValue>,
        "Q5_0" => Decode<Q5_0, TValue>,
        "Q5_1" => Decode<Q5_1, TValue>,
        "Q2_K" => Decode<Q2_K, TValue>,
        "Q3_K" => Decode<Q3_K, TValue>,
        "Q4_K" => Decode<Q4_K, TValue>,
        "Q5_K" => Decode<Q5_K, TValue>,
        "Q6_K" => Decode<Q6_K, TValue>,
        "Q8_K" => Decode<Q8_K, TValue>,
        "IQ4_NL" => Decode<IQ4_NL, TValue>,
        "IQ4_XS" => Decode<IQ4_XS, TValue>,
        _ => throw new UnsupportedModelException($"Tensors of type {type.Name} cannot be read. Supported are {GgufTypes.Readable}."),
    };

    // Optimised at once: a file is read before the runtime would have noticed that this is worth it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Decode<TBlock, TValue>(nint source, long elements, nint values) where TBlock : struct, IBlockFormat where TValue : struct, IValueFormat
    {
        byte* block = (byte*)source, value = (byte*)values;
        for (long left = elements / TBlock.Elements; left > 0; left--, block += TBlock.Bytes, value += TBlock.Elements * TValue.Size) TBlock.Decode<TValue>(block, value);

        // Only types whose own block is a single value leave a rest.
        int rest = (int)(elements % TBlock.Elements);
        if (rest == 0) return;
        byte* last = stackalloc byte[TBlock.Bytes], decoded = stackalloc byte[TBlock.Elements * TValue.Size];
        new ReadOnlySpan<byte>(block, rest * (TBlock.Bytes / TBlock.Elements)).CopyTo(new(last, TBlock.Bytes));
        TBlock.Decode<TValue>(last, decoded);
        new ReadOnlySpan<byte>(decoded, rest * TValue.Size).CopyTo(new(value, rest * TValue.Size));
    }
}
