using MlNetIcl.Models;
using static System.FormattableString;

namespace MlNetIcl.Probes;

/// <summary>Claim 4: induction heads come with size, from 1B parameters on.</summary>
internal sealed class SizeClaim : Claim
{
    internal const long ClaimedParameters = 1_000_000_000;

    public override int Number => 4;

    public override string Text => "Almost all transformers above 1B parameters have induction heads (so that size decides).";

    public override string? Source => "no source found for a threshold; Olsson et al. 2022 find them in all models of two layers and more that they trained";

    internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var models = new List<Func<LanguageModel>>();
        for (int seed = 1; seed <= CopyCircuit.Seeds(context); seed++)
        {
            int own = seed;
            models.Add(() => ClaimModels.Trained(context, own, 2, cancellationToken));
        }
        models.Add(() => ClaimModels.Trained(context, 1, 1, cancellationToken));
        models.Add(() => ClaimModels.Embedded(context));
        if (ClaimModels.Given(context) is { } given) models.Add(() => given);

        var cases = new List<Case>();
        foreach (var model in models)
        {
            var part = progress.Part((double)cases.Count / models.Count, (cases.Count + 1.0) / models.Count);
            var loaded = model();
            var detection = ClaimModels.Heads(context, loaded, part, cancellationToken);
            var best = detection.Heads.MaxBy(h => h.Induction.Difference)!;
            cases.Add(new Case(loaded.Name, loaded.Config.Layers, loaded.ParameterCount, detection.Detected(HeadKind.Induction).Count(), detection.Heads.Count,
                new ClaimFigure("", best.Induction.Difference!.Value, best.Induction.DifferenceInterval, detection.Protocol.Sequences)));
        }
        return Find(cases);
    }

    /// <param name="Model">The model's name.</param>
    /// <param name="Layers">Its layers.</param>
    /// <param name="Parameters">Its parameters.</param>
    /// <param name="Induction">Its heads with the verdict <c>induction</c>.</param>
    /// <param name="Heads">Its heads.</param>
    /// <param name="Best">The largest prefix matching minus its control.</param>
    internal sealed record Case(string Model, int Layers, long Parameters, int Induction, int Heads, ClaimFigure Best);

    /// <summary>The verdict and its words from what was measured.</summary>
    internal static ClaimFinding Find(IReadOnlyList<Case> cases)
    {
        Case[] deep = [.. cases.Where(c => c.Layers > 1)], small = [.. deep.Where(c => c.Induction > 0).OrderBy(c => c.Parameters).Take(1)];
        return new ClaimFinding
        {
            Ran = $"Head detection on repeated random tokens (icl heads), in {string.Join(", ", cases.Select(c => Invariant($"{c.Model} ({c.Layers} {(c.Layers == 1 ? "layer" : "layers")}, {c.Parameters:N0} parameters)")))}.",
            Figures =
            [
                .. small.Select(c => new ClaimFigure($"parameters of the smallest model with induction heads ({c.Model})", c.Parameters, Reference: "claimed: above 1,000,000,000")),
                .. cases.Select(c => new ClaimFigure(Invariant($"{c.Model}: induction heads, of {c.Heads}"), c.Induction)),
                .. cases.Select(c => c.Best with { Name = $"{c.Model}: best prefix matching above its control", Reference = Invariant($"an induction head from {new HeadDetectionOptions().Threshold:0.0} on") }),
            ],
            Verdict = deep.Length == 0 ? ClaimVerdict.Depends : ClaimRules.All(deep.Select(c => ClaimRules.Holds(c.Induction > 0 == c.Parameters > ClaimedParameters))),
            Rule = "per model of two layers and more: reproduced where it has induction heads exactly if it is above 1B, else refuted; the verdict of all, else depends",
            Explanation = small is [var least]
                ? Invariant($"{least.Model}, {(double)ClaimedParameters / least.Parameters:N0} times below the claimed size, has {least.Induction}; ") + Depth(cases) + (cases.Any(c => c.Parameters > ClaimedParameters) ? "" : " No model above 1B was run, so that such models have them was not tested; that it takes the size was.")
                : "No model that was run has an induction head.",
        };
    }

    private static string Depth(IEnumerable<Case> cases) => cases.Where(c => c.Layers == 1).ToArray() switch
    {
        [] => "no model of one layer was run.",
        var shallow when shallow.All(c => c.Induction == 0) => "models of one layer have none: depth and training data decide, not size.",
        _ => "a model of one layer has some, too.",
    };
}
