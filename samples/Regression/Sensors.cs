using Microsoft.ML.Data;

namespace MlNetIcl.Samples;

/// <summary>A reading of a sensor: what it shows, and the truth.</summary>
internal sealed class Reading
{
    public const int Width = 3;

    [VectorType(Width)]
    public float[] Features { get; set; } = [];

    public float Label { get; set; }

    /// <summary>Earlier readings of the same sensor, one after the other; of some sensors none.</summary>
    public float[] KnownFeatures { get; set; } = [];

    /// <summary>Their truths.</summary>
    public float[] KnownLabels { get; set; } = [];

    [NoColumn]
    public IEnumerable<Reading> Known => KnownFeatures.Chunk(Width).Zip(KnownLabels, (features, label) => new Reading { Features = features, Label = label });
}

/// <summary>
/// Made-up sensors. All show temperature, pressure and humidity, in units of their own; the truth is a linear function of the three, another one for each
/// sensor. Labelled readings have a noisy truth, those that are asked for the truth itself.
/// </summary>
internal sealed class Sensors(int seed)
{
    private const double Noise = 4, Slope = 4, Level = 50;
    private static readonly (double Mean, double Deviation)[] Sizes = [(20, 8), (1013, 12), (55, 20)];

    private readonly Random _random = new(seed);

    public (Reading[] Labelled, Reading[] Asked) OneSensor(int labelled, int asked)
    {
        double[] weights = Weights();
        return ([.. Enumerable.Range(0, labelled).Select(_ => Read(weights, Noise))], [.. Enumerable.Range(0, asked).Select(_ => Read(weights, 0))]);
    }

    /// <summary>A reading of each of many sensors, with known ones of the same.</summary>
    public Reading[] ManySensors(int sensors, int known) => [.. Enumerable.Range(0, sensors).Select(_ =>
    {
        var (before, asked) = OneSensor(known, asked: 1);
        asked[0].KnownFeatures = [.. before.SelectMany(r => r.Features)];
        asked[0].KnownLabels = [.. before.Select(r => r.Label)];
        return asked[0];
    })];

    private double[] Weights() => [.. Enumerable.Range(0, Reading.Width).Select(_ => Slope * Normal())];

    private Reading Read(double[] weights, double noise)
    {
        double[] standard = [.. weights.Select(_ => Normal())];
        double truth = Level + standard.Zip(weights, (x, w) => x * w).Sum() + (noise * Normal());
        return new()
        {
            Features = [.. standard.Select((x, i) => (float)(Sizes[i].Mean + (Sizes[i].Deviation * x)))],
            Label = (float)Math.Max(0, truth), // as Poisson regression wants it
        };
    }

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
