using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetIcl.Transforms.Interop;

/// <summary>What ML.NET's catalogs keep to themselves.</summary>
internal static class Catalogs
{
    /// <summary>The environment that a catalog belongs to.</summary>
    public static IHostEnvironment EnvironmentOf(object catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return ((IInternalCatalog)catalog).Environment;
    }
}

/// <summary>What ML.NET lets nobody else say of a trainer.</summary>
internal static class TrainerInfos
{
    /// <summary>A trainer that reads its data once, as it is.</summary>
    public static TrainerInfo SinglePass() => new(normalization: false, calibration: false, caching: false);
}
