using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>What makes two sweeps the same: one line of JSON, the head of a results file.</summary>
internal static class SweepIdentity
{
    /// <exception cref="ArgumentException">A patch has no identity.</exception>
    public static string Of(LanguageModel model, TokenBatch tokens, IReadOnlyList<Patch> patches, PatchMetric metric, IEnumerable<SweepStack> stacks)
    {
        var parts = patches.Select((patch, i) => patch.Identity ?? throw new ArgumentException(
            $"Patch {i} has no identity, so no results file could tell it from another. Set {nameof(Patch)}.{nameof(Patch.Identity)}, or sweep without a results file."));
        return new JsonObject
        {
            ["mlneticl_sweep"] = 1,
            ["model"] = ModelDigest.Of(model),
            ["device"] = model.Device.type.ToString(),
            ["tokens"] = OfTokens(tokens),
            ["metric"] = metric.Identity,
            ["patches"] = Digest(parts),
            ["stacking"] = Digest(stacks.Select(s => s.ToString())),
        }.ToJsonString();
    }

    /// <summary>The same of a circuit's search and evaluation, which follow from these alone.</summary>
    public static string OfCircuit(LanguageModel model, TokenBatch clean, TokenBatch corrupted, PatchMetric metric, CircuitOptions options) => new JsonObject
    {
        ["mlneticl_circuit"] = 1,
        ["model"] = ModelDigest.Of(model),
        ["device"] = model.Device.type.ToString(),
        ["tokens"] = Digest([OfTokens(clean), OfTokens(corrupted)]),
        ["metric"] = metric.Identity,
        ["options"] = string.Create(CultureInfo.InvariantCulture, $"{options.Alpha:R} {options.Threshold:R} {options.LeastDifference:R} {options.MaxPatchedEdges} {options.RandomCircuits} {options.Resamples} {options.Seed}"),
        ["stacking"] = string.Create(CultureInfo.InvariantCulture, $"{options.Sweep.MaxActivationBytes} {options.Sweep.MaxStack}"),
    }.ToJsonString();

    /// <summary>A digest of rows of tokens.</summary>
    public static string OfTokens(TokenBatch tokens) => Digest(tokens.Rows.Select(row => string.Join(',', row)));

    /// <summary>Which parts of an identity differ from those of another text, which may be anything.</summary>
    public static string Difference(string expected, string found)
    {
        var ours = JsonNode.Parse(expected)!.AsObject();
        string kind = ours.First().Key;
        try
        {
            if (JsonNode.Parse(found) is JsonObject theirs && theirs.ContainsKey(kind))
                return "another " + string.Join(", another ", ours.Where(part => !JsonNode.DeepEquals(part.Value, theirs[part.Key])).Select(part => part.Key));
        }
        catch (JsonException)
        {
            // no results file at all
        }
        return kind == "mlneticl_circuit" ? "no results of a circuit's search" : "no results of a sweep";
    }

    private static string Digest(IEnumerable<string> lines)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string line in lines) hash.AppendData(Encoding.UTF8.GetBytes($"{line.Length}:{line}\n"));
        return Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant();
    }
}
