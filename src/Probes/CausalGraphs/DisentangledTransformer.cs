namespace MlNetIcl.Probes;

/// <summary>A trained two-layer disentangled transformer. Thread-safe: every call has buffers of its own.</summary>
internal sealed class DisentangledTransformer(DisentangledShape shape, float[] first, float[] second, float[] output)
{
    public DisentangledShape Shape => shape;

    public float[] First => first;

    public float[] Second => second;

    public float[] Output => output;

    private DisentangledWeights<float> Weights => new(first, second, output);

    /// <summary>What each head of layer 1 looks at by position alone: the softmax over positions up to its own of the position block of A1.</summary>
    public EdgeMap[] PositionAttention() => [.. Enumerable.Range(0, shape.Heads).Select(head => new EdgeMap(Enumerable.Range(0, shape.Length).Select(query =>
    {
        int at = (((head * shape.Input) + shape.Vocabulary + query) * shape.Input) + shape.Vocabulary;
        double[] row = [.. first.AsSpan(at, query + 1).ToArray().Select(score => (double)score)];
        double largest = row.Max();
        for (int key = 0; key <= query; key++) row[key] = Math.Exp(row[key] - largest);
        double sum = row.Sum();
        for (int key = 0; key <= query; key++) row[key] /= sum;
        return row;
    })))];

    /// <summary>The mean loss on rows, in nats.</summary>
    public double Loss(CausalRows rows) => new DisentangledPass(shape).Forward(Weights, rows);

    /// <summary>The predicted distributions, [row, query, value].</summary>
    public float[] Predict(CausalRows rows)
    {
        float[] predictions = new float[rows.Count * shape.Queries * shape.Vocabulary];
        new DisentangledPass(shape).Forward(Weights, rows, predictions);
        return predictions;
    }

    /// <summary>The attention of layer 1, [row, head, query, key].</summary>
    public float[] Attention(CausalRows rows) => new DisentangledPass(shape).Attention(Weights, rows);
}
