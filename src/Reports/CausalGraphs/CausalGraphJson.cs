using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.CausalGraphs;

/// <summary>Causal graphs as JSON.</summary>
public static class CausalGraphJson
{
    /// <summary>Writes one object: <c>runs</c>, their means, and how they came about.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(CausalGraphResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            Body(json, result);
            Settings(json, result.Options, result.Heads);
        });
    }

    /// <summary>Writes one object: <c>points</c>, one for each value of the <c>variable</c>, and what they have in common.</summary>
    /// <param name="sweep">The sweep.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(CausalGraphSweepResult sweep, Stream output)
    {
        ArgumentNullException.ThrowIfNull(sweep);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("variable", CausalGraphWords.Of(sweep.Variable));
            json.Array("points", sweep.Points, point =>
            {
                json.WriteStartObject();
                json.Number("value", point.Value);
                Body(json, point.Result);
                json.WriteEndObject();
            });
            Settings(json, sweep.Options, sweep.Points[0].Result.Heads);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(CausalGraphResult result) => JsonOutput.ToText(stream => Write(result, stream));

    /// <summary>The same as text.</summary>
    public static string ToText(CausalGraphSweepResult sweep) => JsonOutput.ToText(stream => Write(sweep, stream));

    private static void Body(Utf8JsonWriter json, CausalGraphResult result)
    {
        json.Estimate("edge_attention", result.Mean(r => r.Metrics.EdgeAttention));
        json.Estimate("structural_hamming_distance", result.Mean(r => r.Metrics.StructuralHammingDistance));
        json.Estimate("precision", result.Mean(r => r.Metrics.Precision));
        json.Estimate("recall", result.Mean(r => r.Metrics.Recall));
        json.Estimate("auroc", result.Mean(r => r.Metrics.Auroc));
        json.Estimate("loss", result.Mean(r => r.Loss));
        json.WriteNumber("seeds_with_all_parents_right", result.AllArgmaxRight);
        json.Array("by_threshold", Enumerable.Range(0, result.Runs[0].ByThreshold.Count), i =>
        {
            json.WriteStartObject();
            json.Number("threshold", result.Runs[0].ByThreshold[i].Threshold);
            json.Estimate("structural_hamming_distance", result.Mean(r => r.ByThreshold[i].Metrics.StructuralHammingDistance));
            json.Estimate("precision", result.Mean(r => r.ByThreshold[i].Metrics.Precision));
            json.Estimate("recall", result.Mean(r => r.ByThreshold[i].Metrics.Recall));
            json.WriteEndObject();
        });
        json.Array("runs", result.Runs, run => WriteRun(json, run));
    }

    private static void WriteRun(Utf8JsonWriter json, CausalGraphRun run)
    {
        json.WriteStartObject();
        json.WriteNumber("seed", run.Seed);
        json.Graph("graph", run.Graph);
        json.Graph("found", run.Found);
        json.Number("edge_attention", run.Metrics.EdgeAttention);
        json.WriteNumber("argmax_right", run.Metrics.ArgmaxRight);
        json.WriteNumber("argmax_right_with_self", run.Metrics.ArgmaxRightWithSelf);
        json.Number("argmax_by_chance", run.Metrics.ArgmaxByChance);
        json.WriteNumber("children", run.Metrics.Children);
        json.WriteNumber("structural_hamming_distance", run.Metrics.StructuralHammingDistance);
        json.Number("precision", run.Metrics.Precision);
        json.Number("recall", run.Metrics.Recall);
        json.Number("auroc", run.Metrics.Auroc);
        json.Number("loss", run.Loss);
        json.Number("count_loss", run.CountLoss);
        json.Number("least_loss", run.LeastLoss);
        json.Number("information", run.Information);
        json.Whole("steps_to_argmax", run.StepsToArgmax);
        json.Whole("steps_to_half", run.StepsToHalf);
        json.Array("head_parents", run.HeadParents, json.Numbers);
        json.Array("heads", run.Heads, json.Map);
        json.Array("curve", run.Curve, point =>
        {
            json.WriteStartObject();
            json.WriteNumber("step", point.Step);
            json.Number("loss", point.Loss);
            json.Number("edge_attention", point.EdgeAttention);
            json.Number("argmax_right", point.ArgmaxRight);
            json.WriteEndObject();
        });
        json.WriteEndObject();
    }

    private static void Settings(Utf8JsonWriter json, CausalGraphOptions o, int heads)
    {
        json.WriteString("kind", o.Graph is null ? CausalGraphWords.Of(o.Kind) : "given");
        json.WriteNumber("length", o.Length);
        json.WriteNumber("vocabulary", o.Vocabulary);
        json.WriteNumber("parents", o.Parents);
        json.Number("alpha", o.Alpha);
        json.Number("faithfulness", o.Faithfulness);
        json.WriteNumber("seeds", o.Seeds);
        json.WriteNumber("steps", o.Steps);
        json.WriteNumber("batch_rows", o.BatchRows);
        json.Whole("training_rows", o.TrainingRows);
        json.Number("learning_rate", o.LearningRate);
        json.WriteNumber("heads_of_layer_1", heads);
        json.Number("threshold", o.Threshold);
        json.WriteNumber("test_rows", o.TestRows);
        json.WriteNumber("seed", o.Seed);
    }
}

/// <summary>Parts of causal graphs as JSON.</summary>
internal static class CausalGraphParts
{
    /// <summary>The parents of each position.</summary>
    public static void Graph(this Utf8JsonWriter json, string name, CausalGraph graph)
    {
        json.Array(name, graph.Parents, parents =>
        {
            json.WriteStartArray();
            foreach (int parent in parents) json.WriteNumberValue(parent);
            json.WriteEndArray();
        });
    }

    /// <summary>The rows of attention.</summary>
    public static void Map(this Utf8JsonWriter json, EdgeMap map)
    {
        json.WriteStartArray();
        foreach (var row in map.Rows) json.Numbers(row);
        json.WriteEndArray();
    }
}
