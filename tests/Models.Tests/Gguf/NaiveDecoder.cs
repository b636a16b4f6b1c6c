using System.Buffers.Binary;

namespace MlNetIcl.Models.Tests.Gguf;

/// <summary>Every packing value by value, as the format's description has it: no vectors, no shared code, no speed.</summary>
internal static class NaiveDecoder
{
    private static readonly sbyte[] Levels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Value <paramref name="i"/> of a block.</summary>
    public static float Value(string type, ReadOnlySpan<byte> b, int i) => type switch
    {
        "F32" => BinaryPrimitives.ReadSingleLittleEndian(b),
        "F16" => Half(b, 0),
        "BF16" => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(b) << 16),
        "Q8_0" => Half(b, 0) * (sbyte)b[2 + i],
        "Q4_0" => Half(b, 0) * (Nibble(b, 2, i, 16) - 8),
        "Q4_1" => Sum(Half(b, 0) * Nibble(b, 4, i, 16), Half(b, 2)),
        "Q5_0" => Half(b, 0) * ((Nibble(b, 6, i, 16) | Bit(b, 2, i) << 4) - 16),
        "Q5_1" => Sum(Half(b, 0) * (Nibble(b, 8, i, 16) | Bit(b, 4, i) << 4), Half(b, 2)),
        "Q2_K" => Sum(Half(b, 80) * (b[i / 16] & 15) * TwoBits(b, 16, i), -(Half(b, 82) * (b[i / 16] >> 4))),
        "Q3_K" => Half(b, 108) * (Scale3(b, i / 16) - 32) * (TwoBits(b, 32, i) - (((b[i % 32] >> (i / 32)) & 1) == 1 ? 0 : 4)),
        "Q4_K" => Sum(Half(b, 0) * Scale4(b, i / 32) * Nibble(b, 16 + (i / 64 * 32), i % 64, 32), -(Half(b, 2) * Minimum4(b, i / 32))),
        "Q5_K" => Sum(Half(b, 0) * Scale4(b, i / 32) * (Nibble(b, 48 + (i / 64 * 32), i % 64, 32) | ((b[16 + (i % 32)] >> (i / 32)) & 1) << 4), -(Half(b, 2) * Minimum4(b, i / 32))),
        "Q6_K" => Half(b, 208) * (sbyte)b[192 + (i / 16)] * ((Nibble(b, i / 128 * 64, i % 128, 64) | ((b[128 + (i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2)) & 3) << 4) - 32),
        "Q8_K" => BinaryPrimitives.ReadSingleLittleEndian(b) * (sbyte)b[4 + i],
        "IQ4_NL" => Half(b, 0) * Levels[Nibble(b, 2, i, 16)],
        "IQ4_XS" => Half(b, 0) * ((((b[4 + (i / 64)] >> (i / 32 % 2 * 4)) & 15) | ((BinaryPrimitives.ReadUInt16LittleEndian(b[2..]) >> (i / 32 * 2)) & 3) << 4) - 32) * Levels[Nibble(b, 8 + (i / 32 * 16), i % 32, 16)],
        _ => throw new ArgumentException(type, nameof(type)),
    };

    private static float Half(ReadOnlySpan<byte> b, int at) => (float)BinaryPrimitives.ReadHalfLittleEndian(b[at..]);

    private static float Sum(float product, float offset) => product + offset;

    /// <summary>The lower halves of <paramref name="width"/> bytes come first, then the upper ones.</summary>
    private static int Nibble(ReadOnlySpan<byte> b, int at, int i, int width) => (b[at + (i % width)] >> (i / width * 4)) & 15;

    private static int Bit(ReadOnlySpan<byte> b, int at, int i) => (b[at + (i / 8)] >> (i % 8)) & 1;

    private static int TwoBits(ReadOnlySpan<byte> b, int at, int i) => (b[at + (i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2)) & 3;

    private static int Scale3(ReadOnlySpan<byte> b, int group) => ((b[96 + (group % 8)] >> (group / 8 * 4)) & 15) | ((b[104 + (group % 4)] >> (group / 4 * 2)) & 3) << 4;

    private static int Scale4(ReadOnlySpan<byte> b, int group) => group < 4 ? b[4 + group] & 63 : (b[8 + group] & 15) | (b[group] >> 6) << 4;

    private static int Minimum4(ReadOnlySpan<byte> b, int group) => group < 4 ? b[8 + group] & 63 : (b[8 + group] >> 4) | (b[4 + group] >> 6) << 4;
}
