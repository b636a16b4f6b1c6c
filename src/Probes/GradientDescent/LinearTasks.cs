using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Tasks y = w x without noise: examples X [task, n, d] and Y [task, n], a query [task, d], and the weights behind them [task, d]. The tensors belong to the caller's scope.</summary>
internal readonly record struct LinearTasks(Tensor X, Tensor Y, Tensor Query, Tensor Weights)
{
    /// <summary>The query's true output [task].</summary>
    public Tensor Answer => (Weights * Query).sum(-1);
}

/// <summary>How tasks differ from those of training: factors on examples, query and weights.</summary>
/// <param name="Examples">On every example's input.</param>
/// <param name="Query">On the query's input.</param>
/// <param name="Weights">On w.</param>
internal readonly record struct TaskScale(double Examples = 1, double Query = 1, double Weights = 1)
{
    public TaskScale() : this(1, 1, 1) { }
}

/// <summary>The tasks of von Oswald et al. 2023: w ~ N(0, I), inputs uniform in [-range, range).</summary>
/// <param name="Dimension">d.</param>
/// <param name="Examples">n.</param>
/// <param name="Range">Half the width of the inputs' distribution.</param>
internal readonly record struct LinearTaskFamily(int Dimension, int Examples, double Range)
{
    private const int PieceValues = 250_000;

    /// <summary>Draws fresh tasks, which depend on seed, stream and number alone; tasks of other scales are the same draws scaled.</summary>
    public LinearTasks Draw(int tasks, int seed, RandomStream stream, int number, ScalarType type = ScalarType.Float64, TaskScale? scale = null)
    {
        using var scope = NewDisposeScope();
        using var generator = TorchRandom.Of(seed, stream, number);
        var (examples, query, weights) = scale is { } s ? (s.Examples, s.Query, s.Weights) : (1, 1, 1);
        double range = Range;
        // Query and examples in one draw [task, n + 1, d]; drawing is a large part of a training step.
        var inputs = empty([tasks, Examples + 1, Dimension], type).uniform_(-range, range, generator);
        var w = randn([tasks, Dimension], type, generator: generator).Times(weights);
        var x = inputs.narrow(1, 0, Examples).Times(examples);
        var y = bmm(x, w.unsqueeze(2)).squeeze(2);
        return new(x.MoveToOuterDisposeScope(), y.MoveToOuterDisposeScope(), inputs.select(1, Examples).Times(query).MoveToOuterDisposeScope(), w.MoveToOuterDisposeScope());
    }

    /// <summary>What <paramref name="of"/> gives for many tasks, each [task, …], computed in pieces that fit into memory. The tensors belong to the caller's scope.</summary>
    public Tensor[] Collect(int tasks, int seed, RandomStream stream, Func<LinearTasks, Tensor[]> of, TaskScale? scale = null)
    {
        using var scope = NewDisposeScope();
        int piece = Math.Max(1, PieceValues / ((Examples + 1) * (Dimension + 1)));
        var pieces = new List<Tensor[]>();
        for (int first = 0; first < tasks; first += piece)
        {
            using var inner = NewDisposeScope();
            pieces.Add([.. of(Draw(Math.Min(piece, tasks - first), seed, stream, pieces.Count, scale: scale)).Select(value => value.MoveToOuterDisposeScope())]);
        }
        return [.. Enumerable.Range(0, pieces[0].Length).Select(i => cat([.. pieces.Select(p => p[i])]).MoveToOuterDisposeScope())];
    }
}
