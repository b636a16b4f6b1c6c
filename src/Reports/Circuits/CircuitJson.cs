using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Circuits;

/// <summary>A circuit as JSON. What was not measured, or is not a finite number, is <c>null</c>.</summary>
public static class CircuitJson
{
    /// <summary>
    /// Writes one object: <c>model</c>, <c>metric</c>, <c>verdict</c>, <c>clean</c>, <c>corrupted</c>, <c>difference</c>, <c>nodes</c> and
    /// <c>edges</c> (none where there is no circuit), <c>evaluation</c> (then null), <c>search</c> and, for drawn sequences, <c>protocol</c>.
    /// </summary>
    /// <param name="circuit">The circuit.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(Circuit circuit, Stream output) => Write(circuit, null, output);

    internal static void Write(Circuit circuit, CircuitPrompts? prompts, Stream output)
    {
        ArgumentNullException.ThrowIfNull(circuit);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("model", circuit.Model);
            json.WriteString("metric", circuit.Metric);
            json.WriteString("verdict", circuit.Verdict);
            json.Number("clean", circuit.Clean);
            json.Number("corrupted", circuit.Corrupted);
            json.WriteStartObject("difference");
            json.Number("value", circuit.Clean - circuit.Corrupted);
            json.Interval(circuit.DifferenceInterval);
            json.Number("p", circuit.DifferenceP);
            json.WriteEndObject();
            json.WriteStartArray("nodes");
            foreach (var node in circuit.Nodes) WriteNode(json, node);
            json.WriteEndArray();
            json.WriteStartArray("edges");
            foreach (var edge in circuit.Edges) WriteEdge(json, circuit, edge);
            json.WriteEndArray();
            WriteEvaluation(json, circuit.Evaluation);
            WriteSearch(json, circuit);
            WriteProtocol(json, circuit.Protocol);
            prompts?.WriteProperties(json);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(Circuit circuit) => JsonOutput.ToText(stream => Write(circuit, stream));

    private static void WriteNode(Utf8JsonWriter json, CircuitNode node)
    {
        json.WriteStartObject();
        json.WriteString("id", node.Name);
        json.Name("kind", node.Kind);
        json.Whole("layer", node.Layer);
        json.Whole("head", node.Head);
        json.WriteString("role", node.Role is { } role ? HeadVerdicts.Of(role) : null);
        json.WriteEndObject();
    }

    private static void WriteEdge(Utf8JsonWriter json, Circuit circuit, CircuitEdge edge)
    {
        json.WriteStartObject();
        json.WriteString("from", circuit.Start(edge).Name);
        json.WriteStartArray("to");
        foreach (var end in circuit.Ends(edge)) json.WriteStringValue(end.Name);
        json.WriteEndArray();
        json.Name("input", edge.Path.Receiver.Input);
        json.Number("effect", edge.Effect);
        json.Interval(edge.Interval);
        json.Number("p", edge.P);
        json.Number("q", edge.Q);
        json.Number("removal", edge.Removal);
        if (edge.Composition is { } composition)
        {
            json.WriteStartObject("composition");
            json.Number("score", composition.Score);
            json.Number("z", composition.ZScore);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("composition");
        }
        json.WriteEndObject();
    }

    private static void WriteEvaluation(Utf8JsonWriter json, CircuitEvaluation? evaluation)
    {
        if (evaluation is null)
        {
            json.WriteNull("evaluation");
            return;
        }
        json.WriteStartObject("evaluation");
        WriteShare(json, "faithfulness", evaluation.Faithfulness, evaluation.FaithfulnessInterval);
        WriteShare(json, "completeness", evaluation.Completeness, evaluation.CompletenessInterval);
        json.Number("minimality", evaluation.Minimality);
        if (evaluation.Random is { } random)
        {
            json.WriteStartObject("random");
            json.WriteNumber("circuits", random.Draws);
            json.Number("mean", random.Mean);
            json.Number("max", random.Max);
            json.Number("as_faithful", random.AsFaithful);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("random");
        }
        json.WriteEndObject();
    }

    private static void WriteShare(Utf8JsonWriter json, string name, double value, Interval? interval)
    {
        json.WriteStartObject(name);
        json.Number("value", value);
        json.Interval(interval);
        json.WriteEndObject();
    }

    private static void WriteSearch(Utf8JsonWriter json, Circuit circuit)
    {
        json.WriteStartObject("search");
        json.WriteNumber("rows", circuit.Rows);
        json.WriteNumber("model_edges", circuit.ModelEdges);
        json.WriteNumber("patched_edges", circuit.PatchedEdges);
        json.WriteNumber("screened_edges", circuit.ScreenedEdges);
        json.Number("alpha", circuit.Options.Alpha);
        json.Number("threshold", circuit.Options.Threshold);
        json.Number("least_difference", circuit.Options.LeastDifference);
        json.WriteNumber("seed", circuit.Options.Seed);
        json.WriteEndObject();
    }

    private static void WriteProtocol(Utf8JsonWriter json, SequenceProtocol? protocol)
    {
        if (protocol is null)
        {
            json.WriteNull("protocol");
            return;
        }
        json.WriteStartObject("protocol");
        ProtocolJson.WriteProperties(json, protocol);
        json.WriteEndObject();
    }
}
