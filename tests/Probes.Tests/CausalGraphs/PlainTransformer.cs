namespace MlNetIcl.Probes.Tests.CausalGraphs;

/// <summary>The disentangled transformer as the paper writes it: one-hot codes, concatenated, whole matrices, in double precision.</summary>
internal static class PlainTransformer
{
    /// <summary>The mean loss over rows and queries.</summary>
    public static double Loss(DisentangledShape shape, double[][] weights, CausalRows rows)
    {
        double loss = 0;
        for (int row = 0; row < rows.Count; row++)
            for (int query = 0; query < shape.Queries; query++)
            {
                int last = shape.PositionOf(query);
                int?[] tokens = [.. Enumerable.Range(0, last + 1).Select(position => position < last ? rows.Row(row)[position] : shape.TokenOf(query, rows.Row(row)))];
                double[] predicted = Softmax(Logits(shape, weights, tokens));
                for (int value = 0; value < shape.Vocabulary; value++)
                {
                    double target = shape.Target == CausalTarget.EveryToken ? (rows.Row(row)[last] == value ? 1 : 0) : rows.TargetOf(row, query)[value];
                    loss -= target * Math.Log(predicted[value]);
                }
            }
        return loss / (rows.Count * shape.Queries);
    }

    private static double[] Logits(DisentangledShape shape, double[][] weights, int?[] tokens)
    {
        double[][] x = [.. tokens.Select((token, position) => Enumerable.Range(0, shape.Input).Select(f => f == token || f == shape.Vocabulary + position ? 1.0 : 0).ToArray())];
        int square = shape.Input * shape.Input;
        double[][][] heads = [.. Enumerable.Range(0, shape.Heads).Select(h => Attend(x, weights[0][(h * square)..((h + 1) * square)]))];
        double[][] middle = [.. x.Select((own, position) => own.Concat(heads.SelectMany(h => h[position])).ToArray())];
        double[] read = [.. middle[^1], .. Attend(middle, weights[1])[^1]];
        return [.. Enumerable.Range(0, shape.Vocabulary).Select(value => read.Select((r, f) => r * weights[2][(f * shape.Vocabulary) + value]).Sum())];
    }

    private static double[][] Attend(double[][] x, double[] matrix) => [.. x.Select((query, position) =>
    {
        int d = query.Length;
        double[] attention = Softmax([.. x.Take(position + 1).Select(key => query.Select((q, i) => q * key.Select((k, j) => k * matrix[(i * d) + j]).Sum()).Sum())]);
        return Enumerable.Range(0, d).Select(f => attention.Select((a, key) => a * x[key][f]).Sum()).ToArray();
    })];

    private static double[] Softmax(double[] scores)
    {
        double[] raised = [.. scores.Select(s => Math.Exp(s - scores.Max()))];
        return [.. raised.Select(r => r / raised.Sum())];
    }
}
