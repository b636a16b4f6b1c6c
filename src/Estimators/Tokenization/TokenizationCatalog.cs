using MlNetIcl.Estimators;
using MlNetIcl.Models;
using MlNetIcl.Models.Tokenizers;
using MlNetIcl.Transforms.Interop;

namespace Microsoft.ML;

/// <summary>Adds <c>TokenizePrompt</c> to <see cref="TransformsCatalog"/>.</summary>
public static class TokenizationCatalog
{
    /// <summary>Splits prompts into tokens with the tokenizer of a model.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="outputColumnName">Name of the column of tokens: keys, which are the token ids plus one.</param>
    /// <param name="inputColumnName">Name of the text column. Null: <paramref name="outputColumnName"/>.</param>
    /// <param name="model">A model that came with a tokenizer.</param>
    /// <exception cref="ArgumentException">The model has no tokenizer.</exception>
    public static PromptTokenizingEstimator TokenizePrompt(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, LanguageModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var tokenizer = model.Tokenizer
            ?? throw new ArgumentException(model.TokenizerProblem is { } problem
                ? $"The tokenizer of the model '{model.Name}' cannot be used: {problem} Pass another tokenizer."
                : $"The model '{model.Name}' came without a tokenizer. Put its tokenizer.json beside it, or pass a tokenizer.", nameof(model));
        return catalog.TokenizePrompt(outputColumnName, inputColumnName, tokenizer);
    }

    /// <summary>Splits prompts into tokens.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="outputColumnName">Name of the column of tokens: keys, which are the token ids plus one.</param>
    /// <param name="inputColumnName">Name of the text column. Null: <paramref name="outputColumnName"/>.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    public static PromptTokenizingEstimator TokenizePrompt(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, JsonTokenizer tokenizer) =>
        catalog.TokenizePrompt(tokenizer, new PromptTokenizingOptions { OutputColumnName = outputColumnName, InputColumnName = inputColumnName });

    /// <summary>Splits prompts into tokens.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="outputColumnName">Name of the column of tokens: keys, which are the token ids plus one.</param>
    /// <param name="inputColumnName">Name of the text column. Null: <paramref name="outputColumnName"/>.</param>
    /// <param name="tokenizerPath">A folder that holds <c>tokenizer.json</c>, the file itself, or a GGUF file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is malformed.</exception>
    /// <exception cref="UnsupportedModelException">The file uses a step that is not supported.</exception>
    public static PromptTokenizingEstimator TokenizePrompt(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, string tokenizerPath) =>
        catalog.TokenizePrompt(outputColumnName, inputColumnName, JsonTokenizer.Load(tokenizerPath));

    /// <summary>Splits prompts into tokens.</summary>
    /// <param name="catalog">The transforms' catalog.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="options">All settings.</param>
    public static PromptTokenizingEstimator TokenizePrompt(this TransformsCatalog catalog, JsonTokenizer tokenizer, PromptTokenizingOptions options) =>
        new(Catalogs.EnvironmentOf(catalog), tokenizer, options);
}
