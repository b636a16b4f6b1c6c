using System.Diagnostics;

namespace MlNetIcl.Probes;

/// <summary>
/// Every claim of the article beside what a run of this moment finds. While a ledger runs, torch uses one thread in the whole process, so that
/// results don't depend on the number of cores; one ledger at a time.
/// </summary>
public static class ClaimsLedger
{
    /// <summary>All claims, by number.</summary>
    public static IReadOnlyList<Claim> All { get; } = [.. new Claim[]
    {
        new PreviousTokenClaim(),
        new EmergenceClaim(),
        new AblationFiguresClaim(),
        new SizeClaim(),
        new LabelNoiseClaim(),
        new RestorationClaim(),
        new FirstExampleClaim(),
        new RelativePositionClaim(),
        new LinearAttentionClaim(),
        new CausalStructureClaim(),
        new GradientDescentClaim(),
        new CrossTaskPriorClaim(),
    }.OrderBy(claim => claim.Number)];

    /// <summary>Runs the claims one after another; one that fails does not keep the others from being run.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1], each claim counting alike.</param>
    /// <param name="cancellationToken">Stops the whole ledger.</param>
    /// <returns>One result for each claim, by number.</returns>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static IReadOnlyList<ClaimResult> Run(ClaimsOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        Claim[] claims = [.. Selected(options)];
        using var context = new ClaimContext(options);
        return [.. claims.Select((claim, i) => Run(claim, context, progress.Part((double)i / claims.Length, (i + 1.0) / claims.Length), cancellationToken))];
    }

    /// <summary>The claims that the options name.</summary>
    internal static IEnumerable<Claim> Selected(ClaimsOptions options) => All.Where(claim => options.Only.Count == 0 || options.Only.Contains(claim.Number));

    /// <summary>Runs one claim.</summary>
    internal static ClaimResult Run(Claim claim, ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        try
        {
            var finding = claim.Run(context, progress, cancellationToken);
            progress?.Report(1);
            return new ClaimResult { Claim = claim, Finding = finding, Elapsed = clock.Elapsed };
        }
        // Whatever is wrong with one experiment, the others are worth their run.
#pragma warning disable CA1031
        catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return new ClaimResult { Claim = claim, Failure = error, Elapsed = clock.Elapsed };
        }
    }
}
