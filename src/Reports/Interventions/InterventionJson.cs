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
}
