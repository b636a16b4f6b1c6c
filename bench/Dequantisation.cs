using MlNetIcl.Models.Gguf;
using static TorchSharp.torch;

namespace MlNetIcl.Bench;

/// <summary>Decoding the packings of GGUF files against copying as many bytes as come out.</summary>
internal static unsafe class Dequantisation
{
    private const int Elements = 1 << 24, Rounds = 9;

    public static IEnumerable<Claim> Run()
    {
        string[] types = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS"];
        foreach (var target in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            long bytes = Elements * (target == ScalarType.Float32 ? 4L : 2L);
            byte[] from = Random(bytes), to = new byte[bytes];
            // As many threads as decode copy, too.
            var contenders = types.Select(type => ($"{type} to {target}", Decoder(GgufTypes.Named(type), to, target)))
                .Prepend(($"copy of as many {target}", () => Parallel.For(0, Environment.ProcessorCount, part =>
                {
                    long first = bytes / Environment.ProcessorCount * part;
                    from.AsSpan((int)first, (int)(bytes / Environment.ProcessorCount)).CopyTo(to.AsSpan((int)first));
                })));
            double[] ms = SideBySide.Medians($"{Elements} values to {target}", Rounds, [.. contenders]);
            for (int i = 1; i < ms.Length; i++)
            {
                Console.WriteLine(FormattableString.Invariant($"  {types[i - 1],-8} {bytes / ms[i] / 1e6,6:F1} GB/s, {ms[0] / ms[i]:F2} of the copy's {bytes / ms[0] / 1e6:F1}"));
                if (target == ScalarType.Float32) yield return new($"{types[i - 1]}: copying / decoding to float32, time", ms[0] / ms[i], 0.4, AtLeast: true);
            }
        }
    }

    private static Action Decoder(GgufType type, byte[] to, ScalarType target)
    {
        byte[] packed = Random((long)Elements / type.BlockElements * type.BlockBytes);
        return () =>
        {
            fixed (byte* source = packed)
            fixed (byte* values = to) Dequantizer.Decode(type, source, Elements, values, target);
        };
    }

    private static byte[] Random(long bytes)
    {
        byte[] content = new byte[bytes];
        new Random(3).NextBytes(content);
        return content;
    }
}
