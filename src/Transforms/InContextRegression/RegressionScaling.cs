using System.Text.Json.Serialization;
using MlNetIcl.Probes;

namespace MlNetIcl.Transforms.InContextRegression;

/// <summary>
/// Brings data to the sizes of the tasks that a regressor was trained on, and its answers back: features and label less their mean, over their
/// standard deviation, times what the family's have. A feature that never varies becomes 0.
/// </summary>
internal sealed record RegressionScaling
{
    public required double[] Means { get; init; }

    public required double[] Deviations { get; init; }

    public double LabelMean { get; init; }

    public double LabelDeviation { get; init; } = 1;

    /// <summary>What the family's inputs and outputs have where values have 1.</summary>
    public double InputUnit { get; init; } = 1;

    public double OutputUnit { get; init; } = 1;

    [JsonIgnore]
    public int Features => Means.Length;

    /// <summary>Leaves values as they are.</summary>
    public static RegressionScaling Identity(int features) => new() { Means = new double[features], Deviations = [.. Enumerable.Repeat(1.0, features)] };

    /// <summary>From what was seen of the data; the label's size is that of a task with so many inputs.</summary>
    public static RegressionScaling Of(MomentSum[] features, MomentSum label, InContextRegressorOptions regressor) => new()
    {
        Means = [.. features.Select(f => f.Mean)],
        Deviations = [.. features.Select(f => f.Deviation)],
        LabelMean = label.Mean,
        LabelDeviation = label.Deviation == 0 ? 1 : label.Deviation,
        InputUnit = regressor.Family.Input(),
        OutputUnit = regressor.Family.Output(features.Length),
    };

    /// <summary>Writes a row's features to the front of a longer row; what follows stays.</summary>
    public void Scale(ReadOnlySpan<float> features, Span<float> scaled)
    {
        for (int i = 0; i < Means.Length; i++)
            scaled[i] = Deviations[i] == 0 ? 0 : (float)((features[i] - Means[i]) / Deviations[i] * InputUnit);
    }

    public float Scale(float label) => (float)((label - LabelMean) / LabelDeviation * OutputUnit);

    public float Unscale(double answer) => (float)(LabelMean + (answer / OutputUnit * LabelDeviation));

    /// <exception cref="FormatException">It was saved damaged.</exception>
    public void Validate()
    {
        bool sound = Means is { Length: > 0 } && Deviations is not null && Deviations.Length == Means.Length && Means.All(double.IsFinite) && Deviations.All(d => double.IsFinite(d) && d >= 0)
            && double.IsFinite(LabelMean) && double.IsFinite(LabelDeviation) && LabelDeviation > 0 && double.IsFinite(InputUnit) && double.IsFinite(OutputUnit) && OutputUnit > 0;
        if (!sound) throw new FormatException("The saved stage's scaling is damaged.");
    }
}

/// <summary>Mean and standard deviation of values as they come (Welford 1962).</summary>
internal struct MomentSum
{
    private long _count;
    private double _squares;

    public double Mean { get; private set; }

    /// <summary>0 where there are fewer than two values, or all are equal.</summary>
    public readonly double Deviation => _count < 2 ? 0 : Math.Sqrt(_squares / (_count - 1));

    public void Add(double value)
    {
        double before = value - Mean;
        Mean += before / ++_count;
        _squares += before * (value - Mean);
    }
}
