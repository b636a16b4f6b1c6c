using MlNetIcl.Estimators;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Interop;

namespace Microsoft.ML;

/// <summary>Adds <c>PatchActivations</c> and <c>AblateHeads</c> to <see cref="TransformsCatalog"/>.</summary>
public static class InterventionCatalog
{
    /// <summary>Patches each head's output from a clean prompt into a corrupted one, and gives each head's share of the way back to the clean answer.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="outputColumnName">Name of the column of effects, one slot for each head, named <c>L5.H1</c>.</param>
    /// <param name="cleanColumnName">Name of the column of clean prompts, as tokens.</param>
    /// <param name="corruptedColumnName">Name of the column of corrupted prompts; row by row as many tokens as the clean ones.</param>
    /// <param name="answerColumnName">Name of the column with the token that should follow the clean prompt.</param>
    /// <param name="foilColumnName">Name of the column with the token that it is compared with.</param>
    /// <param name="model">The model; it stays the caller's, who disposes it after the pipeline.</param>
    public static ActivationPatchingEstimator PatchActivations(this TransformsCatalog catalog, string outputColumnName, string cleanColumnName, string corruptedColumnName,
        string answerColumnName, string foilColumnName, LanguageModel model) =>
        catalog.PatchActivations(model, new ActivationPatchingOptions
        {
            OutputColumnName = outputColumnName,
            InputColumnName = cleanColumnName,
            CorruptedColumnName = corruptedColumnName,
            AnswerColumnName = answerColumnName,
            FoilColumnName = foilColumnName,
        });

    /// <summary>Patches parts of a site from one prompt's run into another's.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="model">The model; it stays the caller's, who disposes it after the pipeline.</param>
    /// <param name="options">All settings.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the model lacks the site or a head.</exception>
    public static ActivationPatchingEstimator PatchActivations(this TransformsCatalog catalog, LanguageModel model, ActivationPatchingOptions options) =>
        new(Catalogs.EnvironmentOf(catalog), model, options);

    /// <summary>Replaces each head's output by its mean at each position over the training rows, and gives the change of every row's loss.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="outputColumnName">Name of the column of changes, one slot for each head, named <c>L5.H1</c>; positive where the row needs the head.</param>
    /// <param name="inputColumnName">Name of the column of tokens. Null: <paramref name="outputColumnName"/>.</param>
    /// <param name="model">The model; it stays the caller's, who disposes it after the pipeline.</param>
    /// <param name="heads">The heads, in the order of the output. Null: all, layer by layer.</param>
    /// <exception cref="ArgumentException">The model has no such head.</exception>
    public static HeadAblatingEstimator AblateHeads(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, LanguageModel model, IReadOnlyList<HeadId>? heads = null) =>
        catalog.AblateHeads(model, new HeadAblatingOptions { OutputColumnName = outputColumnName, InputColumnName = inputColumnName, Heads = heads });

    /// <summary>Replaces the output of heads, and gives the change of a metric of every row.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="model">The model; it stays the caller's, who disposes it after the pipeline.</param>
    /// <param name="options">All settings.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the model has no such head.</exception>
    /// <exception cref="InvalidTokensException">A reference row does not fit the model.</exception>
    public static HeadAblatingEstimator AblateHeads(this TransformsCatalog catalog, LanguageModel model, HeadAblatingOptions options) =>
        new(Catalogs.EnvironmentOf(catalog), model, options);
}
