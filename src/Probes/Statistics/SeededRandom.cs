using System.Numerics;

namespace MlNetIcl.Probes;

/// <summary>
/// A local random generator whose numbers depend on seed and stream alone, on every runtime: xoshiro256** (Blackman &amp; Vigna 2018),
/// seeded by SplitMix64. Not thread-safe.
/// </summary>
internal sealed class SeededRandom
{
    private ulong _a, _b, _c, _d;

    /// <summary>Starts a stream; streams of one seed are independent of each other.</summary>
    public SeededRandom(int seed, RandomStream stream)
    {
        ulong state = ((ulong)stream << 32) | (uint)seed;
        _a = SplitMix64(ref state);
        _b = SplitMix64(ref state);
        _c = SplitMix64(ref state);
        _d = SplitMix64(ref state);
    }

    public ulong NextUInt64()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9, t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>Uniform in [0, <paramref name="bound"/>), without bias (Lemire 2019).</summary>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        ulong high = Math.BigMul(NextUInt64(), (ulong)bound, out ulong low);
        if (low < (ulong)bound)
            for (ulong rejected = (0 - (ulong)bound) % (ulong)bound; low < rejected;)
                high = Math.BigMul(NextUInt64(), (ulong)bound, out low);
        return (int)high;
    }

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Standard normal (Box-Muller).</summary>
    public double NextNormal() =>
        Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>An index by its probability.</summary>
    /// <param name="probabilities">Summing to 1.</param>
    public int Pick(ReadOnlySpan<double> probabilities)
    {
        double left = NextDouble();
        int likeliest = 0;
        for (int i = 0; i < probabilities.Length; i++)
        {
            if ((left -= probabilities[i]) < 0) return i;
            if (probabilities[i] > probabilities[likeliest]) likeliest = i;
        }
        return likeliest; // the sum fell short of 1 by a last digit
    }

    /// <summary>Brings a uniform draw of <paramref name="count"/> elements, without replacement, to the front (Fisher-Yates).</summary>
    public void DrawToFront<T>(Span<T> values, int count)
    {
        for (int i = 0; i < count; i++)
        {
            int j = i + Next(values.Length - i);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }

    private static ulong SplitMix64(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>What random numbers are for, so that one use does not shift another's.</summary>
internal enum RandomStream
{
    Sequences = 1,
    Controls,
    Bootstrap,
    SignFlips,
    WeightNull,
    Resampling,
    AttributionCheck,
    UnrelatedRows,
    RandomCircuits,
    Reference,
    ControlHeads,
    CopyControls,
    Labelling,
    Demonstrations,
    KeyValueRows = 100,
    HeldOutDemonstrations,
    DemonstrationQuestions,
    NestedBootstrap,
    PriorTask,
    PriorData,
    PriorTest,
    ForeignTask,
    Emergence,
    GradientDescentWeights = 200,
    GradientDescentData,
    GradientDescentTest,
    GradientDescentSearch,
    GradientDescentSoftmax,
    GradientDescentStart,
    LinearSequences = 220,
    LinearHeads,
    SmootherTasks,
    SmootherRows,
    RegressionTraining = 240,
    RegressionTest,
    RegressionBaselines,
    SupportDraw,
    MetaTraining,
    ParadigmTest,
    ScratchWeights,
    CausalGraph = 260,
    CausalRows,
    CausalTest,
    CausalWeights,
    CausalFiniteRows,
    CausalInformation,
    CausalBatches = 270,
    CausalHeldOut,
    CausalScores,
    InContextKernel = 280,
    InContextPrompts,
    InContextTest,
}
