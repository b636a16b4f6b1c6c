namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="ClaimsLedger"/>.</summary>
public sealed record ClaimsOptions
{
    /// <summary>Whether experiments are as small as their verdicts allow, 15 minutes on two cores in all, or larger, for hours. <value>Default true.</value></summary>
    public bool Quick { get; init; } = true;

    /// <summary>Seed of all experiments; each derives its own from it. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Numbers of the claims to run. <value>Default (empty): all.</value></summary>
    public IReadOnlyList<int> Only { get; init; } = [];

    /// <summary>A model, as a folder or file, that the claims about models in general are also tested on. <value>Default (null): none.</value></summary>
    public string? ModelPath { get; init; }

    /// <summary>A table of texts and labels (TSV or CSV with a header) for the claims about labels, used with <see cref="ModelPath"/>. <value>Default (null): none.</value></summary>
    public string? DataPath { get; init; }

    /// <summary>Checks <see cref="Only"/>.</summary>
    /// <exception cref="ArgumentException">There is no claim of a number, or one stands twice.</exception>
    public void Validate()
    {
        int[] known = [.. ClaimsLedger.All.Select(c => c.Number).Order()];
        foreach (int number in Only)
            if (!known.Contains(number)) throw new ArgumentException(FormattableString.Invariant($"There is no claim {number}. Claims: {string.Join(", ", known)}."), nameof(Only));
        if (Only.Distinct().Count() != Only.Count) throw new ArgumentException("A claim is named twice.", nameof(Only));
    }
}
