using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What a model or an algorithm says to tasks. The tensors belong to the caller's scope.</summary>
/// <param name="Predicted">yhat [task].</param>
/// <param name="Gradient">d yhat / d x_q [task, d].</param>
/// <param name="Losses">Half the squared error [task].</param>
internal readonly record struct ModelAnswers(Tensor Predicted, Tensor Gradient, Tensor Losses)
{
    /// <summary>
    /// Of answers that are linear in the query: the loss is then (s/2)|g - w|^2 in expectation over queries, which varies over tasks much less than
    /// that of one query each.
    /// </summary>
    /// <param name="tasks">The tasks.</param>
    /// <param name="weights">The answers' weights [task, d].</param>
    /// <param name="queryVariance">s, of the query's entries.</param>
    public static ModelAnswers Linear(LinearTasks tasks, Tensor weights, double queryVariance)
    {
        using var scope = NewDisposeScope();
        return new ModelAnswers((weights * tasks.Query).sum(-1), weights.alias(), (weights - tasks.Weights).square().sum(-1).Times(queryVariance / 2)).MoveOut();
    }

    /// <summary>Of any other answers, to the one query of each task.</summary>
    public static ModelAnswers Any(LinearTasks tasks, (Tensor Predicted, Tensor Gradient) answer)
    {
        using var scope = NewDisposeScope();
        return new ModelAnswers(answer.Predicted.alias(), answer.Gradient.alias(), (answer.Predicted - tasks.Answer).square().Over(2)).MoveOut();
    }

    /// <summary>How they stand to an algorithm's answers to the same tasks.</summary>
    public Alignment Against(GradientReference reference, ModelAnswers other)
    {
        using var scope = NewDisposeScope();
        return new()
        {
            Reference = reference,
            PredictionDifference = TaskMeans.Of((Predicted - other.Predicted).abs()),
            Cosine = TaskMeans.Of(nn.functional.cosine_similarity(Gradient, other.Gradient, 1)),
            GradientDifference = TaskMeans.Of((Gradient - other.Gradient).square().sum(-1).sqrt()),
            ExcessLoss = TaskMeans.Of(Losses - other.Losses),
        };
    }

    /// <summary>The same tensors, in the scope around the present one.</summary>
    public ModelAnswers MoveOut() => new(Predicted.MoveToOuterDisposeScope(), Gradient.MoveToOuterDisposeScope(), Losses.MoveToOuterDisposeScope());
}
