namespace MlNetIcl.Probes.Tests.GradientDescent;

/// <summary>Gradient descent in plain loops, independent of the library's: y = w x, half the mean squared error, whole-batch steps.</summary>
internal static class PlainGradientDescent
{
    /// <summary>The prediction for the query after steps from <paramref name="first"/>; with gamma all inputs become (I - gamma X X^T) x after each step.</summary>
    public static double Predict(double[][] x, double[] y, double[] query, double[] first, int steps, double eta, double gamma = 0)
    {
        int d = query.Length, n = x.Length;
        double[][] inputs = [.. x.Select(row => row.ToArray()), query.ToArray()]; // the last is the query's
        double[] left = [.. y];
        double predicted = Dot(first, query);
        for (int step = 0; step < steps; step++)
        {
            // -eta times the gradient of (1/2N) sum (W x_i - left_i)^2 at W0, which no step leaves: what a step has found is taken out of the outputs.
            double[] change = new double[d];
            for (int i = 0; i < n; i++)
                for (int a = 0; a < d; a++) change[a] += eta / n * (left[i] - Dot(first, inputs[i])) * inputs[i][a];
            for (int i = 0; i < n; i++) left[i] -= Dot(change, inputs[i]);
            predicted += Dot(change, inputs[n]);
            double[][] before = [.. inputs.Take(n)];
            inputs = [.. inputs.Select(input => Enumerable.Range(0, d).Select(a => input[a] - (gamma * before.Sum(other => other[a] * Dot(other, input)))).ToArray())];
        }
        return predicted;
    }

    /// <summary>The same by the weights: W after steps, times the query. Gradient descent proper, of which the above is a rewriting.</summary>
    public static double ByWeights(double[][] x, double[] y, double[] query, double[] first, int steps, double eta)
    {
        double[] weights = [.. first];
        for (int step = 0; step < steps; step++)
        {
            double[] gradient = new double[weights.Length];
            for (int i = 0; i < x.Length; i++)
                for (int a = 0; a < gradient.Length; a++) gradient[a] += (Dot(weights, x[i]) - y[i]) * x[i][a] / x.Length;
            for (int a = 0; a < gradient.Length; a++) weights[a] -= eta * gradient[a];
        }
        return Dot(weights, query);
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (p, q) => p * q).Sum();
}
