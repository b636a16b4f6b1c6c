using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Heads;

/// <summary>The properties of <see cref="HeadJson"/> that tell of causal confirmation; <c>null</c> where it was not asked for, or found nothing.</summary>
internal static class ConfirmationJson
{
    /// <summary>Writes <c>confirmation</c> into the object of a head.</summary>
    public static void WriteHead(Utf8JsonWriter json, HeadConfirmation? head)
    {
        if (head is null)
        {
            json.WriteNull("confirmation");
            return;
        }
        json.WriteStartObject("confirmation");
        json.Number("effect", head.Effect);
        json.Number("effect_low", head.EffectInterval.Low);
        json.Number("effect_high", head.EffectInterval.High);
        json.Number("specificity", head.Specificity);
        json.Interval(head.SpecificityInterval);
        json.WriteNumber("control_heads", head.ControlHeads);
        json.Number("largest_control_effect", head.LargestControlEffect);
        json.Number("give_back", head.GiveBack);
        json.Number("give_back_low", head.GiveBackInterval?.Low);
        json.Number("give_back_high", head.GiveBackInterval?.High);
        json.Number("copy_accuracy", head.CopyAccuracy);
        json.WriteString("remark", head.Remark);
        json.WriteString("verdict", head.Verdict);
        json.WriteEndObject();
    }

    /// <summary>Writes what belongs to no single head: <c>confirmation</c>, the model with nothing ablated and the control heads, and <c>joint</c>.</summary>
    public static void WriteWhole(Utf8JsonWriter json, ConfirmationResult? result)
    {
        if (result is null) json.WriteNull("confirmation");
        else
        {
            json.WriteStartObject("confirmation");
            json.Number("loss", result.Loss);
            json.Number("copy_accuracy", result.CopyAccuracy);
            json.Number("threshold", result.Threshold);
            json.WriteNumber("reference_sequences", result.ReferenceSequences);
            json.WriteStartArray("control_heads");
            foreach (var control in result.Controls)
            {
                json.WriteStartObject();
                json.WriteNumber("layer", control.Layer);
                json.WriteNumber("head", control.Head);
                json.Number("effect", control.Effect);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        WriteJoint(json, result?.Joint);
    }

    private static void WriteJoint(Utf8JsonWriter json, JointConfirmation? joint)
    {
        if (joint is null)
        {
            json.WriteNull("joint");
            return;
        }
        json.WriteStartObject("joint");
        json.WriteStartArray("heads");
        foreach (var head in joint.Heads) json.WriteStringValue(head.ToString());
        json.WriteEndArray();
        json.Number("effect", joint.Effect);
        json.Number("effect_low", joint.EffectInterval.Low);
        json.Number("effect_high", joint.EffectInterval.High);
        json.Number("specificity", joint.Specificity);
        json.Interval(joint.SpecificityInterval);
        json.WriteStartArray("control_effects");
        foreach (double effect in joint.ControlEffects) json.WriteNumberValue(effect);
        json.WriteEndArray();
        json.WriteBoolean("exceeds", joint.Exceeds);
        json.Number("loss", joint.Loss);
        json.Number("copy_accuracy", joint.CopyAccuracy);
        json.WriteEndObject();
    }
}
