using System.Text.Json;
using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>A causal graph that <see cref="CausalGraphLearner"/> learned, and the attention that it was read from. Immutable; thread-safe.</summary>
public sealed class LearnedCausalGraph
{
    private readonly ParentAttention _attention;

    internal LearnedCausalGraph(ParentAttention attention, CausalGraphReading reading) => (_attention, Reading) = (attention, reading);

    /// <summary>Of the least size, for what only depends on the kind.</summary>
    internal static LearnedCausalGraph Unlearned { get; } = new(new([[1], [0, 1]], [[1, 0], [0, 1]], [[1, 0], [1, 0]], 1, [1, 1]), new()
    {
        Source = CausalGraphLearner.Source,
        Rows = 0,
        Map = new([[1], [0, 1]]),
        Graph = new([[], []]),
        Threshold = 1,
        Loss = 0,
        LossWithoutParents = 0,
    });

    /// <summary>The graph and its evidence.</summary>
    public CausalGraphReading Reading { get; }

    /// <summary>Positions of a row.</summary>
    public int Length => _attention.Length;

    /// <summary>Number of tokens.</summary>
    public int Vocabulary => _attention.Vocabulary;

    /// <summary>
    /// How strongly one row speaks for each edge, in [0, 1]: the posterior probability that the child's token came from that parent, which is attention times the
    /// likelihood of the token, over the sum of these of all earlier positions and of none. Rows do not depend on each other.
    /// </summary>
    /// <param name="row">Token ids, as many as there are positions.</param>
    /// <returns>[pair], in the order of <see cref="CausalGraphReading.Pairs"/>.</returns>
    /// <exception cref="InvalidTokensException">The row has another length, or a token is outside the vocabulary.</exception>
    public float[] Strengths(ReadOnlySpan<int> row)
    {
        if (row.Length != Length) throw new InvalidTokensException($"Expected {Length} tokens, as the graph has positions, got {row.Length}.");
        foreach (int token in row)
            if (token < 0 || token >= Vocabulary) throw new InvalidTokensException($"Token {token} is outside the vocabulary: expected 0 to {Vocabulary - 1}.");
        double[][] shares = _attention.Responsibilities(row);
        float[] strengths = new float[Length * (Length - 1) / 2];
        int at = 0;
        for (int child = 1; child < Length; child++)
            for (int parent = 0; parent < child; parent++) strengths[at++] = (float)shares[child][parent];
        return strengths;
    }

    internal string ToJson() => SettingsJson.Write(new Saved(_attention, Reading.Rows, Reading.HeldOut, Reading.Threshold, Reading.Loss!.Value, Reading.LossWithoutParents!.Value, [.. Reading.Evidence], [.. Reading.Graph.Parents.Select(p => p.ToArray())]));

    /// <exception cref="FormatException">It was saved damaged.</exception>
    internal static LearnedCausalGraph FromJson(string json)
    {
        try
        {
            var saved = SettingsJson.Read<Saved>(json) ?? throw new FormatException("The saved graph is empty.");
            if (saved.Attention is null || saved.Evidence is null || saved.Parents is null) throw new FormatException("The saved graph is damaged.");
            saved.Attention.Validate();
            var graph = new CausalGraph(saved.Parents);
            if (graph.Length != saved.Attention.Length) throw new FormatException("The saved graph has another length than its attention.");
            return new(saved.Attention, new()
            {
                Source = CausalGraphLearner.Source,
                Rows = saved.Rows,
                HeldOut = saved.HeldOut,
                Map = new(saved.Attention.Attention),
                Graph = graph,
                Threshold = saved.Threshold,
                Loss = saved.Loss,
                LossWithoutParents = saved.LossWithoutParents,
                Evidence = saved.Evidence,
            });
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            throw new FormatException($"The saved graph cannot be read: {error.Message}", error);
        }
    }

    private sealed record Saved(ParentAttention Attention, int Rows, int HeldOut, double Threshold, double Loss, double LossWithoutParents, ChildEvidence[] Evidence, int[][] Parents);
}
