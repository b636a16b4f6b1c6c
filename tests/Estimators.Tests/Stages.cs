using Microsoft.ML;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms;
using MlNetIcl.Transforms.Attention;
using MlNetIcl.Transforms.Interventions;

namespace MlNetIcl.Estimators.Tests;

/// <summary>Every stage that reads 'Tokens' and writes 'Out'.</summary>
internal static class Stages
{
    public static readonly string[] Names = ["summary", "pattern", "induction", "some heads", "losses", "detect", "detect rows", "ablate", "ablate together", "ablate resample"];

    public static IEstimator<ITransformer> Create(MLContext ml, LanguageModel model, string stage, RowErrorHandling onError = RowErrorHandling.Missing, int batchRows = 8, int batchTokens = 256)
    {
        return stage switch
        {
            "summary" => ml.Transforms.ExtractAttention(model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", OnError = onError, BatchRows = batchRows, BatchTokens = batchTokens }),
            "pattern" => ml.Transforms.ExtractAttention(model, new()
            {
                OutputColumnName = "Out",
                InputColumnName = "Tokens",
                OnError = onError,
                BatchRows = batchRows,
                BatchTokens = batchTokens,
                Output = AttentionOutput.Pattern,
                Heads = [new HeadId(1, 1), new HeadId(0, 0)],
            }),
            "induction" => ml.Transforms.ScoreInductionHeads(model, new() { OutputColumnName = "Out", InputColumnName = "Tokens", OnError = onError, BatchRows = batchRows, BatchTokens = batchTokens }),
            "some heads" => ml.Transforms.ScoreInductionHeads(model, new()
            {
                OutputColumnName = "Out",
                InputColumnName = "Tokens",
                OnError = onError,
                BatchRows = batchRows,
                BatchTokens = batchTokens,
                Heads = [new HeadId(1, 0), new HeadId(0, 1)],
            }),
            "losses" => ml.Transforms.ScoreInContextLearning(model, new()
            {
                OutputColumnName = "Out",
                InputColumnName = "Tokens",
                OnError = onError,
                BatchRows = batchRows,
                BatchTokens = batchTokens,
                EarlyPosition = 2,
                LossesColumnName = "Losses",
            }),
            "detect" => ml.Transforms.DetectInductionHeads(model, new()
            {
                OutputColumnName = "Out",
                InputColumnName = "Tokens",
                OnError = onError,
                BatchRows = batchRows,
                BatchTokens = batchTokens,
                Detection = new HeadDetectionOptions { TransformerLens = false, Copying = false },
            }),
            "detect rows" => ml.Transforms.DetectInductionHeads(model, new()
            {
                OutputColumnName = "Out",
                InputColumnName = "Tokens",
                OnError = RowErrorHandling.Missing,
                BatchRows = batchRows,
                BatchTokens = batchTokens,
                Source = DetectionSource.Rows,
                Detection = new HeadDetectionOptions { TransformerLens = false, Copying = false },
            }),
            "ablate" => ml.Transforms.AblateHeads(model, Ablation(AblationKind.MeanPerPosition)),
            "ablate together" => ml.Transforms.AblateHeads(model, Ablation(AblationKind.Zero) with { Together = true, Heads = [new HeadId(1, 1), new HeadId(0, 0)], Metric = AblationMetric.SecondRepeatLoss }),
            "ablate resample" => ml.Transforms.AblateHeads(model, Ablation(AblationKind.Resample) with { Heads = [new HeadId(1, 1), new HeadId(0, 0)] }),
            _ => throw new ArgumentOutOfRangeException(nameof(stage), stage, "No such stage."),
        };

        HeadAblatingOptions Ablation(AblationKind kind) => new() { OutputColumnName = "Out", InputColumnName = "Tokens", OnError = RowErrorHandling.Missing, BatchRows = batchRows, BatchTokens = batchTokens, Kind = kind };
    }
}
