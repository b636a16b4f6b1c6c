using static TorchSharp.torch;

namespace MlNetIcl.Models;

/// <summary>Cosines and sines of the rotary embedding (Su et al. 2021), for some positions.</summary>
internal sealed class RotaryTable
{
    private readonly int _half;
    private readonly Tensor _cos; // [pos, 1, dim / 2]
    private readonly Tensor _sin;

    public RotaryTable(RotaryConfig config, long[] positions, ScalarType type, Device device)
    {
        _half = config.Dimensions / 2;
        float[] frequencies = Frequencies(config);
        int length = positions.Length;
        float[] cos = new float[length * _half], sin = new float[length * _half];
        for (int pos = 0; pos < length; pos++)
            for (int i = 0; i < _half; i++)
            {
                // Rounded to single precision as the models' own training code does, so that long rows agree with it.
                float angle = positions[pos] * frequencies[i];
                cos[(pos * _half) + i] = MathF.Cos(angle);
                sin[(pos * _half) + i] = MathF.Sin(angle);
            }
        _cos = tensor(cos, [length, 1, _half], device: device).to_type(type);
        _sin = tensor(sin, [length, 1, _half], device: device).to_type(type);
    }

    /// <summary>Rotates queries or keys [batch, pos, head, d_head]; dimension i is paired with i + dim / 2, the rest passes through.</summary>
    public Tensor Rotate(Tensor x)
    {
        using var scope = NewDisposeScope();
        long rest = x.shape[3] - (2 * _half);
        var first = x.narrow(3, 0, _half);
        var second = x.narrow(3, _half, _half);
        var a = (first * _cos).addcmul(second, _sin, Kept.Scalar(-1));
        var b = (second * _cos).addcmul(first, _sin, Kept.One);
        var rotated = rest == 0 ? cat([a, b], 3) : cat([a, b, x.narrow(3, 2 * _half, rest)], 3);
        return rotated.MoveToOuterDisposeScope();
    }

    internal static float[] Frequencies(RotaryConfig config)
    {
        int half = config.Dimensions / 2;
        var frequencies = new float[half];
        for (int i = 0; i < half; i++)
        {
            double frequency = 1 / Math.Pow(config.Base, 2.0 * i / config.Dimensions);
            if (config.Scaling is { } s) frequency = Scale(frequency, s);
            frequencies[i] = (float)(config.FrequencyDivisors is { } divisors ? frequency / divisors[i] : frequency);
        }
        return frequencies;
    }

    // Llama 3.1: wavelengths beyond the original context are stretched, short ones kept, those between blended.
    private static double Scale(double frequency, Llama3RotaryScaling s)
    {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < s.OriginalContext / s.HighFrequencyFactor) return frequency;
        if (wavelength > s.OriginalContext / s.LowFrequencyFactor) return frequency / s.Factor;
        double smooth = ((s.OriginalContext / wavelength) - s.LowFrequencyFactor) / (s.HighFrequencyFactor - s.LowFrequencyFactor);
        return ((1 - smooth) * frequency / s.Factor) + (smooth * frequency);
    }
}
