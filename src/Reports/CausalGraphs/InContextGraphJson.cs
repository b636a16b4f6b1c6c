using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.CausalGraphs;

/// <summary>Graphs inferred from prompts as JSON.</summary>
public static class InContextGraphJson
{
    /// <summary>Writes one object: the verdict, and for each run losses by the number of examples.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(InContextGraphResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteString("verdict", result.Verdict);
            json.Estimate("share_of_gap", result.ShareOfGap);
            json.Array("runs", result.Runs, run => Write(json, run));
            var o = result.Options;
            json.WriteNumber("vocabulary", o.Vocabulary);
            json.WriteNumber("length", o.Length);
            json.WriteNumber("examples", o.Examples);
            json.Number("alpha", o.Alpha);
            json.WriteNumber("seeds", o.Seeds);
            json.WriteNumber("steps", o.Steps);
            json.WriteNumber("batch_prompts", o.BatchPrompts);
            json.Number("learning_rate", o.LearningRate);
            json.WriteNumber("layers", o.Layers);
            json.WriteNumber("d_model", o.DModel);
            json.WriteNumber("test_prompts", o.TestPrompts);
            json.WriteNumber("seed", o.Seed);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(InContextGraphResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void Write(Utf8JsonWriter json, InContextGraphRun run)
    {
        json.WriteStartObject();
        json.WriteNumber("seed", run.Seed);
        json.Array("kernel", run.Kernel, json.Numbers);
        json.Estimate("share_of_gap", run.ShareOfGap);
        json.Number("posterior_of_true_parent", run.TrueParent);
        json.Array("points", run.Points, point =>
        {
            json.WriteStartObject();
            json.WriteNumber("examples", point.Examples);
            json.Number("model", point.Model);
            json.Number("untrained", point.Untrained);
            json.Number("averaged", point.Averaged);
            json.Number("oracle", point.Oracle);
            json.Number("uniform", point.Uniform);
            json.Number("stationary", point.Stationary);
            json.Estimate("divergence", point.Divergence);
            json.Estimate("share_of_gap", point.ShareOfGap);
            json.WriteEndObject();
        });
        json.WriteEndObject();
    }
}
