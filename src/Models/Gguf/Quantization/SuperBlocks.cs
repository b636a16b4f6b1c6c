using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MlNetIcl.Models.Gguf.Quantization;

// Super-blocks of 256 values: groups of 16 or 32 have small scales of their own, which one or two float16 scale in turn.
// The product of both comes first; so does that of the minima.

/// <summary>Two bits above a minimum. 16 bytes of scales (lower half) and minima (upper half), 64 bytes of integers, scale of scales, scale of minima.</summary>
internal readonly unsafe struct Q2_K : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 84;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block + 80), minimum = Scales.Half(block + 82);
        for (int group = 0; group < 16; group++)
        {
            // Four groups of 32 share 32 bytes, two bits each.
            int half = group / 8, shift = group % 8 / 2 * 2;
            var bits = Vector128.ShiftRightLogical(Vector128.Load(block + 16 + (half * 32) + (group % 2 * 16)), shift) & Vector128.Create((byte)3);
            Sixteen.Put<TValue>(values, group, bits.AsSByte(), scale * (block[group] & 15), -(minimum * (block[group] >> 4)));
        }
    }
}

/// <summary>Three bits around 4. 32 bytes of third bits, 64 bytes of the lower two, 12 bytes with sixteen scales of six bits around 32, scale of scales.</summary>
internal readonly unsafe struct Q3_K : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 110;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block + 108);
        byte* scales = block + 96;
        for (int group = 0; group < 16; group++)
        {
            int half = group / 8, pair = group % 8 / 2, column = group % 2 * 16;
            var bits = Vector128.ShiftRightLogical(Vector128.Load(block + 32 + (half * 32) + column), 2 * pair) & Vector128.Create((byte)3);
            var third = Vector128.Create((byte)(1 << ((4 * half) + pair)));
            var below = Vector128.AndNot(Vector128.Create((byte)4), Vector128.Equals(Vector128.Load(block + column) & third, third));
            int lower = (scales[group % 8] >> (4 * half)) & 15, upper = (scales[8 + (group % 4)] >> (group / 4 * 2)) & 3;
            Sixteen.Put<TValue>(values, group, bits.AsSByte() - below.AsSByte(), scale * ((lower | (upper << 4)) - 32));
        }
    }
}

/// <summary>Four bits above a minimum. Scale of scales, scale of minima, 12 bytes with eight of each, 128 bytes of integers.</summary>
internal readonly unsafe struct Q4_K : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 144;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block), minimum = Scales.Half(block + 2);
        for (int group = 0; group < 8; group++)
        {
            var (s, m) = SixBits.ScaleAndMinimum(block + 4, group);
            float groupScale = scale * s, offset = -(minimum * m);
            byte* packed = block + 16 + (group / 2 * 32);
            int shift = group % 2 * 4;
            for (int half = 0; half < 2; half++)
            {
                var integers = Nibbles.Low(Vector128.ShiftRightLogical(Vector128.Load(packed + (16 * half)), shift));
                Sixteen.Put<TValue>(values, (2 * group) + half, integers.AsSByte(), groupScale, offset);
            }
        }
    }
}

/// <summary>Five bits above a minimum. As <see cref="Q4_K"/>, with 32 bytes of fifth bits before the integers.</summary>
internal readonly unsafe struct Q5_K : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 176;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block), minimum = Scales.Half(block + 2);
        for (int group = 0; group < 8; group++)
        {
            var (s, m) = SixBits.ScaleAndMinimum(block + 4, group);
            float groupScale = scale * s, offset = -(minimum * m);
            byte* packed = block + 48 + (group / 2 * 32);
            int shift = group % 2 * 4;
            var fifth = Vector128.Create((byte)(1 << group));
            for (int half = 0; half < 2; half++)
            {
                var integers = Nibbles.Low(Vector128.ShiftRightLogical(Vector128.Load(packed + (16 * half)), shift));
                var upper = Vector128.Equals(Vector128.Load(block + 16 + (16 * half)) & fifth, fifth) & Vector128.Create((byte)16);
                Sixteen.Put<TValue>(values, (2 * group) + half, (integers | upper).AsSByte(), groupScale, offset);
            }
        }
    }
}

/// <summary>Six bits around 32. 128 bytes of the lower four bits, 64 bytes of the upper two, sixteen scales of eight bits, scale of scales.</summary>
internal readonly unsafe struct Q6_K : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 210;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block + 208);
        var center = Vector128.Create((sbyte)32);
        for (int group = 0; group < 16; group++)
        {
            // Of the 128 values of a half, the first 64 are in the lower nibbles; 32 at a time share bytes of upper bits.
            int half = group / 8, quarter = group % 8 / 2, column = group % 2 * 16;
            var lower = Nibbles.Low(Vector128.ShiftRightLogical(Vector128.Load(block + (64 * half) + (quarter % 2 * 32) + column), quarter / 2 * 4));
            var upper = Vector128.ShiftRightLogical(Vector128.Load(block + 128 + (32 * half) + column), 2 * quarter) & Vector128.Create((byte)3);
            Sixteen.Put<TValue>(values, group, (lower | (upper << 4)).AsSByte() - center, scale * ((sbyte*)block)[192 + group]);
        }
    }
}

/// <summary>Eight bits with a float32 scale; the sums that follow the integers serve products only.</summary>
internal readonly unsafe struct Q8_K : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 292;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Unsafe.ReadUnaligned<float>(block);
        for (int group = 0; group < 16; group++) Sixteen.Put<TValue>(values, group, Vector128.Load((sbyte*)block + 4 + (16 * group)), scale);
    }
}

/// <summary>As <see cref="IQ4_NL"/>, with eight scales of six bits around 32: scale of scales, their upper two bits, their lower four, choices.</summary>
internal readonly unsafe struct IQ4_XS : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 136;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TValue>(byte* block, byte* values) where TValue : struct, IValueFormat
    {
        float scale = Scales.Half(block);
        int uppers = Unsafe.ReadUnaligned<ushort>(block + 2);
        for (int group = 0; group < 8; group++)
        {
            int lower = (block[4 + (group / 2)] >> (group % 2 * 4)) & 15, upper = (uppers >> (2 * group)) & 3;
            float groupScale = scale * ((lower | (upper << 4)) - 32);
            var packed = Vector128.Load(block + 8 + (16 * group));
            Sixteen.Put<TValue>(values, 2 * group, Vector128.Shuffle(IQ4_NL.Levels, Nibbles.Low(packed).AsSByte()), groupScale);
            Sixteen.Put<TValue>(values, (2 * group) + 1, Vector128.Shuffle(IQ4_NL.Levels, Nibbles.High(packed).AsSByte()), groupScale);
        }
    }
}

/// <summary>Eight scales and eight minima of six bits each, in twelve bytes.</summary>
internal static unsafe class SixBits
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (int Scale, int Minimum) ScaleAndMinimum(byte* packed, int group)
    {
        if (group < 4) return (packed[group] & 63, packed[group + 4] & 63);
        // The last four lie in halves of the last four bytes; their upper bits are those that the first ones do not use.
        int lower = packed[group + 4];
        return ((lower & 15) | (packed[group - 4] >> 6 << 4), (lower >> 4) | (packed[group] >> 6 << 4));
    }
}
