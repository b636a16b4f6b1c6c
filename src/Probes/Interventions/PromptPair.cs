using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Checks of clean and corrupted rows, whose values are exchanged position by position.</summary>
internal static class PromptPair
{
    /// <summary>The first position at which any row differs, so that nothing before it does in a causal model; the length where none does.</summary>
    public static int FirstDifference(TokenBatch clean, TokenBatch corrupted) =>
        clean.Rows.Zip(corrupted.Rows, (a, b) => a.AsSpan().CommonPrefixLength(b) is var same && same < a.Length ? same : clean.MaxLength).Min();

    /// <exception cref="InvalidTokensException">The rows differ in number or length.</exception>
    public static void Require(TokenBatch clean, TokenBatch corrupted)
    {
        ArgumentNullException.ThrowIfNull(clean);
        ArgumentNullException.ThrowIfNull(corrupted);
        if (clean.Count != corrupted.Count)
            throw new InvalidTokensException($"Expected one corrupted row for each clean row, got {clean.Count} clean and {corrupted.Count} corrupted.");
        for (int row = 0; row < clean.Count; row++)
            if (clean[row].Length != corrupted[row].Length)
                throw new InvalidTokensException($"Clean and corrupted prompts must have the same number of tokens, but row {row} has {clean[row].Length} clean and {corrupted[row].Length} corrupted ones. Reword one of them.");
    }
}
