using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Priors;

/// <summary>The priors of a labelling task as JSON.</summary>
public static class LabelPriorJson
{
    /// <summary>Writes one object.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(LabelPriorResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("model", result.Model);
            json.WriteStartArray("labels");
            foreach (string label in result.Labels) json.WriteStringValue(label);
            json.WriteEndArray();
            json.WriteNumber("queries", result.Queries);
            json.WriteNumber("demonstrations", result.Demonstrations);
            json.WriteNumber("draws", result.Draws);
            json.WriteNumber("seed", result.Seed);
            Mean(json, "mass_without", result.MassWithout);
            Mean(json, "mass_with", result.MassWith);
            Mean(json, "format", result.Format);
            json.WriteStartArray("semantic");
            foreach (var label in result.Semantic)
            {
                json.WriteStartObject();
                json.WriteString("label", label.Label);
                json.Number("share", label.Share);
                Mean(json, "without_demonstrations", label.WithoutDemonstrations);
                Mean(json, "difference", label.Difference);
                json.Number("content_free", label.ContentFree);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            Mean(json, "accuracy_without", result.AccuracyWithout);
            Mean(json, "accuracy_without_above_guess", result.AccuracyWithoutAboveGuess);
            Mean(json, "accuracy_true", result.AccuracyTrue);
            json.WriteStartObject("structure");
            foreach (var (name, prior) in new[] { ("shuffled_pairs", result.ShuffledPairs), ("foreign_texts", result.ForeignTexts), ("foreign_labels", result.ForeignLabels) })
            {
                json.WriteStartObject(name);
                Mean(json, "accuracy", prior.Accuracy);
                Mean(json, "difference", prior.Difference);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(LabelPriorResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void Mean(Utf8JsonWriter json, string name, QueryMean mean)
    {
        json.WriteStartObject(name);
        json.Number("value", mean.Value);
        json.Interval(mean.Interval);
        json.WriteEndObject();
    }
}
