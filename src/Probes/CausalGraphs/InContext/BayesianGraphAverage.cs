namespace MlNetIcl.Probes;

/// <summary>
/// The best prediction of one who knows the kernel and not the graph: Bayesian model averaging over the parents of a position. Parents of different positions
/// are independent given the sequences, so that post(k) is proportional to the product over examples of pi(x_h | x_k), and the prediction is the sum of post(k) pi(. | x_k).
/// </summary>
internal static class BayesianGraphAverage
{
    /// <summary>The posterior of a position's parent after some sequences, [parent].</summary>
    /// <param name="task">The kernel.</param>
    /// <param name="values">A prompt, [sequence, pos].</param>
    /// <param name="examples">Sequences that are seen.</param>
    /// <param name="position">From 1.</param>
    public static double[] Posterior(InContextGraphTask task, ReadOnlySpan<int> values, int examples, int position)
    {
        double[] logs = new double[position];
        for (int sequence = 0; sequence < examples; sequence++)
        {
            var row = values.Slice(sequence * task.Length, task.Length);
            for (int parent = 0; parent < position; parent++) logs[parent] += Math.Log(task.Kernel(row[parent])[row[position]]);
        }
        double largest = logs.Max();
        double[] weights = [.. logs.Select(log => Math.Exp(log - largest))];
        double sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }

    /// <summary>A mixture over parents of what follows them in a sequence, [value].</summary>
    /// <param name="task">The kernel.</param>
    /// <param name="sequence">The sequence, at least up to the parents.</param>
    /// <param name="weights">Of each parent.</param>
    public static double[] Predict(InContextGraphTask task, ReadOnlySpan<int> sequence, ReadOnlySpan<double> weights)
    {
        double[] prediction = new double[task.Vocabulary];
        for (int parent = 0; parent < weights.Length; parent++)
            for (int value = 0; value < prediction.Length; value++) prediction[value] += weights[parent] * task.Kernel(sequence[parent])[value];
        return prediction;
    }
}
