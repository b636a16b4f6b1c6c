namespace MlNetIcl.Probes;

/// <summary>The run without a patch on some rows, from which patched runs are made.</summary>
internal interface IBaseRun : IDisposable
{
    /// <summary>The metric of each row.</summary>
    double[] Metric { get; }

    /// <summary>[patch * row]: the metric of a stack's patched runs.</summary>
    double[] Run(SweepStack stack, Patch[] patches, CancellationToken cancellation);
}
