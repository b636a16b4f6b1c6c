using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Means over tasks with their 95 % intervals: normal ones, as tasks are independent and many.</summary>
internal static class TaskMeans
{
    private const double Normal95 = 1.959964;

    /// <summary>The mean of one value per task [task].</summary>
    public static Estimate Of(Tensor values)
    {
        using var scope = NewDisposeScope();
        double mean = values.mean().item<double>(), half = Normal95 * values.std().item<double>() / Math.Sqrt(values.shape[0]);
        return new(mean, new Interval(mean - half, mean + half));
    }
}
