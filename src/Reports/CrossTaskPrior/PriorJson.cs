using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.CrossTaskPrior;

/// <summary>The study of cross-task priors as JSON.</summary>
public static class PriorJson
{
    /// <summary>Writes one object: <c>ranks</c> and how they came about.</summary>
    /// <param name="result">The result.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    public static void Write(CrossTaskPriorResult result, Stream output)
    {
        ArgumentNullException.ThrowIfNull(result);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteStartArray("ranks");
            foreach (var rank in result.Ranks) WriteRank(json, rank);
            json.WriteEndArray();
            var o = result.Options;
            json.WriteNumber("dimension", o.Dimension);
            json.WriteNumber("examples", o.Examples);
            json.Number("mean_norm", o.MeanNorm);
            json.Number("noise", o.Noise);
            json.WriteNumber("prior_tasks", o.PriorTasks);
            json.WriteNumber("test_tasks", o.TestTasks);
            json.WriteNumber("layers", o.Layers);
            json.WriteNumber("d_model", o.DModel);
            json.WriteNumber("heads", o.Heads);
            json.WriteNumber("steps", o.Steps);
            json.WriteNumber("batch_tasks", o.BatchTasks);
            json.Number("learning_rate", o.LearningRate);
            json.WriteNumber("seed", o.Seed);
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(CrossTaskPriorResult result) => JsonOutput.ToText(stream => Write(result, stream));

    private static void WriteRank(Utf8JsonWriter json, PriorRankResult rank)
    {
        json.WriteStartObject();
        json.WriteNumber("rank", rank.Rank);
        json.Number("oracle_risk", rank.OracleRisk);
        json.Number("prior_mean_risk", rank.PriorMeanRisk);
        json.Number("training_loss_first", rank.TrainingLoss.First);
        json.Number("training_loss_last", rank.TrainingLoss.Last);
        json.WriteStartArray("learners");
        foreach (var learner in rank.Learners)
        {
            json.WriteStartObject();
            json.Name("learner", learner.Learner);
            json.Estimate("risk", learner.Risk);
            json.Estimate("foreign_risk", learner.ForeignRisk);
            json.Estimate("mean_error", learner.MeanError);
            json.Estimate("mean_cosine", learner.MeanCosine);
            json.Estimate("covariance_error", learner.CovarianceError);
            json.Estimate("subspace_overlap", learner.SubspaceOverlap);
            json.Estimate("outside_variance", learner.OutsideVariance);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
