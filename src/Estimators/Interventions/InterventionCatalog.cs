using MlNetIcl.Estimators;
using MlNetIcl.Models;
using MlNetIcl.Transforms.Interop;

namespace Microsoft.ML;

/// <summary>Adds <c>PatchActivations</c> to <see cref="TransformsCatalog"/>.</summary>
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
}
