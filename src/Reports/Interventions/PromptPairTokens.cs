namespace MlNetIcl.Reports.Interventions;

/// <summary>A prompt pair as the model saw it, with the two tokens of its metric.</summary>
/// <param name="Clean">The tokens of the clean prompt.</param>
/// <param name="Corrupted">The tokens of the corrupted prompt, as many.</param>
/// <param name="Answer">The token whose logit counts.</param>
/// <param name="Foil">The token whose logit is subtracted.</param>
public sealed record PromptPairTokens(IReadOnlyList<TokenLabel> Clean, IReadOnlyList<TokenLabel> Corrupted, TokenLabel Answer, TokenLabel Foil);
