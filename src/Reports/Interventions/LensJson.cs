using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Logit lens and direct logit attribution as JSON. What is not a finite number is <c>null</c>.</summary>
public static class LensJson
{
    /// <summary>Writes one object: <c>lens</c> (a line per number of blocks done), <c>attribution</c>, and what they were read from.</summary>
    /// <param name="study">What was measured.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(LensStudy study, Stream output)
    {
        ArgumentNullException.ThrowIfNull(study);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("model", study.Model);
            json.Tokens("prompt", study.Tokens);
            json.Token("answer", study.Answer);
            json.Token("foil", study.Foil);
            json.WriteBoolean("freeze_scale", study.FreezeScale);
            json.WriteStartArray("lens");
            foreach (var line in study.Lines) WriteLine(json, study, line);
            json.WriteEndArray();
            WriteAttribution(json, study.Attribution);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(LensStudy study) => JsonOutput.ToText(stream => Write(study, stream));

    private static void WriteLine(Utf8JsonWriter json, LensStudy study, LensLine line)
    {
        json.WriteStartObject();
        json.WriteNumber("blocks", line.Blocks);
        WriteToken(json, "answer", line.Asked[0]);
        WriteToken(json, "foil", line.Asked[1]);
        json.Number("logit_difference", line.Asked[0].Logit - line.Asked[1].Logit);
        json.WriteStartArray("best");
        foreach (var token in line.Best)
        {
            json.WriteStartObject();
            json.WriteNumber("id", token.Id);
            json.WriteString("token", study.Names[token.Id].Text);
            json.Number("logit", token.Logit);
            json.Number("probability", token.Probability);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteToken(Utf8JsonWriter json, string name, LensToken token)
    {
        json.WriteStartObject(name);
        json.Number("logit", token.Logit);
        json.Number("probability", token.Probability);
        json.WriteNumber("rank", token.Rank);
        json.WriteEndObject();
    }

    private static void WriteAttribution(Utf8JsonWriter json, DirectLogitAttributionResult attribution)
    {
        json.WriteStartObject("attribution");
        json.Number("logit_difference", attribution.LogitDifference);
        json.Number("embed", attribution.Embed);
        json.WriteStartArray("heads");
        foreach (double[] layer in attribution.Heads) json.Numbers(layer);
        json.WriteEndArray();
        if (attribution.Mlps is { } mlps)
        {
            json.WritePropertyName("mlps");
            json.Numbers(mlps);
        }
        else json.WriteNull("mlps");
        json.Number("biases", attribution.Biases);
        json.WriteEndObject();
    }
}
