using System.Text.Json;
using MlNetIcl.Reports.Interventions;

namespace MlNetIcl.Reports.Circuits;

/// <summary>The prompt pairs that a circuit was traced on, where it was those.</summary>
internal sealed record CircuitPrompts(IReadOnlyList<PromptPairTokens> Pairs)
{
    public void WriteProperties(Utf8JsonWriter json)
    {
        json.AnswerAndFoil(Pairs);
        json.Prompts(Pairs);
    }
}
