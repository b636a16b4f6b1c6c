using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.CausalGraphs;

/// <summary>Graphs that were read from data as JSON.</summary>
public static class CausalGraphReadingJson
{
    /// <summary>Writes one object: <c>edges</c> with their attention, the parents of each position as <c>graph</c>, the whole <c>map</c>, and the evidence.</summary>
    /// <param name="reading">The graph.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(CausalGraphReading reading, Stream output)
    {
        ArgumentNullException.ThrowIfNull(reading);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("source", reading.Source);
            json.WriteNumber("rows", reading.Rows);
            json.WriteNumber("length", reading.Length);
            json.Number("threshold", reading.Threshold);
            json.Array("edges", reading.Graph.Edges, edge =>
            {
                json.WriteStartObject();
                json.WriteNumber("parent", edge.Parent);
                json.WriteNumber("child", edge.Child);
                json.Number("attention", reading.Map[edge.Child, edge.Parent]);
                json.WriteEndObject();
            });
            json.Graph("graph", reading.Graph);
            json.WritePropertyName("map");
            json.Map(reading.Map);
            json.WriteNumber("held_out", reading.HeldOut);
            json.Number("loss", reading.Loss);
            json.Number("loss_without_parents", reading.LossWithoutParents);
            json.Array("evidence", reading.Evidence, child => Write(json, child));
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(CausalGraphReading reading) => JsonOutput.ToText(stream => Write(reading, stream));

    private static void Write(Utf8JsonWriter json, ChildEvidence child)
    {
        json.WriteStartObject();
        json.WriteNumber("child", child.Child);
        json.Estimate("gain", child.Gain);
        json.Number("p", child.P);
        json.Number("q", child.Q);
        json.WriteEndObject();
    }
}
