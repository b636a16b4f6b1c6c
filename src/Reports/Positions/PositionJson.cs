using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Positions;

/// <summary>The study of position encodings as JSON. What was not measured is <c>null</c>.</summary>
public static class PositionJson
{
    /// <summary>Writes one object: <c>encodings</c> and how they came about.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(PositionStudyResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.Number("chance", result.Chance);
            json.WriteStartArray("encodings");
            foreach (var scheme in result.Schemes) WriteScheme(json, scheme);
            json.WriteEndArray();
            var o = result.Options;
            json.WriteNumber("decoders", o.Seeds);
            json.WriteNumber("rows", o.Rows);
            json.WriteNumber("steps", o.Steps);
            json.WriteNumber("batch_tokens", o.BatchTokens);
            json.WriteNumber("d_model", o.DModel);
            json.WriteNumber("trained_demonstrations", o.TrainedDemonstrations);
            json.WriteNumber("longest_demonstrations", o.TestedDemonstrations[^1]);
            json.WriteNumber("seed", o.Seed);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(PositionStudyResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void WriteScheme(Utf8JsonWriter json, PositionSchemeResult scheme)
    {
        json.WriteStartObject();
        json.WriteString("encoding", PositionWords.Of(scheme.Scheme));
        json.Number("learning_rate", scheme.LearningRate);
        json.WriteStartArray("candidates");
        foreach (var (rate, loss) in scheme.Candidates)
        {
            json.WriteStartObject();
            json.Number("learning_rate", rate);
            json.Number("held_out_loss", loss);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WritePropertyName("held_out_losses");
        json.Numbers(scheme.HeldOutLosses);
        WriteReliance(json, "at_trained", scheme.Trained);
        WriteReliance(json, "at_longest", scheme.Longest);
        json.WriteStartObject("conflict");
        json.Estimate("first_wins", scheme.Conflict.FirstWins);
        json.Estimate("last_wins", scheme.Conflict.LastWins);
        json.Estimate("first_demonstration_pull", scheme.Conflict.FirstDemonstrationPull);
        json.WriteEndObject();
        json.WriteStartArray("by_length");
        foreach (var (demonstrations, accuracy) in scheme.ByLength)
        {
            json.WriteStartObject();
            json.WriteNumber("demonstrations", demonstrations);
            json.Estimate("accuracy", accuracy);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteReliance(Utf8JsonWriter json, string name, DemonstrationReliance? reliance)
    {
        if (reliance is null)
        {
            json.WriteNull(name);
            return;
        }
        json.WriteStartObject(name);
        json.Estimate("first", reliance.First);
        json.Estimate("last", reliance.Last);
        json.WriteStartArray("accuracy_by_position");
        foreach (var estimate in reliance.ByPosition) json.EstimateObject(estimate);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
