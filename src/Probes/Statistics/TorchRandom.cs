using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Generators of torch whose numbers depend on the arguments alone, where a torch generator's own seeds of neighbours would give related numbers. The caller disposes them.</summary>
internal static class TorchRandom
{
    /// <summary>Of one thing that is drawn once, as first weights.</summary>
    public static Generator Of(int seed, RandomStream stream) => new(new SeededRandom(seed, stream).NextUInt64() >> 1);

    /// <summary>Of the batch or piece with this number.</summary>
    public static Generator Of(int seed, RandomStream stream, int number) => Of(unchecked((seed * 1_000_003) + number), stream);
}
