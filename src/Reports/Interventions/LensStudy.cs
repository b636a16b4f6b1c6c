using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Logit lens and direct logit attribution at the last position of one prompt.</summary>
public sealed record LensStudy
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The prompt.</summary>
    public required IReadOnlyList<TokenLabel> Tokens { get; init; }

    /// <summary>The token whose logit counts.</summary>
    public required TokenLabel Answer { get; init; }

    /// <summary>The token whose logit is subtracted.</summary>
    public required TokenLabel Foil { get; init; }

    /// <summary>Whether the lens divides by the final norm's scale at the end of the run, and not by each stream's own.</summary>
    public required bool FreezeScale { get; init; }

    /// <summary>The prediction after each number of blocks; answer and foil are what was asked for.</summary>
    public required IReadOnlyList<LensLine> Lines { get; init; }

    /// <summary>The best tokens of the lines by id.</summary>
    public required IReadOnlyDictionary<int, TokenLabel> Names { get; init; }

    /// <summary>What each part of the model writes to the logit difference.</summary>
    public required DirectLogitAttributionResult Attribution { get; init; }

    /// <summary>Every part by name: the embedding, heads and MLPs layer by layer, the biases.</summary>
    internal IEnumerable<(string Name, double Value)> Parts
    {
        get
        {
            yield return ("embedding", Attribution.Embed);
            for (int layer = 0; layer < Attribution.Heads.Count; layer++)
            {
                for (int head = 0; head < Attribution.Heads[layer].Length; head++) yield return (new HeadId(layer, head).ToString(), Attribution.Heads[layer][head]);
                if (Attribution.Mlps is { } mlps) yield return (FormattableString.Invariant($"L{layer}.MLP"), mlps[layer]);
            }
            yield return ("biases", Attribution.Biases);
        }
    }

    internal IEnumerable<(string Name, double Value)> PartsByStrength => Parts.OrderByDescending(p => double.IsFinite(p.Value) ? Math.Abs(p.Value) : -1);
}
