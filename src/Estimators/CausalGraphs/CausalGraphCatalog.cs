using MlNetIcl.Estimators;
using MlNetIcl.Models;
using MlNetIcl.Transforms.Interop;

namespace Microsoft.ML;

/// <summary>Adds <c>ProbeCausalGraph</c> to <see cref="TransformsCatalog"/>.</summary>
public static class CausalGraphCatalog
{
    /// <summary>Learns from a column of sequences which positions decide which; every row then gets the strength of each edge.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="outputColumnName">Name of the column of strengths, one slot for each pair of positions, named <c>X3-&gt;X7</c>.</param>
    /// <param name="inputColumnName">Name of the column of sequences. Null: <paramref name="outputColumnName"/>.</param>
    public static CausalGraphEstimator ProbeCausalGraph(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName = null) =>
        catalog.ProbeCausalGraph(new CausalGraphStageOptions { OutputColumnName = outputColumnName, InputColumnName = inputColumnName });

    /// <summary>Learns from a column of sequences which positions decide which; every row then gets the strength of each edge.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="options">All settings.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static CausalGraphEstimator ProbeCausalGraph(this TransformsCatalog catalog, CausalGraphStageOptions options) => new(Catalogs.EnvironmentOf(catalog), options);

    /// <summary>Reads a graph over positions from a model's attention; every row then gets its own attention along each edge.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="outputColumnName">Name of the column of strengths, one slot for each pair of positions, named <c>X3-&gt;X7</c>.</param>
    /// <param name="inputColumnName">Name of the column of tokens. Null: <paramref name="outputColumnName"/>.</param>
    /// <param name="model">The model; it stays the caller's, who disposes it after the pipeline.</param>
    public static ModelCausalGraphEstimator ProbeCausalGraph(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, LanguageModel model) =>
        catalog.ProbeCausalGraph(model, new ModelCausalGraphStageOptions { OutputColumnName = outputColumnName, InputColumnName = inputColumnName });

    /// <summary>Reads a graph over positions from a model's attention; every row then gets its own attention along each edge.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="model">The model; it stays the caller's, who disposes it after the pipeline.</param>
    /// <param name="options">All settings.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the model has no such head.</exception>
    public static ModelCausalGraphEstimator ProbeCausalGraph(this TransformsCatalog catalog, LanguageModel model, ModelCausalGraphStageOptions options) => new(Catalogs.EnvironmentOf(catalog), model, options);
}
