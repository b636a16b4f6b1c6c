using System.Text.Json;

namespace MlNetIcl.Models.Tokenizers;

/// <summary>Reads the <c>model</c> of a file: vocabulary, merges and settings of a BPE.</summary>
internal static class ModelReader
{
    public static BpeModel Read(JsonStep step)
    {
        // The oldest files do not say the type.
        if (step.StringOrNull("type") is { } type and not "BPE") throw step.Unsupported($"the model '{type}' is not supported; supported is BPE");
        if (step.Find("dropout") is { } dropout && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0))
            throw step.Unsupported("dropout, which makes tokens random, is not supported; set it to null");
        var settings = new BpeSettings(
            step.StringOrNull("unk_token"),
            step.Bool("fuse_unk", missing: false),
            step.Bool("byte_fallback", missing: false),
            step.Bool("ignore_merges", missing: false),
            step.StringOrNull("continuing_subword_prefix") ?? "",
            step.StringOrNull("end_of_word_suffix") ?? "");
        var (ids, tokens) = ReadVocabulary(step);
        var merges = ReadMerges(step, ids, settings.ContinuingPrefix);
        step.Finish();
        return new BpeModel(ids, tokens, merges, settings);
    }

    private static (Dictionary<string, int> Ids, string?[] Tokens) ReadVocabulary(JsonStep step)
    {
        var vocabulary = step.Get("vocab");
        if (vocabulary.ValueKind != JsonValueKind.Object) throw step.Malformed("'vocab' should be an object of token: id");
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in vocabulary.EnumerateObject())
        {
            var token = entry.Name;
            if (!ids.TryAdd(token, step.AsId(entry.Value, $"vocab[{token}]"))) throw step.Malformed($"the token '{token}' is in 'vocab' twice");
        }

        var tokens = new string?[ids.Count == 0 ? 0 : ids.Values.Max() + 1];
        foreach (var (token, id) in ids)
        {
            if (tokens[id] is { } other) throw step.Malformed($"the tokens '{other}' and '{token}' in 'vocab' have the same id {id}");
            tokens[id] = token;
        }

        return (ids, tokens);
    }

    private static Dictionary<(int, int), Merge> ReadMerges(JsonStep step, Dictionary<string, int> ids, string prefix)
    {
        // Ranks that are shared are an addition to the format: SentencePiece leaves the order of equal scores to the place in the text.
        int[]? ranks = step.Find("merge_ranks") is null ? null : [.. step.Array("merge_ranks").Select(value => step.AsRank(value, "merge_ranks"))];
        var merges = new Dictionary<(int, int), Merge>();
        var rank = 0;
        foreach (var entry in step.Array("merges"))
        {
            // A comment line of the older merges.txt, which some files carry along. It takes no rank.
            if (entry.ValueKind == JsonValueKind.String && step.AsString(entry, "merges").StartsWith("#version", StringComparison.Ordinal)) continue;
            var (left, right) = ReadPair(step, entry, rank);
            // What continues a word is spelled with the prefix, the result without a second one.
            if (!right.StartsWith(prefix, StringComparison.Ordinal)) throw step.Malformed($"merge {rank}: '{right}' should begin with '{prefix}'");
            if (ranks is not null && rank >= ranks.Length) throw step.Malformed($"'merge_ranks' has {ranks.Length} entries for more merges");
            merges[(Id(left), Id(right))] = new Merge(ranks is null ? rank : ranks[rank], Id(left + right[prefix.Length..]));
            rank++;
        }

        return merges;

        int Id(string token) => ids.TryGetValue(token, out var id) ? id : throw step.Malformed($"merge {rank} names '{token}', which is not in 'vocab'");
    }

    private static (string Left, string Right) ReadPair(JsonStep step, JsonElement entry, int rank)
    {
        string[] pair = entry.ValueKind switch
        {
            JsonValueKind.String => step.AsString(entry, "merges").Split(' '),
            JsonValueKind.Array => [.. entry.EnumerateArray().Select(e => step.AsString(e, "merges"))],
            _ => [],
        };
        return pair.Length == 2 ? (pair[0], pair[1]) : throw step.Malformed($"merge {rank} should be 'left right' or [left, right]");
    }
}
