using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace MlNetIcl.Models;

/// <summary>What identifies a model as it is in memory, wherever it came from.</summary>
internal static class ModelDigest
{
    private const long ChunkElements = 1 << 22;

    /// <summary>SHA-256 over configuration and weights, in lower-case hexadecimal. Reads all weights: about a second for a gigabyte.</summary>
    public static string Of(LanguageModel model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(SettingsJson.Write(model.Config)));
        if (model.IsGraph)
        {
            foreach (var file in model.Files!.Fingerprint) hash.AppendData(Encoding.UTF8.GetBytes($"\n{file.Name} {file.Length} {file.Sha256}"));
            return Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant();
        }
        foreach (var (name, value) in model.Weights.Named())
        {
            using var scope = NewDisposeScope();
            hash.AppendData(Encoding.UTF8.GetBytes($"\n{name} {value.dtype} {Shapes.Show(value.shape)}\n"));
            var flat = value.detach().cpu().contiguous().view(-1);
            for (long done = 0; done < flat.numel(); done += ChunkElements)
            {
                using var chunk = flat.narrow(0, done, Math.Min(ChunkElements, flat.numel() - done));
                hash.AppendData(chunk.bytes);
            }
        }
        return Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant();
    }
}
