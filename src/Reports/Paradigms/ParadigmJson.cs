using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;
using MlNetIcl.Reports.InContextRegression;

namespace MlNetIcl.Reports.Paradigms;

/// <summary>The comparison of paradigms as JSON.</summary>
public static class ParadigmJson
{
    /// <summary>Writes one object: <c>families</c>, the article's table, and how they came about.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    /// <param name="timings">Whether times are written, which differ from run to run.</param>
    public static void Write(ParadigmResult result, Stream output, bool timings = false)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteStartArray("families");
            foreach (var family in result.Families)
            {
                json.WriteStartObject();
                json.WriteString("family", ParadigmWords.Of(family.Family));
                json.WriteNumber("dimension", family.Dimension);
                json.WriteStartArray("learners");
                foreach (var learner in family.Learners) WriteLearner(json, learner, result.Options, timings);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("article");
            foreach (var (aspect, classical, meta, inContext) in ParadigmWords.Article)
            {
                json.WriteStartObject();
                json.WriteString("aspect", aspect);
                json.WriteString("classical", classical);
                json.WriteString("meta_learning", meta);
                json.WriteString("in_context", inContext);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            var o = result.Options;
            json.WriteNumber("test_tasks", o.TestTasks);
            json.WriteNumber("in_context_steps", o.InContextSteps);
            json.WriteNumber("meta_steps", o.MetaSteps);
            json.WriteNumber("inner_steps", o.InnerSteps);
            json.WriteNumber("scratch_steps", o.ScratchSteps);
            json.WriteNumber("hidden", o.Hidden);
            json.Number("lambda", o.Lambda);
            json.WriteNumber("seed", o.Seed);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(ParadigmResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void WriteLearner(Utf8JsonWriter json, ParadigmLearner learner, ParadigmOptions options, bool timings)
    {
        json.WriteStartObject();
        json.WriteString("paradigm", ParadigmWords.Of(learner.Paradigm).Replace(' ', '_').Replace('-', '_'));
        json.WriteString("learner", learner.Name);
        json.WriteNumber("parameters", learner.Parameters);
        json.WriteNumber("updates", learner.Updates);
        json.WriteNumber("pretraining_tasks", learner.PretrainingTasks);
        json.WriteNumber("pretraining_examples", learner.PretrainingExamples);
        json.WriteStartArray("by_shots");
        foreach (var (shots, error) in options.Shots.Zip(learner.ByShots))
        {
            json.WriteStartObject();
            json.WriteNumber("shots", shots);
            RegressionJson.WriteError(json, "error", error);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("out_of_distribution");
        foreach (var (shift, error) in learner.Shifted)
        {
            json.WriteStartObject();
            json.WriteString("set", shift.Name);
            RegressionJson.WriteError(json, "error", error);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (timings) json.WriteNumber("adaptation_seconds", learner.AdaptationTime.TotalSeconds);
        json.WriteEndObject();
    }
}
