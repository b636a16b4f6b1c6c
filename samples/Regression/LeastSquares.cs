using MlNetIcl.Probes;
using static TorchSharp.torch;

namespace MlNetIcl.Samples;

/// <summary>Ordinary least squares with an intercept, of least length where it is not unique. ML.NET's own needs Microsoft.ML.Mkl.Components.</summary>
internal sealed class LeastSquares : IRegressionLearner
{
    public string Name => "least squares";

    public float Predict(IReadOnlyList<float[]> inputs, IReadOnlyList<float> outputs, float[] query) => Predict(inputs, outputs, [query])[0];

    public static float[] Predict(IReadOnlyList<float[]> inputs, IReadOnlyList<float> outputs, IReadOnlyList<float[]> queries)
    {
        using var scope = NewDisposeScope();
        // Less their means, so that the weights need no intercept and pressures of a thousand cost no digits.
        Tensor x = Rows(inputs), y = tensor([.. outputs], [outputs.Count, 1]).@double();
        Tensor center = x.mean([0], keepdim: true), level = y.mean();
        var weights = linalg.pinv(x - center, 1e-10).mm(y - level);
        return ((Rows(queries) - center).mm(weights) + level).@float().data<float>().ToArray();
    }

    private static Tensor Rows(IReadOnlyList<float[]> rows) => tensor([.. rows.SelectMany(row => row)], [rows.Count, rows[0].Length]).@double();
}
