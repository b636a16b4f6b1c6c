using System.Buffers.Binary;

namespace MlNetIcl.Models.Tests.Fuzzing;

/// <summary>Changes sound files at random, the same way for the same seed: bits, bytes, fields of a length's width, cuts, moved and foreign stretches.</summary>
internal sealed class Mutations(IReadOnlyList<byte[]> seeds)
{
    private static readonly ulong[] Extremes =
        [0, 1, 2, 3, 7, 8, 9, 10, 12, 31, 32, 64, 127, 128, 255, 256, 65535, 1 << 16, int.MaxValue, 1u << 31, uint.MaxValue, 1ul << 32, 1ul << 40, 1ul << 60, long.MaxValue, 1ul << 63, ulong.MaxValue - 7, ulong.MaxValue];

    /// <summary>The longest result.</summary>
    public int Longest { get; } = 2 * seeds.Max(seed => seed.Length);

    /// <summary>A changed file.</summary>
    /// <param name="number">Which one.</param>
    /// <param name="target">Where it is written.</param>
    /// <returns>Its length.</returns>
    public int Make(int number, Span<byte> target)
    {
        var random = new Random(number);
        byte[] seed = seeds[number % seeds.Count];
        seed.CopyTo(target);
        int length = seed.Length;
        for (int change = random.Next(3); change >= 0 && length > 0; change--) length = Change(random, target, length, number);
        return length;
    }

    private int Change(Random random, Span<byte> target, int length, int number)
    {
        // What decides comes first in a file; most changes go there.
        int at = random.Next(random.Next(8) == 0 ? length : Math.Min(length, 1 << random.Next(3, 13)));
        switch (random.Next(8))
        {
            case 0: target[at] ^= (byte)(1 << random.Next(8)); break;
            case 1: target[at] = (byte)random.Next(256); break;
            case 2: Field(random, target[at..length]); break;
            case 3: Field(random, target[at..length]); break;
            case 4: return random.Next(4) == 0 ? at : length - Math.Min(length, 1 << random.Next(16));
            case 5: return Insert(target, length, at, target.Slice(random.Next(length), 0), random, number);
            case 6: return Insert(target, length, at, seeds[random.Next(seeds.Count)], random, number);
            default:
                int cut = Math.Min(length - at, 1 << random.Next(10));
                target[(at + cut)..length].CopyTo(target[at..]);
                return length - cut;
        }
        return length;
    }

    /// <summary>A number of four or eight bytes: an extreme one, or the old one and a little.</summary>
    private static void Field(Random random, Span<byte> at)
    {
        Span<byte> wide = stackalloc byte[8];
        int width = Math.Min(at.Length, random.Next(2) == 0 ? 4 : 8);
        at[..width].CopyTo(wide);
        ulong old = BinaryPrimitives.ReadUInt64LittleEndian(wide);
        BinaryPrimitives.WriteUInt64LittleEndian(wide, random.Next(2) == 0 ? Extremes[random.Next(Extremes.Length)] : unchecked(old + (ulong)random.Next(-9, 10)));
        wide[..width].CopyTo(at);
    }

    /// <summary>Puts a stretch of another place, or of another file, in.</summary>
    private int Insert(Span<byte> target, int length, int at, ReadOnlySpan<byte> foreign, Random random, int number)
    {
        ReadOnlySpan<byte> source = foreign.IsEmpty ? seeds[number % seeds.Count] : foreign;
        int from = random.Next(source.Length), count = Math.Min(Math.Min(source.Length - from, 1 << random.Next(12)), target.Length - length);
        target[at..length].CopyTo(target[(at + count)..]);
        source.Slice(from, count).CopyTo(target[at..]);
        return length + count;
    }
}
