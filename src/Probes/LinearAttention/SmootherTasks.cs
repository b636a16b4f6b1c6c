namespace MlNetIcl.Probes;

/// <summary>
/// Random tasks y = w . x, x ~ N(0, I), w ~ N(0, I), with N demonstrations and a query each; with equal norms, all inputs have length sqrt(D). Rounded to float32,
/// so that attention and regressions read the same numbers.
/// </summary>
internal sealed class SmootherTasks
{
    private readonly int _tasks, _examples, _dimension;

    public SmootherTasks(KernelEqualityOptions options, bool equalNorms)
    {
        (_tasks, _examples, _dimension) = (options.Tasks, options.Examples, options.Dimension);
        var random = new SeededRandom(options.Seed, RandomStream.SmootherTasks);
        Inputs = new float[_tasks * (_examples + 1) * _dimension];
        Outputs = new float[_tasks * _examples];
        double[] w = new double[_dimension], x = new double[_dimension];
        for (int task = 0; task < _tasks; task++)
        {
            Draw(w);
            for (int n = 0; n <= _examples; n++)
            {
                Draw(x);
                double scale = equalNorms ? Math.Sqrt(_dimension / x.Sum(v => v * v)) : 1, y = 0;
                for (int i = 0; i < _dimension; i++)
                {
                    float input = (float)(scale * x[i]);
                    Inputs[(((task * (_examples + 1)) + n) * _dimension) + i] = input;
                    y += w[i] * input;
                }
                if (n < _examples) Outputs[(task * _examples) + n] = (float)y;
            }
        }

        void Draw(double[] values)
        {
            for (int i = 0; i < values.Length; i++) values[i] = random.NextNormal();
        }
    }

    /// <summary>[task, N + 1, D], the query last.</summary>
    public float[] Inputs { get; }

    /// <summary>[task, N]</summary>
    public float[] Outputs { get; }

    /// <summary>A regression's answers to the queries [task], from inputs, outputs and query.</summary>
    public double[] Answers(Func<double[][], double[], double[], double> regression, CancellationToken cancellation)
    {
        var answers = new double[_tasks];
        for (int task = 0; task < _tasks; task++)
        {
            cancellation.ThrowIfCancellationRequested();
            double[][] tokens = [.. Enumerable.Range(0, _examples + 1).Select(n => Array.ConvertAll(Inputs.AsSpan(((task * (_examples + 1)) + n) * _dimension, _dimension).ToArray(), v => (double)v))];
            double[] y = Array.ConvertAll(Outputs.AsSpan(task * _examples, _examples).ToArray(), v => (double)v);
            answers[task] = regression(tokens[.._examples], y, tokens[_examples]);
        }
        return answers;
    }
}
