// How to add a claim: derive a class from Claim in a file of this folder (or of the experiment's own), give it number, text, source and command,
// compute its verdict from its figures by a stated rule (ClaimRules has the usual ones), and add one line to ClaimsLedger.All.
// What several claims need and takes long is run once: context.Share("name", () => …). Sizes come from context.Options.Quick, seeds from .Seed.
// What Run throws is reported as the claim's failure, and the other claims still run. No clock, no order and no machine may show in a finding.
namespace MlNetIcl.Probes;

/// <summary>A claim of the article about in-context learning, and the experiment that tests it. Immutable; thread-safe.</summary>
public abstract class Claim
{
    private protected Claim() { }

    /// <summary>Its number in the ledger, from 1.</summary>
    public abstract int Number { get; }

    /// <summary>What is claimed, in one sentence.</summary>
    public abstract string Text { get; }

    /// <summary>Who has shown it, or from whom it is taken; null where no source could be found.</summary>
    public virtual string? Source => null;

    /// <summary>The command that runs it alone.</summary>
    public virtual string Command => FormattableString.Invariant($"icl claims --only {Number}");

    /// <summary>Runs the experiment. What it throws becomes the claim's failure, except that a cancelled token cancels the whole ledger.</summary>
    internal abstract ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken);
}
