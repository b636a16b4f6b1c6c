using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.InContextRegression;

/// <summary>The study of in-context regression as JSON. What was not measured is <c>null</c>.</summary>
public static class RegressionJson
{
    /// <summary>Writes one object: <c>baselines</c>, <c>model</c> and <c>sets</c>.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(RegressionStudyResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteStartArray("baselines");
            foreach (var baseline in result.Baselines) WriteBaseline(json, baseline);
            json.WriteEndArray();
            if (result.Comparison is { } comparison) WriteComparison(json, comparison);
            else
            {
                json.WriteNull("model");
                json.WriteNull("sets");
            }
            var o = result.Options;
            json.WriteNumber("baseline_dimension", o.BaselineDimension);
            json.WriteNumber("baseline_tasks", o.BaselineTasks);
            json.Number("baseline_noise", o.BaselineNoise);
            json.Number("lambda", o.Lambda);
            json.WriteNumber("test_tasks", o.TestTasks);
            json.WriteNumber("learner_tasks", o.LearnerTasks);
            json.WriteNumber("seed", o.Seed);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(RegressionStudyResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void WriteBaseline(Utf8JsonWriter json, BaselineResult baseline)
    {
        json.WriteStartObject();
        json.WriteString("learner", baseline.Learner);
        json.WriteNumber("shots", baseline.Shots);
        json.Number("noise", baseline.Noise);
        WriteError(json, "error", baseline.Error);
        json.Number("expected", baseline.Expected);
        json.WriteEndObject();
    }

    private static void WriteComparison(Utf8JsonWriter json, RegressionComparison comparison)
    {
        var o = comparison.Regressor;
        json.WriteStartObject("model");
        json.WriteString("family", o.Family == RegressionFamily.Linear ? "linear" : "sinusoid");
        json.WriteNumber("dimension", o.Dimension);
        json.WriteNumber("demonstrations", o.Demonstrations);
        json.Number("noise", o.Noise);
        json.WriteBoolean("noise_varies", o.NoiseVaries);
        json.Number("padded_share", o.PaddedShare);
        json.WriteNumber("layers", o.Layers);
        json.WriteNumber("d_model", o.DModel);
        json.WriteNumber("heads", o.Heads);
        json.WriteNumber("parameters", comparison.Parameters);
        json.WriteNumber("steps", o.Steps);
        json.WriteNumber("batch_tasks", o.BatchTasks);
        json.Number("learning_rate", o.LearningRate);
        json.WriteNumber("seed", o.Seed);
        json.Number("training_error_first", comparison.TrainingError?.First);
        json.Number("training_error_last", comparison.TrainingError?.Last);
        json.WriteEndObject();
        json.WriteStartArray("sets");
        foreach (var set in comparison.Sets)
        {
            json.WriteStartObject();
            json.WriteString("set", set.Shift.Name);
            json.WriteStartArray("learners");
            foreach (var curve in set.Curves)
            {
                json.WriteStartObject();
                json.WriteString("learner", curve.Learner);
                json.WriteStartArray("by_shots");
                for (int shots = 0; shots < curve.ByShots.Count; shots++)
                {
                    if (curve.ByShots[shots].Tasks == 0) continue;
                    json.WriteStartObject();
                    json.WriteNumber("shots", shots);
                    WriteError(json, "error", curve.ByShots[shots]);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    internal static void WriteError(Utf8JsonWriter json, string name, RegressionError error)
    {
        if (error.Tasks == 0)
        {
            json.WriteNull(name);
            return;
        }
        json.WriteStartObject(name);
        json.Number("value", error.Mean);
        json.Interval(error.Estimate.Interval);
        json.Number("standard_error", error.StandardError);
        json.WriteNumber("n", error.Tasks);
        json.WriteEndObject();
    }
}
