using MlNetIcl.Estimators;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Interop;

namespace Microsoft.ML;

/// <summary>Adds <c>InContextRegression</c> to the regression trainers.</summary>
public static class InContextRegressionCatalog
{
    /// <summary>Regression from demonstrations: the training data is the support set, and a decoder that was trained on other tasks answers for each row.</summary>
    /// <param name="catalog">The regression trainers.</param>
    /// <param name="labelColumnName">Column of labels (Single).</param>
    /// <param name="featureColumnName">Column of features (vector of Single, of known length).</param>
    /// <param name="regressor">The trained decoder; it stays the caller's. Null: one is trained in the first <c>Fit</c>, in about a minute.</param>
    public static InContextRegressionTrainer InContextRegression(this RegressionCatalog.RegressionTrainers catalog, string labelColumnName = "Label", string featureColumnName = "Features", InContextRegressor? regressor = null) =>
        catalog.InContextRegression(new InContextRegressionOptions { LabelColumnName = labelColumnName, FeatureColumnName = featureColumnName, Regressor = regressor });

    /// <summary>Regression from demonstrations, those of a support set or each row's own.</summary>
    /// <param name="catalog">The regression trainers.</param>
    /// <param name="options">All settings.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static InContextRegressionTrainer InContextRegression(this RegressionCatalog.RegressionTrainers catalog, InContextRegressionOptions options) =>
        new(Catalogs.EnvironmentOf(catalog), options);
}
