namespace MlNetIcl.Probes;

/// <summary>How a claim stands to what was measured.</summary>
public enum ClaimVerdict
{
    /// <summary>What is claimed came out in every case that was run.</summary>
    Reproduced,

    /// <summary>What is claimed did not come out in any case that was run.</summary>
    Refuted,

    /// <summary>It came out in some cases and not in others, or the intervals leave it open.</summary>
    Depends,
}

/// <summary>A measured number of a claim.</summary>
/// <param name="Name">What was measured, and on what.</param>
/// <param name="Value">The number, in <see cref="Unit"/>.</param>
/// <param name="Interval">Its 95 % interval; null where it has none, as a count or a fact.</param>
/// <param name="N">What the interval is over (sequences, seeds, …): how many; null where there is none.</param>
/// <param name="Reference">What was claimed, or what the number is to be held against (chance, a closed form); null where nothing is.</param>
public sealed record ClaimFigure(string Name, double Value, Interval? Interval = null, int? N = null, string? Reference = null)
{
    /// <summary>The unit, as <c>%</c> or <c>nats</c>. Default: none.</summary>
    public string Unit { get; init; } = "";
}

/// <summary>What the experiment of a claim found. Immutable.</summary>
public sealed record ClaimFinding
{
    /// <summary>What was run, with its sizes and seeds.</summary>
    public required string Ran { get; init; }

    /// <summary>What was measured, the most important figure first.</summary>
    public required IReadOnlyList<ClaimFigure> Figures { get; init; }

    /// <summary>The verdict that <see cref="Rule"/> gives from the figures.</summary>
    public required ClaimVerdict Verdict { get; init; }

    /// <summary>The rule behind the verdict.</summary>
    public required string Rule { get; init; }

    /// <summary>What the figures mean, in one to three sentences.</summary>
    public required string Explanation { get; init; }
}

/// <summary>A claim with what came of it: a finding, or why there is none.</summary>
public sealed record ClaimResult
{
    /// <summary>The claim.</summary>
    public required Claim Claim { get; init; }

    /// <summary>What was found; null where the experiment failed.</summary>
    public ClaimFinding? Finding { get; init; }

    /// <summary>Why there is no finding; null where there is one.</summary>
    public Exception? Failure { get; init; }

    /// <summary>How long it took. What claims share counts for the first that asks for it.</summary>
    public required TimeSpan Elapsed { get; init; }
}
