using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.GradientDescent;

/// <summary>In-context learning against gradient descent as JSON. What was not measured is <c>null</c>.</summary>
public static class GradientDescentJson
{
    // The two readings of the paper, its code's inputs and its text's.
    private static readonly double[] PaperRanges = [0.5, 1];

    /// <summary>Writes one object: closed forms, <c>construction</c>, <c>references</c>, <c>runs</c>, <c>softmax</c>, <c>shifts</c>, and how they came about.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(GradientDescentResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WritePropertyName("closed_form");
            WriteClosedForm(json, result.Optimum);
            json.Array("closed_form_by_range", PaperRanges, range => WriteClosedForm(json, OneStepOptimum.Of(result.Options.Dimension, result.Options.Examples, range)));
            json.Array("construction", result.Construction, error =>
            {
                json.WriteStartObject();
                json.WriteNumber("steps", error.Steps);
                json.Number("gd_error", error.GradientDescent);
                json.Number("gd_plus_plus_error", error.PlusPlus);
                json.WriteEndObject();
            });
            json.Array("references", result.References, reference =>
            {
                json.WriteStartObject();
                WriteName(json, reference);
                json.Number("eta", reference.Eta);
                json.Number("gamma", reference.Gamma);
                json.Estimate("loss", reference.Loss);
                json.WriteEndObject();
            });
            json.Array("runs", result.Runs, run => WriteRun(json, run));
            json.Array("softmax", result.Softmax, run => WriteRun(json, run));
            json.Array("shifts", result.Shifts, curve => WriteShift(json, curve));
            WriteOptions(json, result.Options);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(GradientDescentResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void WriteClosedForm(Utf8JsonWriter json, OneStepOptimum optimum)
    {
        json.WriteStartObject();
        json.Number("range", optimum.Range);
        json.Number("eta", optimum.Eta);
        json.Number("loss", optimum.Loss);
        json.Number("null_loss", optimum.NullLoss);
        json.WriteEndObject();
    }

    private static void WriteRun(Utf8JsonWriter json, GradientDescentRun run)
    {
        json.WriteStartObject();
        json.WriteNumber("seed", run.Seed);
        json.Estimate("loss", run.Loss);
        json.Array("alignments", run.Alignments, alignment =>
        {
            json.WriteStartObject();
            WriteName(json, alignment.Reference);
            json.Estimate("prediction_difference", alignment.PredictionDifference);
            json.Estimate("cosine", alignment.Cosine);
            json.Estimate("gradient_difference", alignment.GradientDifference);
            json.Estimate("excess_loss", alignment.ExcessLoss);
            json.WriteEndObject();
        });
        json.Array("interpolation", run.Interpolation, point =>
        {
            json.WriteStartObject();
            json.Number("share", point.Share);
            json.Estimate("loss", point.Loss);
            json.WriteEndObject();
        });
        json.Number("optimum_distance", run.OptimumDistance);
        json.Number("construction_distance", run.ConstructionDistance);
        json.Array("training_loss", run.Curve, point =>
        {
            json.WriteStartObject();
            json.WriteNumber("step", point.Step);
            json.Number("loss", point.Loss);
            json.WriteEndObject();
        });
        json.WriteEndObject();
    }

    private static void WriteShift(Utf8JsonWriter json, ShiftCurve curve)
    {
        json.WriteStartObject();
        json.Name("shift", curve.Shift);
        json.Array("points", curve.Points, point =>
        {
            json.WriteStartObject();
            json.Number("factor", point.Factor);
            json.Number("expected", point.Expected);
            json.Estimate("trained", point.Trained);
            json.Estimate("gd", point.GradientDescent);
            json.Estimate("least_squares", point.LeastSquares);
            json.Estimate("softmax", point.Softmax);
            json.WriteEndObject();
        });
        json.WriteEndObject();
    }

    private static void WriteName(Utf8JsonWriter json, GradientReference reference)
    {
        json.WriteString("algorithm", reference.Kind switch { ReferenceKind.GradientDescent => "gd", ReferenceKind.PlusPlus => "gd_plus_plus", _ => "least_squares" });
        json.WriteNumber("steps", reference.Steps);
    }

    private static void WriteOptions(Utf8JsonWriter json, GradientDescentOptions o)
    {
        json.WriteNumber("dimension", o.Dimension);
        json.WriteNumber("examples", o.Examples);
        json.Number("range", o.Range);
        json.WriteNumber("layers", o.Layers);
        json.WriteBoolean("shared_layers", o.SharedLayers);
        json.WriteNumber("seeds", o.Seeds);
        json.WriteNumber("steps", o.Steps);
        json.WriteNumber("batch_tasks", o.BatchTasks);
        json.Number("learning_rate", o.LearningRate);
        json.Number("clip_norm", o.ClipNorm);
        json.Number("initial_variance", o.InitialVariance);
        json.WriteNumber("test_tasks", o.TestTasks);
        json.WriteNumber("search_tasks", o.SearchTasks);
        json.WriteNumber("seed", o.Seed);
        json.WritePropertyName("softmax_options");
        if (o.Softmax is { } softmax) WriteOptions(json, softmax);
        else json.WriteNullValue();
    }

    private static void WriteOptions(Utf8JsonWriter json, SoftmaxOptions o)
    {
        json.WriteStartObject();
        json.WriteNumber("layers", o.Layers);
        json.WriteNumber("width", o.Width);
        json.WriteNumber("heads", o.Heads);
        json.WriteBoolean("mlp", o.Mlp);
        json.WriteNumber("steps", o.Steps);
        json.WriteNumber("batch_tasks", o.BatchTasks);
        json.Number("learning_rate", o.LearningRate);
        json.WriteEndObject();
    }
}
