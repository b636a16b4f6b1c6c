using System.Text.Json;
using MlNetIcl.Reports.Interventions;

namespace MlNetIcl.Reports.Circuits;

/// <summary>The prompt pair that a circuit was traced on, where it was one.</summary>
internal sealed record CircuitPrompts(IReadOnlyList<TokenLabel> Clean, IReadOnlyList<TokenLabel> Corrupted, TokenLabel Answer, TokenLabel Foil)
{
    public void WriteProperties(Utf8JsonWriter json)
    {
        json.Token("answer", Answer);
        json.Token("foil", Foil);
        json.WriteStartObject("prompts");
        json.Tokens("clean", Clean);
        json.Tokens("corrupted", Corrupted);
        json.WriteEndObject();
    }
}
