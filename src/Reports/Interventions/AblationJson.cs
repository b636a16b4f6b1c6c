using System.Text.Json;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Ablation as JSON. What was not measured, or is not a finite number, is <c>null</c>.</summary>
public static class AblationJson
{
    /// <summary>Writes one object: <c>metric</c>, <c>base</c>, <c>effects</c>, <c>together</c>, and how they came about.</summary>
    /// <param name="study">What was measured.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(AblationStudy study, Stream output)
    {
        ArgumentNullException.ThrowIfNull(study);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("model", study.Model);
            json.WriteString("metric", study.Metric);
            json.Number("base", study.Base);
            json.Name("kind", study.Kind);
            json.WriteBoolean("keep_patterns", study.KeepPatterns);
            json.WriteStartArray("effects");
            foreach (var effect in study.Effects)
            {
                json.WriteStartObject();
                json.WriteNumber("layer", effect.Heads[0].Layer);
                json.WriteNumber("head", effect.Heads[0].Head);
                WriteChange(json, effect);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            WriteTogether(json, study.Together);
            json.Protocol("rows", study.Rows);
            json.WriteStartObject("reference");
            json.WriteString("source", study.ReferenceRows is null ? "rows" : "given");
            json.WriteNumber("rows", study.ReferenceRows ?? study.Rows.Sequences);
            json.WriteEndObject();
            json.Whole("first_position", study.Positions?.First);
            json.Whole("last_position", study.Positions?.Last);
            if (study.Answer is { } answer) json.Token("answer", answer);
            if (study.Foil is { } foil) json.Token("foil", foil);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(AblationStudy study) => JsonOutput.ToText(stream => Write(study, stream));

    private static void WriteTogether(Utf8JsonWriter json, HeadEffect? together)
    {
        if (together is null)
        {
            json.WriteNull("together");
            return;
        }
        json.WriteStartObject("together");
        json.WriteStartArray("heads");
        foreach (var head in together.Heads) json.WriteStringValue(head.ToString());
        json.WriteEndArray();
        WriteChange(json, together);
        json.WriteEndObject();
    }

    private static void WriteChange(Utf8JsonWriter json, HeadEffect effect)
    {
        json.Number("value", effect.Change);
        json.Interval(effect.Interval);
        json.WriteNumber("n", effect.Rows);
    }
}
