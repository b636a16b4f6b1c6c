using System.Runtime.InteropServices;
using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Transforms.Interventions;

/// <summary>Head outputs that stand in for ablated ones: for each position of some layers a value of every head, learned from reference rows.</summary>
/// <remarks>Owns its tensors. Thread-safe.</remarks>
internal sealed class HeadOutputTable : IDisposable
{
    private readonly Dictionary<Site, Tensor> _values; // [pos, head, d_head], float32

    /// <param name="values">By site, head outputs [pos, head, d_head], float32; owned from here on.</param>
    /// <param name="goesOn">Whether the last position stands for all later ones.</param>
    /// <param name="tokens">The row that the values are from; null where they are means.</param>
    public HeadOutputTable(Dictionary<Site, Tensor> values, bool goesOn, int[]? tokens = null) => (_values, GoesOn, Tokens) = (values, goesOn, tokens);

    public bool GoesOn { get; }

    public int[]? Tokens { get; }

    public int Positions => (int)_values.Values.First().shape[0];

    /// <summary>Whether the values can stand in for a row's: they reach far enough and are not that row's own.</summary>
    public bool CanStandInFor(ReadOnlySpan<int> row) => (GoesOn || row.Length <= Positions) && !Tokens.AsSpan().StartsWith(row);

    /// <summary>By site, the values for rows of up to a length [1, pos, head, d_head]; in the current dispose scope.</summary>
    public IReadOnlyDictionary<Site, Tensor> For(int length) => _values.ToDictionary(v => v.Key, v =>
    {
        using var scope = NewDisposeScope();
        int own = Math.Min(length, Positions);
        var value = v.Value.narrow(0, 0, own);
        if (own < length) value = cat([value, v.Value.narrow(0, Positions - 1, 1).expand([length - own, .. v.Value.shape[1..]])], 0);
        return value.unsqueeze(0).MoveToOuterDisposeScope();
    });

    /// <summary>The values, site by site, as little-endian float32.</summary>
    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        foreach (var value in _values.OrderBy(v => v.Key.Layer).Select(v => v.Value))
        {
            using var dense = value.cpu().contiguous();
            bytes.Write(MemoryMarshal.AsBytes<float>(dense.data<float>().ToArray()));
        }
        return bytes.ToArray();
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote.</summary>
    /// <exception cref="FormatException">The shape contradicts the model's, or there are not as many values.</exception>
    public static HeadOutputTable FromBytes(HeadOutputTableShape shape, byte[] bytes, DecoderConfig config, Device device)
    {
        long row = (long)config.Heads * config.DHead, each = shape.Positions * row * sizeof(float);
        if (shape.Positions < 1 || shape.Layers is not { Count: > 0 } || shape.Layers.Any(l => (uint)l >= (uint)config.Layers) || shape.Layers.Distinct().Count() < shape.Layers.Count
            || bytes.Length != each * shape.Layers.Count || (shape.Tokens is { } tokens && tokens.Count != shape.Positions))
            throw new FormatException("The saved stage's head outputs are damaged, or were learned from another model.");
        int i = 0;
        var values = shape.Layers.Order().ToDictionary(Site.Z, layer =>
        {
            float[] own = MemoryMarshal.Cast<byte, float>(bytes.AsSpan((int)(each * i++), (int)each)).ToArray();
            return tensor(own, [shape.Positions, config.Heads, config.DHead], device: device).DetachFromDisposeScope();
        });
        return new HeadOutputTable(values, shape.GoesOn, shape.Tokens?.ToArray());
    }

    public HeadOutputTableShape Shape => new() { Positions = Positions, Layers = [.. _values.Keys.Select(site => site.Layer).Order()], GoesOn = GoesOn, Tokens = Tokens };

    public void Dispose()
    {
        foreach (var value in _values.Values) value.Dispose();
    }
}

/// <summary>What a table is, beside its values. Saved as JSON.</summary>
internal sealed record HeadOutputTableShape
{
    public required int Positions { get; init; }

    public required IReadOnlyList<int> Layers { get; init; }

    public bool GoesOn { get; init; }

    public IReadOnlyList<int>? Tokens { get; init; }
}
