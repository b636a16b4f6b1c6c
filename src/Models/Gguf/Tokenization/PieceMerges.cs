namespace MlNetIcl.Models.Gguf.Tokenization;

/// <summary>
/// SentencePiece's BPE as merges. It knows no merges but scores: of all neighbours that spell a piece together, those with the highest score are
/// joined, the leftmost first (Kudo and Richardson 2018). So every way to cut a piece into two others is a merge, ranked by the piece's score.
/// </summary>
internal static class PieceMerges
{
    /// <summary>Bounds the work: the characters of all parts that are looked up. A vocabulary of a million pieces stays far below.</summary>
    private const long MostCharacters = 1L << 31;

    /// <summary>The merges, best first. Those of equal rank compete by position alone.</summary>
    /// <exception cref="ModelFormatException">A score is no number.</exception>
    /// <exception cref="UnsupportedModelException">A piece cannot be reached by joining two at a time, or pieces are absurdly long.</exception>
    public static IReadOnlyList<(string Left, string Right, int Rank)> Of(Vocabulary vocabulary, float[] scores)
    {
        if (Array.Exists(scores, float.IsNaN)) throw new ModelFormatException($"'{vocabulary.Path}': tokenizer.ggml.scores has an entry that is no number.");
        // What users define is cut out of a text before anything is joined; what is no text is never joined.
        int[] pieces = [.. Enumerable.Range(0, scores.Length).Where(id => vocabulary.Texts[id].Length > 0 && vocabulary.Kinds[id] is TokenKind.Normal or TokenKind.Unused or TokenKind.Undefined)];
        if (pieces.Sum(id => (long)vocabulary.Texts[id].Length * vocabulary.Texts[id].Length) > MostCharacters)
            throw new UnsupportedModelException($"'{vocabulary.Path}': the tokenizer's pieces are too long to be cut in every way.");

        var known = pieces.Select(id => vocabulary.Texts[id]).ToHashSet(StringComparer.Ordinal);
        // The reference joins characters that are no pieces, too; here they are bytes from the start. No trained vocabulary has such pieces.
        foreach (int id in pieces)
            if (vocabulary.Texts[id] is { Length: > 1 } text && text.EnumerateRunes().Any(rune => !known.Contains(rune.ToString())))
                throw new UnsupportedModelException($"'{vocabulary.Path}': the tokenizer's piece '{GgufMetadata.Show(text)}' has a character that is no piece itself, which is not supported.");
        var merges = new List<(string, string, int)>();
        int rank = -1;
        float before = float.NaN;
        foreach (int id in pieces.OrderByDescending(id => scores[id]))
        {
            if (scores[id] != before) (rank, before) = (rank + 1, scores[id]);
            string whole = vocabulary.Texts[id];
            for (int cut = 1; cut < whole.Length; cut++)
                if (!char.IsLowSurrogate(whole[cut]) && whole[..cut] is var left && known.Contains(left) && whole[cut..] is var right && known.Contains(right)) merges.Add((left, right, rank));
        }
        return merges;
    }
}
