using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Heads;

/// <summary>Head detection as JSON. What was not measured, or is not a finite number, is <c>null</c>.</summary>
public static class HeadJson
{
    /// <summary>Writes one object: <c>model</c>, <c>heads</c> (layer by layer), <c>protocol</c>, the thresholds and, where measured, <c>losses</c>, <c>confirmation</c> and <c>joint</c>.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(HeadDetectionResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("model", result.Model);
            json.WriteStartArray("heads");
            var confirmed = result.Confirmation?.Heads.ToDictionary(h => new HeadId(h.Layer, h.Head));
            foreach (var head in result.Heads) WriteHead(json, head, confirmed?.GetValueOrDefault(new HeadId(head.Layer, head.Head)));
            json.WriteEndArray();
            WriteProtocol(json, result);
            WriteLosses(json, result.Losses);
            ConfirmationJson.WriteWhole(json, result.Confirmation);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(HeadDetectionResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void WriteHead(Utf8JsonWriter json, HeadScores head, HeadConfirmation? confirmation)
    {
        json.WriteStartObject();
        json.WriteNumber("layer", head.Layer);
        json.WriteNumber("head", head.Head);
        foreach (var kind in Enum.GetValues<HeadKind>()) WriteMeasure(json, HeadVerdicts.Of(kind), head[kind]);
        if (head.TransformerLens is { } lens)
        {
            json.WriteStartObject("transformer_lens");
            json.Number("induction_mul", lens.InductionMul);
            json.Number("induction_abs", lens.InductionAbs);
            json.Number("previous_token_mul", lens.PreviousTokenMul);
            json.Number("previous_token_abs", lens.PreviousTokenAbs);
            json.Number("duplicate_token_mul", lens.DuplicateTokenMul);
            json.Number("duplicate_token_abs", lens.DuplicateTokenAbs);
            json.WriteEndObject();
        }
        else json.WriteNull("transformer_lens");
        json.Number("copying", head.Copying);
        json.Number("entropy", head.Entropy);
        ConfirmationJson.WriteHead(json, confirmation);
        json.WriteEndObject();
    }

    private static void WriteMeasure(Utf8JsonWriter json, string name, HeadMeasure measure)
    {
        json.WriteStartObject(name);
        json.Number("score", measure.Score);
        json.Number("score_low", measure.ScoreInterval?.Low);
        json.Number("score_high", measure.ScoreInterval?.High);
        json.Number("control", measure.Control);
        json.Number("control_low", measure.ControlInterval?.Low);
        json.Number("control_high", measure.ControlInterval?.High);
        json.Number("difference", measure.Difference);
        json.Number("low", measure.DifferenceInterval?.Low);
        json.Number("high", measure.DifferenceInterval?.High);
        json.WriteNumber("n", measure.Sequences);
        json.Number("p", measure.P);
        json.Number("q", measure.Q);
        json.WriteString("verdict", measure.Verdict);
        json.WriteEndObject();
    }

    private static void WriteProtocol(Utf8JsonWriter json, HeadDetectionResult result)
    {
        json.WriteStartObject("protocol");
        ProtocolJson.WriteProperties(json, result.Protocol);
        json.Number("alpha", result.Alpha);
        json.Number("threshold", result.Threshold);
        json.Number("weak_threshold", result.WeakThreshold);
        json.Number("chance", result.Chance);
        json.WriteEndObject();
    }

    private static void WriteLosses(Utf8JsonWriter json, RepetitionLosses? losses)
    {
        if (losses is null)
        {
            json.WriteNull("losses");
            return;
        }
        json.WriteStartObject("losses");
        json.Number("first_repeat", losses.FirstRepeat);
        json.Number("second_repeat", losses.SecondRepeat);
        json.Number("second_repeat_low", losses.SecondRepeatInterval?.Low);
        json.Number("second_repeat_high", losses.SecondRepeatInterval?.High);
        json.Number("copy_accuracy", losses.CopyAccuracy);
        json.Number("in_context_learning", losses.InContextLearningScore);
        json.Number("early_position", losses.EarlyPosition);
        json.Number("late_position", losses.LatePosition);
        json.WriteStartArray("by_position");
        foreach (double loss in losses.ByPosition)
            if (double.IsFinite(loss)) json.WriteNumberValue(loss);
            else json.WriteNullValue();
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
