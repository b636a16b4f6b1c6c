using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Tasks with their points. The tensors belong to the caller's scope.</summary>
/// <param name="Inputs">x of the demonstrations [task, n, d].</param>
/// <param name="Outputs">y of the demonstrations, with noise where there is any [task, n].</param>
/// <param name="Queries">The query behind 0, 1, …, n demonstrations [task, n + 1, d].</param>
/// <param name="Targets">Its y, without noise [task, n + 1].</param>
internal readonly record struct RegressionTasks(Tensor Inputs, Tensor Outputs, Tensor Queries, Tensor Targets)
{
    public int Count => (int)Inputs.shape[0];

    public int Demonstrations => (int)Inputs.shape[1];

    public int Dimension => (int)Inputs.shape[2];

    /// <summary>The first <paramref name="shots"/> demonstrations and the query behind them [task, k, d], [task, k], [task, d], [task].</summary>
    public (Tensor Inputs, Tensor Outputs, Tensor Query, Tensor Target) At(int shots) =>
        (Inputs.narrow(1, 0, shots), Outputs.narrow(1, 0, shots), Queries.select(1, shots), Targets.select(1, shots));

    public RegressionTasks Narrow(int first, int count) =>
        new(Inputs.narrow(0, first, count), Outputs.narrow(0, first, count), Queries.narrow(0, first, count), Targets.narrow(0, first, count));
}
