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
            json.Name("direction", study.Direction);
            json.AnswerAndFoil(study.Pairs);
            WriteAttribution(json, study);
            json.WriteStartArray("effects");
            for (int i = 0; i < study.Result.Effects.Count; i++)
            {
                var effect = study.Result.Effects[i];
                var interval = i < study.Intervals.Count ? study.Intervals[i] : null;
                json.WriteStartObject();
                json.Slot(effect.Slot);
                json.Number("value", effect.Value);
                json.Number("change", effect.Value - study.Base);
                json.Number("normalised", effect.Normalised);
                json.Number("low", interval?.Low);
                json.Number("high", interval?.High);
                json.WriteNumber("n", study.Pairs.Count);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.Prompts(study.Pairs, study.Result.CleanValues, study.Result.CorruptedValues);
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
