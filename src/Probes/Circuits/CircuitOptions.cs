using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="CircuitTracer"/>. The defaults are the stated protocol.</summary>
public sealed record CircuitOptions
{
    /// <summary>The level that p-values of the metric and q-values of edges are held against. Range: (0, 1). <value>Default 0.01.</value></summary>
    public double Alpha { get; init; } = 0.01;

    /// <summary>
    /// The least effect of an edge, as a share of clean minus corrupted; the near end of its interval must reach it. With enough rows any
    /// trace is significant, so significance alone makes no edge. Range: [0, 1]. <value>Default 0.005.</value>
    /// </summary>
    public double Threshold { get; init; } = 0.005;

    /// <summary>The least difference of the metric between clean and corrupted rows that is traced, in the metric's unit, held against the near end of its interval. Range: finite, at least 0. <value>Default 0.5.</value></summary>
    public double LeastDifference { get; init; } = 0.5;

    /// <summary>
    /// The most edges that are patched exactly. Where the model has more in all, each edge is estimated first (<see cref="EdgeAttribution"/>, 3 steps,
    /// on the first 8 rows) and those are patched whose estimate is at least half the <see cref="Threshold"/>; where a search by estimates alone would meet more than
    /// this many, those with the largest, by one bound for all of the model. Range: at least 1. <value>Default 1,000.</value>
    /// </summary>
    public int MaxPatchedEdges { get; init; } = 1000;

    /// <summary>Random circuits that are drawn as a control. Range: at least 0. <value>Default 20.</value></summary>
    public int RandomCircuits { get; init; } = 20;

    /// <summary>Scores from which nodes take their roles. <value>Default (null): no roles, but on drawn sequences the heads are scored for them.</value></summary>
    public HeadDetectionResult? Heads { get; init; }

    /// <summary>Bootstrap resamples of each interval. Range: at least 100. <value>Default 2,000.</value></summary>
    public int Resamples { get; init; } = 2000;

    /// <summary>Seed of resamples, sign flips, random weights and random circuits. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>How patched runs are stacked; without a results file, which is named by <see cref="ResultsFile"/>. <value>Default: <see cref="SweepOptions"/>' own.</value></summary>
    public SweepOptions Sweep { get; init; } = new();

    /// <summary>
    /// A file to which values are appended as soon as they are there, and from which a search that was killed goes on: the same search with
    /// the same file computes what is missing, and gives the same circuit as one that was never interrupted. The file of another search is refused
    /// with an <see cref="InvalidDataException"/> and left as it is. <value>Default null: nothing is written.</value>
    /// </summary>
    public string? ResultsFile { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A setting is out of its range; the message says which, what it is and what it may be.</exception>
    public void Validate()
    {
        Setting.Require(Alpha is > 0 and < 1, Alpha, "strictly between 0 and 1");
        Setting.Require(Threshold is >= 0 and <= 1, Threshold, "between 0 and 1");
        Setting.Require(double.IsFinite(LeastDifference) && LeastDifference >= 0, LeastDifference, "finite and at least 0");
        Setting.Require(MaxPatchedEdges >= 1, MaxPatchedEdges, "at least 1");
        Setting.Require(RandomCircuits >= 0, RandomCircuits, "at least 0");
        Setting.Require(Resamples >= 100, Resamples, "at least 100");
        Setting.Require(Sweep.ResultsFile is null, Sweep.ResultsFile ?? "", "without a results file; name it as ResultsFile of these options", nameof(Sweep));
    }
}
