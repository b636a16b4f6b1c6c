using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Emergence;

/// <summary>Emergence as JSON. What was not measured is <c>null</c>.</summary>
public static class EmergenceJson
{
    /// <summary>Writes one object: <c>groups</c> of <c>runs</c> of <c>points</c>, change points in steps, tokens and fractions, and the protocol.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(EmergenceResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteStartArray("groups");
            foreach (var group in result.Groups) WriteGroup(json, result, group);
            json.WriteEndArray();
            json.Whole("tokens_per_step", result.TokensPerStep);
            json.Number("least_rise", result.Options.LeastRise);
            json.WriteNumber("seed", result.Options.Seed);
            json.Protocol("protocol", result.Protocol);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(EmergenceResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void WriteGroup(Utf8JsonWriter json, EmergenceResult result, EmergenceGroup group)
    {
        json.WriteStartObject();
        json.WriteNumber("layers", group.Size.Layers);
        json.WriteNumber("width", group.Size.Width);
        json.WriteNumber("heads", group.Size.Heads);
        json.WriteNumber("formed", group.Formed);
        json.WriteNumber("n", group.Runs.Count);
        WriteChange(json, result, group.Change, group.Runs[0].Points[^1].Step);
        json.WriteStartArray("runs");
        foreach (var run in group.Runs)
        {
            json.WriteStartObject();
            json.WriteString("name", run.Name);
            WriteHeads(json, "induction_heads", run.InductionHeads);
            WriteHeads(json, "previous_token_heads", run.PreviousTokenHeads);
            WriteChange(json, result, run.Change, run.Points[^1].Step);
            json.WriteStartArray("points");
            foreach (var point in run.Points) WritePoint(json, point);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteChange(Utf8JsonWriter json, EmergenceResult result, ChangePoint? change, int last)
    {
        if (change is null)
        {
            json.WriteNull("change");
            return;
        }
        json.WriteStartObject("change");
        foreach (var (name, time) in new[] { ("onset", change.Onset), ("midpoint", change.Midpoint), ("completion", change.Completion) })
        {
            json.WriteStartObject(name);
            json.Number("step", time.Step);
            json.Interval(time.Interval);
            json.Number("tokens", time.Step * result.TokensPerStep);
            json.Number("fraction", time.Step / last);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WritePoint(Utf8JsonWriter json, EmergencePoint point)
    {
        json.WriteStartObject();
        json.WriteNumber("step", point.Step);
        json.Number("induction", point.Induction);
        json.WriteString("induction_head", point.InductionHead.ToString());
        json.Number("previous_token", point.PreviousToken);
        json.Number("copying", point.Copying);
        json.Number("loss_first_repeat", point.Losses.FirstRepeat);
        json.Number("loss_second_repeat", point.Losses.SecondRepeat);
        json.Number("loss_second_repeat_low", point.Losses.SecondRepeatInterval?.Low);
        json.Number("loss_second_repeat_high", point.Losses.SecondRepeatInterval?.High);
        json.Number("copy_accuracy", point.Losses.CopyAccuracy);
        json.Number("icl_score", point.Losses.InContextLearningScore);
        json.Whole("early_position", point.Losses.EarlyPosition);
        json.Whole("late_position", point.Losses.LatePosition);
        json.WritePropertyName("loss_by_position");
        json.Numbers(point.Losses.ByPosition);
        json.WriteEndObject();
    }

    private static void WriteHeads(Utf8JsonWriter json, string name, IReadOnlyList<HeadId> heads)
    {
        json.WriteStartArray(name);
        foreach (var head in heads) json.WriteStringValue(head.ToString());
        json.WriteEndArray();
    }
}
