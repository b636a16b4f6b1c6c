using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>The shape of a trained decoder: attention only, LayerNorm, positions added to queries and keys (Shortformer).</summary>
/// <param name="Layers">Number of layers. Range: 1 to 12.</param>
/// <param name="Width">d_model. Range: 8 to 1,024, a multiple of <paramref name="Heads"/>.</param>
/// <param name="Heads">Heads in each layer. Range: at least 1.</param>
public sealed record EmergenceSize(int Layers, int Width, int Heads);

/// <summary>Settings of <see cref="EmergenceProbe"/>.</summary>
public sealed record EmergenceOptions
{
    /// <summary>
    /// The shapes to train, the first being the one in question. <value>Default: two layers of width 64 with 4 heads, and one such layer as the
    /// control: composition of two layers is what an induction head is made of.</value>
    /// </summary>
    public IReadOnlyList<EmergenceSize> Sizes { get; init; } = [new(2, 64, 4), new(1, 64, 4)];

    /// <summary>Models trained of each shape, each from other weights and on other data. Range: 1 to 100. <value>Default 5.</value></summary>
    public int Seeds { get; init; } = 5;

    /// <summary>Steps of each training, of 2,048 tokens (32 rows of 64). Range: at least 100. <value>Default 1,000.</value></summary>
    public int Steps { get; init; } = 1000;

    /// <summary>Steps between measurements; beside them the first weights and the last are measured. Range: 1 to <see cref="Steps"/>. <value>Default 20.</value></summary>
    public int Every { get; init; } = 20;

    /// <summary>Held-out sequences that every checkpoint is measured on. Range: 16 to 1,000. <value>Default 16.</value></summary>
    public int Sequences { get; init; } = 16;

    /// <summary>The least rise of a curve in which a change point is looked for. Range: (0, 1]. <value>Default 0.2, the threshold of a verdict.</value></summary>
    public double LeastRise { get; init; } = 0.2;

    /// <summary>Bootstrap resamples of each interval. Range: 100 to 100,000. <value>Default 1,000.</value></summary>
    public int Resamples { get; init; } = 1000;

    /// <summary>Seed of weights, data, held-out sequences and intervals. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>
    /// A folder for the state of each run and its model at each checkpoint. A run that was interrupted goes on from there to the same
    /// weights, bit for bit. <value>Default (null): nothing is kept.</value>
    /// </summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>The default shapes, and around them other widths, numbers of heads and a third layer: the axis of model size.</summary>
    public static IReadOnlyList<EmergenceSize> Grid { get; } =
        [new(2, 64, 4), new(1, 64, 4), new(2, 32, 4), new(2, 128, 4), new(2, 64, 1), new(2, 64, 2), new(2, 64, 8), new(3, 64, 4)];

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A setting is out of its range; the message says which, what it is and what it may be.</exception>
    public void Validate()
    {
        Setting.Require(Sizes.Count > 0, Sizes.Count, "at least one", nameof(Sizes));
        foreach (var size in Sizes)
        {
            Setting.Require(size.Layers is >= 1 and <= 12, size.Layers, "from 1 to 12");
            Setting.Require(size.Heads >= 1, size.Heads, "at least 1");
            Setting.Require(size.Width is >= 8 and <= 1024 && size.Width % size.Heads == 0, size.Width, $"from 8 to 1,024 and a multiple of the heads, {size.Heads}");
        }
        Setting.Require(Sizes.Distinct().Count() == Sizes.Count, Sizes.Count, "different shapes", nameof(Sizes));
        Setting.Require(Seeds is >= 1 and <= 100, Seeds, "from 1 to 100");
        Setting.Require(Steps >= 100, Steps, "at least 100");
        Setting.Require(Every >= 1 && Every <= Steps, Every, $"from 1 to the number of steps, {Steps}");
        Setting.Require(Sequences is >= 16 and <= 1000, Sequences, "from 16 to 1,000");
        Setting.Require(LeastRise is > 0 and <= 1, LeastRise, "above 0 and at most 1");
        Setting.Require(Resamples is >= 100 and <= 100_000, Resamples, "from 100 to 100,000");
    }
}
