using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// One head of self-attention without softmax, merged to what can be told of it from outside: e_j += Value (sum over examples of e_i e_i^T) Scores e_j.
/// The tensors belong to the caller's scope.
/// </summary>
/// <param name="Value">P W_V [d + 1, d + 1].</param>
/// <param name="Scores">W_K^T W_Q [d + 1, d + 1]. A factor moved from one matrix to the other changes nothing.</param>
internal readonly record struct MergedLayer(Tensor Value, Tensor Scores)
{
    /// <summary>The two matrices with the factor moved so that the diagonal of the scores over x has mean 1, as in the construction.</summary>
    public MergedLayer Rescaled()
    {
        long d = Scores.shape[0] - 1;
        var factor = Scores.narrow(0, 0, d).narrow(1, 0, d).trace().Over(d);
        return new(Value * factor, Scores / factor);
    }

    /// <summary>Half-way between two layers, or anywhere else.</summary>
    /// <param name="other">The far end.</param>
    /// <param name="share">0 here, 1 there.</param>
    public MergedLayer Towards(MergedLayer other, double share) => new(Value.lerp(other.Value, share), Scores.lerp(other.Scores, share));

    /// <summary>
    /// The matrix that stands between (1/N) sum y_i x_i and the query in the output of one layer, against the best one, which is eta times the unit matrix:
    /// the relative Frobenius distance.
    /// </summary>
    public double OptimumDistance(int examples, double eta)
    {
        using var scope = NewDisposeScope();
        long d = Scores.shape[0] - 1;
        var matrix = Value[d, d].Times(-examples) * Scores.narrow(0, 0, d).narrow(1, 0, d);
        return (matrix - eye(d, dtype: matrix.dtype).Times(eta)).norm().Over(eta * Math.Sqrt(d)).item<double>();
    }

    /// <summary>
    /// The relative distance of all that one layer's output depends on from another layer's: the products of the value's last row with the scores' columns
    /// over x. They are the same for layers that cannot be told apart.
    /// </summary>
    public double Distance(MergedLayer other)
    {
        using var scope = NewDisposeScope();
        long d = Scores.shape[0] - 1;
        Tensor Row(MergedLayer layer) => layer.Value.select(0, d);
        Tensor Columns(MergedLayer layer) => layer.Scores.narrow(1, 0, d);
        double Product(MergedLayer a, MergedLayer b) => ((Row(a) * Row(b)).sum() * (Columns(a) * Columns(b)).sum()).item<double>(); // of the two outer products
        return Math.Sqrt(Math.Max(0, Product(this, this) - (2 * Product(this, other)) + Product(other, other)) / Product(other, other));
    }

    public MergedLayer To(ScalarType type) => new(Value.to_type(type), Scores.to_type(type));
}

/// <summary>Layers of linear self-attention on tokens (x, y). Keys are the examples alone: the query token is no key (von Oswald et al. 2023, section 2).</summary>
internal static class LinearSelfAttention
{
    /// <summary>Examples as tokens [task, n, d + 1].</summary>
    public static Tensor Tokens(LinearTasks tasks) => cat([tasks.X, tasks.Y.unsqueeze(2)], 2);

    /// <summary>The query as a token (x, -W0 x), [task, 1, d + 1].</summary>
    public static Tensor QueryToken(LinearTasks tasks, Tensor? first = null)
    {
        var guess = first is null ? zeros_like(tasks.Query.narrow(1, 0, 1)) : -mm(tasks.Query, first.unsqueeze(1));
        return cat([tasks.Query, guess], 1).unsqueeze(1);
    }

    /// <summary>The predictions for queries [task, query, d + 1], as [task, query]: minus the y entry after all layers.</summary>
    public static Tensor Predict(IReadOnlyList<MergedLayer> layers, Tensor tokens, Tensor queries)
    {
        using var scope = NewDisposeScope();
        for (int layer = 0; layer < layers.Count; layer++)
        {
            queries = Attend(layers[layer], queries, tokens);
            if (layer < layers.Count - 1) tokens = Attend(layers[layer], tokens, tokens);
        }
        return (-queries.select(2, queries.shape[2] - 1)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// d prediction / d query [task, d]. The query is no key, so that the prediction is linear in it and these are all there is to know of the
    /// model's answers to a task: the weights that it has found, to be held against w or against those of gradient descent.
    /// </summary>
    public static Tensor InContextWeights(IReadOnlyList<MergedLayer> layers, LinearTasks tasks)
    {
        using var scope = NewDisposeScope();
        var (count, d) = (tasks.X.shape[0], tasks.X.shape[2]);
        var directions = eye(d, d + 1, tasks.X.dtype).expand(count, d, d + 1);
        return Predict(layers, Tokens(tasks), directions).MoveToOuterDisposeScope();
    }

    /// <summary>Tokens after a layer: [task, query, d + 1].</summary>
    private static Tensor Attend(MergedLayer layer, Tensor queries, Tensor keys)
    {
        var scores = bmm(Times(queries, layer.Scores), keys.transpose(1, 2)); // [task, query, key]
        return queries.Plus(Times(bmm(scores, keys), layer.Value));
    }

    // Rows times the transposed matrix, which is the matrix times columns.
    private static Tensor Times(Tensor rows, Tensor matrix) => mm(rows.reshape(-1, rows.shape[2]), matrix.t()).view(rows.shape);
}
