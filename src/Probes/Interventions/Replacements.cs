using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What ablation puts in place of a site's own values.</summary>
internal static class Replacements
{
    /// <summary>By site, the mean over the reference set, which broadcasts to the site's value; in the current dispose scope. Empty for zero ablation, which needs none.</summary>
    public static Dictionary<Site, Tensor> Means(LanguageModel model, TokenBatch tokens, Site[] sites, AblationOptions options, CancellationToken cancellation)
    {
        if (sites.Length == 0 || options.Kind == AblationKind.Zero) return [];
        var reference = options.Reference ?? tokens;
        Validate(tokens, reference, sites, options);
        using var means = new ReferenceMeans(sites);
        options.Sweep.Validate();
        int rows = options.Sweep.RowsFor(new SweepMemory(model.Config, reference.MaxLength, [], keepsKeys: false), reference.Count, reference.MaxLength);
        for (int first = 0; first < reference.Count; first += rows) means.Add(model, reference.Block(first, rows), cancellation);
        return sites.ToDictionary(site => site, site => (options.Kind == AblationKind.Mean ? means.Pooled(site, tokens.MaxLength) : means.PerPosition(site, tokens.MaxLength)).unsqueeze(0));
    }

    /// <summary>For each row, another row of the reference set.</summary>
    public static TokenBatch Drawn(TokenBatch tokens, Site[] sites, AblationOptions options)
    {
        Validate(tokens, options.Reference ?? tokens, sites, options);
        var random = new SeededRandom(options.Seed, RandomStream.Resampling);
        return new(options.Reference is { } reference
            ? [.. tokens.Rows.Select(_ => reference.Rows[random.Next(reference.Count)])]
            : [.. tokens.Rows.Select((_, i) => tokens.Rows[(i + 1 + random.Next(tokens.Count - 1)) % tokens.Count])]);
    }

    private static void Validate(TokenBatch tokens, TokenBatch reference, Site[] sites, AblationOptions options)
    {
        bool means = options.Kind is AblationKind.Mean or AblationKind.MeanPerPosition;
        if (means && sites.FirstOrDefault(s => s.Kind is SiteKind.Pattern or SiteKind.Scores) is { Kind: SiteKind.Pattern or SiteKind.Scores } site)
            throw new ArgumentException($"'{site}' has no mean to ablate with: its entries are pairs of positions. Use zero or resample ablation, or knock-out.");
        if (options.Kind == AblationKind.MeanPerPosition && reference.MaxLength < tokens.MaxLength)
            throw new InvalidTokensException($"The reference rows have up to {reference.MaxLength} tokens, but the rows up to {tokens.MaxLength}: there is no mean for the last positions. Give longer reference rows, or use pooled means.");
        if (options.Kind != AblationKind.Resample) return;
        if (options.Reference is null && tokens.Count < 2)
            throw new InvalidTokensException("Resample ablation takes values from another row, but there is one row and no reference set. Give a reference set.");
        if (!reference.IsRectangular || !tokens.IsRectangular || reference.MaxLength != tokens.MaxLength)
            throw new InvalidTokensException($"Resample ablation needs rows of one length, got rows of up to {tokens.MaxLength} and reference rows of up to {reference.MaxLength} tokens.");
    }
}
