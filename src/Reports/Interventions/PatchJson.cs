using System.Text.Json;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Activation patching as JSON. What does not apply, or is not a finite number, is <c>null</c>.</summary>
public static class PatchJson
{
    /// <summary>Writes one object: <c>metric</c>, <c>clean</c>, <c>corrupted</c>, <c>effects</c> (ordered by layer, position and head), and how they came about.</summary>
    /// <param name="study">What was measured.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(PatchStudy study, Stream output)
    {
        ArgumentNullException.ThrowIfNull(study);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("model", study.Model);
            json.WriteString("metric", study.Result.Metric);
            json.Number("clean", study.Result.Clean);
            json.Number("corrupted", study.Result.Corrupted);
            json.WriteString("site", SiteWords.Name(study.Site));
            json.WriteBoolean("per_position", study.PerPosition);
            json.WriteString("direction", JsonNamingPolicy.SnakeCaseLower.ConvertName(study.Direction.ToString()));
            json.Token("answer", study.Answer);
            json.Token("foil", study.Foil);
            WriteAttribution(json, study);
            json.WriteStartArray("effects");
            foreach (var effect in study.Result.Effects)
            {
                json.WriteStartObject();
                json.Slot(effect.Slot);
                json.Number("value", effect.Value);
                json.Number("change", effect.Value - study.Base);
                json.Number("normalised", effect.Normalised);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartObject("prompts");
            json.Tokens("clean", study.Clean);
            json.Tokens("corrupted", study.Corrupted);
            json.WriteEndObject();
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(PatchStudy study) => JsonOutput.ToText(stream => Write(study, stream));

    private static void WriteAttribution(Utf8JsonWriter json, PatchStudy study)
    {
        if (study.AttributionSteps is not { } steps)
        {
            json.WriteNull("attribution");
            return;
        }
        json.WriteStartObject("attribution");
        json.WriteNumber("steps", steps);
        if (study.Check is { } check)
        {
            json.Number("rank_correlation", check.RankCorrelation);
            json.Number("linear_correlation", check.LinearCorrelation);
            json.WriteStartArray("sample");
            foreach (var slot in check.Sample)
            {
                json.WriteStartObject();
                json.Slot(slot.Slot);
                json.Number("estimate", slot.Estimate);
                json.Number("exact", slot.Exact);
                json.WriteBoolean("disagrees", slot.Disagrees);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }
}
