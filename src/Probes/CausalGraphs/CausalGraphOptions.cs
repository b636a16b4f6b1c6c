using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>The graphs of <see cref="CausalGraphProbe"/>.</summary>
public enum CausalGraphKind
{
    /// <summary><see cref="CausalGraph.Chain"/>.</summary>
    Chain,

    /// <summary><see cref="CausalGraph.Tree"/>.</summary>
    Tree,

    /// <summary><see cref="CausalGraph.Random"/>, another one for each seed.</summary>
    Random,

    /// <summary><see cref="CausalGraph.Pairs"/>, the graph of an induction head.</summary>
    Induction,

    /// <summary><see cref="CausalGraph.SeveralParents"/>.</summary>
    SeveralParents,
}

/// <summary>Settings of <see cref="CausalGraphProbe"/>. The defaults are the protocol for one parent at most, made small.</summary>
public sealed record CausalGraphOptions
{
    /// <summary>The kind of graph. <value>Default <see cref="CausalGraphKind.Chain"/>.</value></summary>
    public CausalGraphKind Kind { get; init; }

    /// <summary>A graph of your own instead of <see cref="Kind"/>, over <see cref="Length"/> positions. <value>Default (null): none.</value></summary>
    public CausalGraph? Graph { get; init; }

    /// <summary>Positions, T. Range: 3 to 64. <value>Default 10.</value></summary>
    public int Length { get; init; } = 10;

    /// <summary>Tokens, S. Range: 2 to 32, and with several parents at most 4,096 values of them together. <value>Default 3.</value></summary>
    public int Vocabulary { get; init; } = 3;

    /// <summary>Parents of a position where <see cref="Kind"/> is <see cref="CausalGraphKind.SeveralParents"/>. Range: 2 to 4. <value>Default 2.</value></summary>
    public int Parents { get; init; } = 2;

    /// <summary>Concentration of the Dirichlet distribution of kernels' rows: large ones make children depend less on their parents. Range: 0.001 to 1,000. <value>Default 0.1.</value></summary>
    public double Alpha { get; init; } = 0.1;

    /// <summary>
    /// How far the data are faithful to the graph: 1 leaves each row of a kernel as drawn, 0 makes it the distribution of roots, so that children don't
    /// depend on their parents at all, and between are mixtures, which change no token's frequency. Range: 0 to 1. <value>Default 1.</value>
    /// </summary>
    public double Faithfulness { get; init; } = 1;

    /// <summary>Models trained, each with its own data, and with its own graph where that is random. Range: 1 to 1,000. <value>Default 1.</value></summary>
    public int Seeds { get; init; } = 1;

    /// <summary>Training steps. Range: 1 to 10,000,000. <value>Default 16,384.</value></summary>
    public int Steps { get; init; } = 16_384;

    /// <summary>Rows of a step. Range: 1 to 65,536. <value>Default 256.</value></summary>
    public int BatchRows { get; init; } = 256;

    /// <summary>Rows that training has in all, drawn from again and again. Range: 1 to 10,000,000. <value>Default (null): fresh rows at every step.</value></summary>
    public int? TrainingRows { get; init; }

    /// <summary>First learning rate, which falls to 0 by a half cosine. Range: finite, above 0. <value>Default (null): 1 for gradient descent, with one head; 0.01 for AdamW, with several.</value></summary>
    public double? LearningRate { get; init; }

    /// <summary>Heads of layer 1. Range: 1 to 4. <value>Default (null): as many as a position has parents at most.</value></summary>
    public int? Heads { get; init; }

    /// <summary>The least attention of an edge. Range: above 0, to 1. <value>Default 0.5.</value></summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>How often graph and loss are measured in training, evenly. Range: 1 to 10,000. <value>Default 64.</value></summary>
    public int Measurements { get; init; } = 64;

    /// <summary>Rows that losses are measured on in the end. Range: 16 to 1,000,000. <value>Default 16,384.</value></summary>
    public int TestRows { get; init; } = 16_384;

    /// <summary>Seed of graphs, data, weights and intervals. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>A folder for the state of each run; an interrupted one goes on from there, to the same weights. <value>Default (null): nothing is kept.</value></summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>The graph of a run.</summary>
    /// <param name="run">From 0.</param>
    public CausalGraph GraphOf(int run) => Graph ?? Kind switch
    {
        CausalGraphKind.Chain => CausalGraph.Chain(Length),
        CausalGraphKind.Tree => CausalGraph.Tree(Length),
        CausalGraphKind.Random => CausalGraph.Random(Length, SeedOf(run)),
        CausalGraphKind.Induction => CausalGraph.Pairs(Length),
        _ => CausalGraph.SeveralParents(Length, Parents),
    };

    internal int SeedOf(int run) => unchecked((Seed * 1000) + run);

    internal CausalTask TaskOf(int run) => new(GraphOf(run), Vocabulary, Alpha, Faithfulness);

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(Enum.IsDefined(Kind), Kind, "a known kind of graph");
        Setting.Require(Length is >= 3 and <= 64, Length, "from 3 to 64");
        Setting.Require(Vocabulary is >= 2 and <= 32, Vocabulary, "from 2 to 32");
        Setting.Require(Parents is >= 2 and <= 4, Parents, "from 2 to 4");
        Setting.Require(Alpha is >= 0.001 and <= 1000, Alpha, "from 0.001 to 1,000");
        Setting.Require(Faithfulness is >= 0 and <= 1, Faithfulness, "from 0 to 1");
        Setting.Require(Seeds is >= 1 and <= 1000, Seeds, "from 1 to 1,000");
        Setting.Require(Steps is >= 1 and <= 10_000_000, Steps, "from 1 to 10,000,000");
        Setting.Require(BatchRows is >= 1 and <= 65_536, BatchRows, "from 1 to 65,536");
        Setting.Require(TrainingRows is null or (>= 1 and <= 10_000_000), TrainingRows, "from 1 to 10,000,000, or null");
        Setting.Require(LearningRate is null || (double.IsFinite(LearningRate.Value) && LearningRate > 0), LearningRate, "finite and above 0");
        Setting.Require(Heads is null or (>= 1 and <= 4), Heads, "from 1 to 4");
        Setting.Require(Threshold is > 0 and <= 1, Threshold, "above 0 and at most 1");
        Setting.Require(Measurements is >= 1 and <= 10_000, Measurements, "from 1 to 10,000");
        Setting.Require(TestRows is >= 16 and <= 1_000_000, TestRows, "from 16 to 1,000,000");
        Setting.Require(Graph is null || Graph.Length == Length, Graph?.Length, $"a graph of {Length} positions, as {nameof(Length)} says", nameof(Graph));
        int most = Graph?.MostParents ?? (Kind == CausalGraphKind.SeveralParents ? Parents : 1);
        Setting.Require(most <= 4, most, "a graph with at most 4 parents of a position", nameof(Graph));
        Setting.Require(Math.Pow(Vocabulary, most) <= 4096, Vocabulary, $"so small that {most} parents have at most 4,096 values together");
    }
}
