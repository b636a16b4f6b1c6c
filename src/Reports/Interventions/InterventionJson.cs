using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Interventions;

/// <summary>The properties that all interventions share.</summary>
internal static class InterventionJson
{
    public static void Slot(this Utf8JsonWriter json, PatchSlot slot)
    {
        json.WriteNumber("layer", slot.Layer);
        json.Whole("head", slot.Head);
        json.Whole("position", slot.Position);
    }

    public static void Token(this Utf8JsonWriter json, string name, TokenLabel token)
    {
        json.WriteStartObject(name);
        json.WriteNumber("id", token.Id);
        json.WriteString("token", token.Text);
        json.WriteEndObject();
    }

    public static void Tokens(this Utf8JsonWriter json, string name, IReadOnlyList<TokenLabel> tokens)
    {
        json.WriteStartObject(name);
        json.WriteStartArray("ids");
        foreach (var token in tokens) json.WriteNumberValue(token.Id);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        foreach (var token in tokens) json.WriteStringValue(token.Text);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Answer and foil of one pair; null where each of several has its own.</summary>
    public static void AnswerAndFoil(this Utf8JsonWriter json, IReadOnlyList<PromptPairTokens> pairs)
    {
        if (pairs is [var only])
        {
            json.Token("answer", only.Answer);
            json.Token("foil", only.Foil);
            return;
        }
        json.WriteNull("answer");
        json.WriteNull("foil");
    }

    /// <summary>The prompts of one pair; of several an array, each with its tokens and, where they are known, its metric.</summary>
    public static void Prompts(this Utf8JsonWriter json, IReadOnlyList<PromptPairTokens> pairs, IReadOnlyList<double>? clean = null, IReadOnlyList<double>? corrupted = null)
    {
        json.WritePropertyName("prompts");
        if (pairs.Count > 1) json.WriteStartArray();
        for (int i = 0; i < pairs.Count; i++)
        {
            json.WriteStartObject();
            json.Tokens("clean", pairs[i].Clean);
            json.Tokens("corrupted", pairs[i].Corrupted);
            if (pairs.Count > 1)
            {
                json.Token("answer", pairs[i].Answer);
                json.Token("foil", pairs[i].Foil);
                if (clean is not null) json.Number("clean_value", clean[i]);
                if (corrupted is not null) json.Number("corrupted_value", corrupted[i]);
            }
            json.WriteEndObject();
        }
        if (pairs.Count > 1) json.WriteEndArray();
    }
}
