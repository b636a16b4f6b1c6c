using static TorchSharp.torch;

namespace MlNetIcl.Models;

/// <summary>What is added to the attention scores: the causal mask, windows, ALiBi's slopes, T5's buckets.</summary>
internal static class AttentionBias
{
    /// <summary>Key minus query [query, key], int64: at most 0 where the query may look.</summary>
    /// <param name="queries">The positions of the queries.</param>
    /// <param name="length">Number of keys, which stand at positions from 0.</param>
    /// <param name="device">Where they are made.</param>
    public static Tensor Offsets(long[] queries, int length, Device device)
    {
        using var scope = NewDisposeScope();
        return (Kept.Range(length, device).unsqueeze(0) - tensor(queries, device: device).unsqueeze(1)).MoveToOuterDisposeScope();
    }

    /// <summary>0 where a query sees a key, -inf elsewhere [query, key].</summary>
    /// <param name="offsets">Key minus query [query, key].</param>
    /// <param name="window">How many keys a query sees, itself included; 0 for all before it.</param>
    public static Tensor Causal(Tensor offsets, int window)
    {
        using var scope = NewDisposeScope();
        var hidden = offsets.gt(Kept.Scalar(0));
        if (window > 0) hidden = hidden.logical_or(offsets.le(Kept.Scalar(-window)));
        return zeros(offsets.shape, ScalarType.Float32, offsets.device).masked_fill(hidden, Kept.Scalar(float.NegativeInfinity)).MoveToOuterDisposeScope();
    }

    /// <summary>ALiBi's penalty slope * (key - query) [head, query, key] (Press et al. 2022).</summary>
    public static Tensor Alibi(int heads, Tensor offsets)
    {
        using var scope = NewDisposeScope();
        return (tensor(AlibiSlopes(heads), device: offsets.device).view(heads, 1, 1) * offsets.to_type(ScalarType.Float32)).MoveToOuterDisposeScope();
    }

    /// <summary>2^(-8h/H) for h = 1..H; where H is no power of two, the slopes of the power below it, then every other one of the power above.</summary>
    public static float[] AlibiSlopes(int heads)
    {
        int power = 1 << (31 - int.LeadingZeroCount(heads));
        return [.. Enumerable.Range(1, power).Select(h => (float)Math.Pow(2, -8.0 * h / power)),
                .. Enumerable.Range(0, heads - power).Select(i => (float)Math.Pow(2, -8.0 * ((2 * i) + 1) / (2 * power)))];
    }

    /// <summary>T5's learned bias by bucketed distance [head, query, key] (Raffel et al. 2020), for a decoder: all offsets look back.</summary>
    public static Tensor T5(Tensor table, Tensor offsets, int buckets, int maxDistance)
    {
        using var scope = NewDisposeScope();
        var (queries, length) = (offsets.shape[0], offsets.shape[1]);
        long[] byDistance = [.. Enumerable.Range(0, (int)length).Select(distance => (long)T5Bucket(distance, buckets, maxDistance))];
        var ids = tensor(byDistance, device: table.device).index_select(0, offsets.neg().clamp(min: Kept.Scalar(0)).view(-1));
        return table.index_select(0, ids).view(queries, length, -1).permute(2, 0, 1).MoveToOuterDisposeScope(); // from [query * key, head]
    }

    internal static int T5Bucket(int distance, int buckets, int maxDistance)
    {
        int exact = buckets / 2;
        if (distance < exact) return distance;
        int bucket = exact + (int)(Math.Log((double)distance / exact) / Math.Log((double)maxDistance / exact) * (buckets - exact));
        return Math.Min(bucket, buckets - 1);
    }
}
