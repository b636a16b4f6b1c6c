using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Claim 1: the article's <c>detect_induction_heads</c> calls a head that looks one position back an induction head.</summary>
internal sealed class PreviousTokenClaim : Claim
{
    internal const double ArticleThreshold = 0.5; // detect_induction_heads: copy_accuracy > 0.5

    public override int Number => 1;

    public override string Text => "A head that attends from i to i - 1 (score above 0.5) is an induction head.";

    public override string? Source => "the article's own code; Elhage et al. 2021 and Olsson et al. 2022 call it a previous-token head";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var models = ClaimModels.Given(context) is { } given ? new[] { given } : [];
        LanguageModel[] all = [ClaimModels.Embedded(context), ClaimModels.Trained(context, 1, 2, cancellationToken), .. models];
        var cases = all.Select((model, i) => Measure(model, context, progress.Part((double)i / all.Length, (i + 1.0) / all.Length), cancellationToken)).ToArray();
        return Find(cases);
    }

    /// <param name="Model">The model's name.</param>
    /// <param name="Called">Heads that the article's rule calls induction heads.</param>
    /// <param name="Induction">Heads with the verdict <c>induction</c>.</param>
    /// <param name="CalledMatch">Mean prefix matching, with interval, over the heads called so; null where there are none.</param>
    /// <param name="InductionMatch">The same over the induction heads.</param>
    /// <param name="N">Sequences.</param>
    internal sealed record Case(string Model, IReadOnlyList<string> Called, IReadOnlyList<string> Induction, ClaimFigure? CalledMatch, ClaimFigure? InductionMatch, int N);

    /// <summary>The verdict and its words from what was measured.</summary>
    internal static ClaimFinding Find(IReadOnlyList<Case> cases)
    {
        var judged = cases.Where(c => c.Called.Count + c.Induction.Count > 0).ToArray();
        int called = judged.Sum(c => c.Called.Count), right = judged.Sum(c => c.Called.Intersect(c.Induction).Count()), induction = judged.Sum(c => c.Induction.Count);
        return new ClaimFinding
        {
            Ran = $"Previous-token score as detect_induction_heads computes it and prefix matching, on {string.Join(" or ", cases.Select(c => c.N).Distinct())} sequences of repeated random tokens, of {string.Join(", ", cases.Select(c => c.Model))}.",
            Figures =
            [
                new("heads that the article's rule calls induction heads", called),
                new("of these, heads that are", right, Reference: "claimed: all"),
                new("induction heads that the rule misses", induction - right, Reference: FormattableString.Invariant($"of {induction}; claimed: none")),
                .. cases.SelectMany(c => new[] { c.CalledMatch, c.InductionMatch }).OfType<ClaimFigure>(),
            ],
            // Without a head of either kind nothing can be said.
            Verdict = called == 0 && induction == 0 ? ClaimVerdict.Depends : ClaimRules.All(judged.SelectMany(Judge)),
            Rule = "per head that the rule calls so or that is one: reproduced where both, refuted where one alone; the verdict of all heads, else depends",
            Explanation = string.Join(" ", cases.Select(c => $"{c.Model}: the rule names {Names(c.Called)}; {Names(c.Induction)} match prefixes.")),
        };
    }

    private static IEnumerable<ClaimVerdict> Judge(Case c) =>
        c.Called.Union(c.Induction).Select(head => ClaimRules.Holds(c.Called.Contains(head) && c.Induction.Contains(head)));

    private static string Names(IReadOnlyCollection<string> heads) => heads.Count switch
    {
        0 => "no head",
        <= 6 => string.Join(", ", heads),
        _ => FormattableString.Invariant($"{heads.Count} heads"),
    };

    private static Case Measure(LanguageModel model, ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var detection = ClaimModels.Heads(context, model, progress, cancellationToken);
        int n = detection.Protocol.Sequences;
        string[] induction = [.. detection.Detected(HeadKind.Induction).Select(h => h.Name)];
        string[] called = [.. detection.Heads.Where(h => h.PreviousToken.Score > ArticleThreshold).Select(h => h.Name)];
        return new Case(model.Name, called, induction, Strongest("called so", called), Strongest("induction heads", induction), n);

        // Prefix matching of the head that matches best, which is kindest to the claim.
        ClaimFigure? Strongest(string name, string[] heads) => detection.Heads.Where(h => heads.Contains(h.Name)).MaxBy(h => h.Induction.Score) is { Induction: { Score: { } score } measure } best
            ? new($"{model.Name}: prefix matching, best of the {name} ({best.Name})", score, measure.ScoreInterval, n, FormattableString.Invariant($"without repetition {measure.Control:0.000}"))
            : null;
    }
}
