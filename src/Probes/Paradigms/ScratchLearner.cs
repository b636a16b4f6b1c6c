using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>The same network, for each task from random weights of one draw, by Adam on the task's examples alone.</summary>
internal static class ScratchLearner
{
    private const double Rate = 0.01;

    /// <summary>Answers to each task's query [task], float64.</summary>
    public static Tensor Answer(TaskNetwork network, ParadigmOptions options, Tensor x, Tensor y, Tensor query, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        long tasks = x.shape[0];
        // Adam works element by element, so that one optimizer does for all tasks at once.
        Tensor[] weights = [.. network.Initial(options.Seed, RandomStream.ScratchWeights).Select(w => w.unsqueeze(0).expand([tasks, .. w.shape]).clone())];
        NamedParameter[] parameters = [.. weights.Select((w, i) => new NamedParameter($"{i}", w))];
        using var run = new TrainingRun(parameters, new AdamW(parameters, new(_ => Rate)), []);
        run.Train(options.ScratchSteps, _ => network.Loss(weights, x, y), cancellationToken: cancellation);
        using var noGradients = no_grad();
        return network.AnswerQuery(weights, query).MoveToOuterDisposeScope();
    }
}
