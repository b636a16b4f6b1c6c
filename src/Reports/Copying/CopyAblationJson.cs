using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Copying;

/// <summary>The ablation of the copying circuit as JSON. What was not measured is <c>null</c>.</summary>
public static class CopyAblationJson
{
    /// <summary>Writes one object: <c>model</c>, <c>base</c>, <c>rows</c>, and how they came about.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(CopyAblationResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("model", result.Model);
            json.WriteBoolean("copies", result.Copies);
            json.Number("chance", result.Chance);
            json.WriteStartObject("base");
            WriteMeasure(json, result.Base);
            json.WriteEndObject();
            json.Name("kind", result.Kind);
            WriteHeads(json, "previous_token_heads", result.PreviousTokenHeads);
            WriteHeads(json, "induction_heads", result.InductionHeads);
            json.WriteStartArray("rows");
            foreach (var row in result.Rows) WriteRow(json, row);
            json.WriteEndArray();
            json.WriteNumber("seed", result.Seed);
            json.Protocol("protocol", result.Protocol);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(CopyAblationResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void WriteRow(Utf8JsonWriter json, CopyAblationRow row)
    {
        json.WriteStartObject();
        json.Name("intervention", row.Intervention);
        json.WriteString("head", row.Head?.ToString());
        WriteHeads(json, "ablated", row.Ablated);
        json.WriteNumber("draws", row.Draws);
        WriteMeasure(json, row.Measure);
        json.Number("relative_change", row.RelativeChange);
        json.Number("relative_change_low", row.RelativeChangeInterval?.Low);
        json.Number("relative_change_high", row.RelativeChangeInterval?.High);
        json.Number("claim", row.Claim);
        json.WriteString("verdict", CopyAblationWords.Verdict(row) is { Length: > 0 } verdict ? verdict : null);
        json.WriteEndObject();
    }

    private static void WriteMeasure(Utf8JsonWriter json, CopyMeasure measure)
    {
        json.Number("copy_accuracy", measure.Accuracy);
        json.Number("copy_accuracy_low", measure.AccuracyInterval.Low);
        json.Number("copy_accuracy_high", measure.AccuracyInterval.High);
        json.Number("loss_second_repeat", measure.Loss);
        json.Number("loss_second_repeat_low", measure.LossInterval.Low);
        json.Number("loss_second_repeat_high", measure.LossInterval.High);
    }

    private static void WriteHeads(Utf8JsonWriter json, string name, IReadOnlyList<HeadId> heads)
    {
        json.WriteStartArray(name);
        foreach (var head in heads) json.WriteStringValue(head.ToString());
        json.WriteEndArray();
    }
}
