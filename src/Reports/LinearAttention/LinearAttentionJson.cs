using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.LinearAttention;

/// <summary>Linear attention as JSON. Components are numbered from 1, the largest eigenvalue's, heads from 0.</summary>
public static class LinearAttentionJson
{
    /// <summary>Writes one object: <c>kernels</c> (comparisons) and <c>dynamics</c> (trainings with drops, plateaus and curves), with their settings.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(LinearAttentionResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteStartObject("kernels");
            WriteKernels(json, result.Equality);
            json.WriteEndObject();
            json.WriteStartObject("dynamics");
            WriteDynamics(json, result.Dynamics);
            json.WriteEndObject();
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(LinearAttentionResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void WriteKernels(Utf8JsonWriter json, KernelEqualityResult equality)
    {
        json.WriteStartArray("comparisons");
        foreach (var c in equality.Comparisons)
        {
            json.WriteStartObject();
            json.Name("attention", c.Attention);
            json.Name("source", c.Source);
            json.WriteString("model", c.Model);
            json.Name("smoother", c.Smoother);
            json.Name("kernel", c.Kernel);
            json.Number("ridge_over_n", c.Ridge);
            json.WriteBoolean("expected_equal", c.ExpectedEqual);
            json.Number("max_difference", c.MaxDifference);
            json.Number("scale", c.Scale);
            json.Number("relative_difference", c.RelativeDifference);
            json.Estimate("gap", c.Gap);
            json.WriteNumber("n", c.N);
            json.WriteNumber("heads", c.Heads);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        var o = equality.Options;
        json.WriteNumber("tasks", o.Tasks);
        json.WriteNumber("examples", o.Examples);
        json.WriteNumber("dimension", o.Dimension);
        json.Number("step_size", o.StepSize);
        json.WriteNumber("rows", o.Rows);
        json.WriteNumber("length", o.Length);
        json.WriteNumber("training_steps", o.TrainingSteps);
        json.WriteNumber("seed", o.Seed);
    }

    private static void WriteDynamics(Utf8JsonWriter json, AttentionDynamicsResult dynamics)
    {
        json.Numbers("eigenvalues", dynamics.Eigenvalues);
        json.Numbers("levels", dynamics.Levels);
        json.Number("optimum", dynamics.Optimum);
        json.WriteStartArray("kinds");
        foreach (var kind in dynamics.Kinds)
        {
            json.WriteStartObject();
            json.Name("kind", kind.Kind);
            json.WriteNumber("heads", kind.Heads);
            json.Number("initial_size", kind.InitialSize);
            json.Number("learning_rate", kind.LearningRate);
            json.WriteNumber("expected_drops", kind.ExpectedDrops);
            json.Estimate("final_loss", kind.FinalLoss);
            json.WriteStartArray("runs");
            foreach (var run in kind.Runs) WriteRun(json, dynamics, run);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("examples", dynamics.Options.Examples);
        json.WriteNumber("sequences", dynamics.Options.Sequences);
        json.WriteNumber("seeds", dynamics.Options.Seeds);
        json.Whole("steps", dynamics.Options.Steps);
        json.WriteNumber("most_steps", dynamics.Options.MostSteps);
        json.WriteNumber("seed", dynamics.Options.Seed);
    }

    private static void WriteRun(Utf8JsonWriter json, AttentionDynamicsResult dynamics, DynamicsRun run)
    {
        json.WriteStartObject();
        json.WriteNumber("seed", run.Seed);
        json.WriteBoolean("converged", run.Converged);
        json.Number("final_loss", run.Points[^1].Loss);
        json.Number("final_training_loss", run.Points[^1].TrainingLoss);
        json.Number("least_training_loss", run.LeastTrainingLoss);
        json.WriteStartArray("drops");
        foreach (var drop in run.Drops)
        {
            json.WriteStartObject();
            json.WriteNumber("step", drop.Step);
            json.WriteStartArray("components");
            foreach (int component in drop.Components) json.WriteNumberValue(LinearAttentionWords.Rank(dynamics, component));
            json.WriteEndArray();
            json.Whole("head", drop.Head);
            json.Number("alignment", drop.Alignment);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("plateaus");
        foreach (var plateau in run.Plateaus)
        {
            json.WriteStartObject();
            json.WriteNumber("step", plateau.Step);
            json.Number("loss", plateau.Loss);
            json.WriteNumber("learned", plateau.Learned);
            json.Number("level", plateau.Level);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.Numbers("steps", run.Points.Select(p => (double)p.Step));
        json.Numbers("loss", run.Points.Select(p => p.Loss));
        json.Numbers("training_loss", run.Points.Select(p => p.TrainingLoss));
        json.WriteStartArray("learned_by_component");
        foreach (int component in ByRank(dynamics)) json.Numbers(run.Points.Select(p => p.Learned[component]));
        json.WriteEndArray();
        json.WriteStartArray("alignment_by_component");
        foreach (int component in ByRank(dynamics).Where(_ => run.Points[0].Alignment.Count > 0)) json.Numbers(run.Points.Select(p => p.Alignment[component]));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static IEnumerable<int> ByRank(AttentionDynamicsResult dynamics) => Enumerable.Range(0, dynamics.Eigenvalues.Count).OrderBy(c => LinearAttentionWords.Rank(dynamics, c));
}
