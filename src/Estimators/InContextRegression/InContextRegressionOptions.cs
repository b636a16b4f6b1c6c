using MlNetIcl.Probes;

namespace MlNetIcl.Estimators;

/// <summary>Settings of <see cref="InContextRegressionTrainer"/>. Immutable; checked when the trainer is made.</summary>
public sealed record InContextRegressionOptions
{
    /// <summary>Column of labels (Single), which only a support set needs. <value>Default <c>Label</c>.</value></summary>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>Column of features (vector of Single, of known length). <value>Default <c>Features</c>.</value></summary>
    public string FeatureColumnName { get; init; } = "Features";

    /// <summary>
    /// Column of the demonstrations that each row brings (vector of Single): the features of one demonstration after the other.
    /// <value>Default (null): the training data is the support set of all rows.</value>
    /// </summary>
    public string? DemonstrationFeaturesColumnName { get; init; }

    /// <summary>Column of their labels (vector of Single). Set if and only if <see cref="DemonstrationFeaturesColumnName"/> is. <value>Default: null.</value></summary>
    public string? DemonstrationLabelsColumnName { get; init; }

    /// <summary>A trained regressor; it stays the caller's, and may be disposed of after fitting. <value>Default (null): see <see cref="RegressorPath"/>.</value></summary>
    public InContextRegressor? Regressor { get; init; }

    /// <summary>A file that <see cref="InContextRegressor.Save"/> or <c>icl regression --save</c> wrote. <value>Default (null): see <see cref="Pretraining"/>.</value></summary>
    public string? RegressorPath { get; init; }

    /// <summary>
    /// What a regressor is trained on where none is given, in the first <c>Fit</c>; later ones use it again.
    /// <value>Default (null): <see cref="InContextRegressionTrainer.DefaultPretraining"/>, which takes about a minute of one core.</value>
    /// </summary>
    public InContextRegressorOptions? Pretraining { get; init; }

    /// <summary>
    /// Answers that are averaged, each from as many demonstrations as the regressor takes, drawn by <see cref="Seed"/>; where it takes all, draws differ in
    /// their order. Range: 1 to 256. <value>Default 8.</value>
    /// </summary>
    public int Draws { get; init; } = 8;

    /// <summary>
    /// Whether features and labels are brought to the sizes of the tasks that the regressor was trained on, by mean and standard deviation of the training
    /// data. Data that has these sizes already can do without. <value>Default true.</value>
    /// </summary>
    public bool Standardize { get; init; } = true;

    /// <summary>Seed of draws. <value>Default (null): that of the context, else 0.</value></summary>
    public int? Seed { get; init; }

    /// <summary>Rows that are read ahead and computed together. Range: 1 to 4,096; 1 reads nothing ahead. <value>Default 64.</value></summary>
    public int BatchRows { get; init; } = 64;

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(LabelColumnName);
        ArgumentException.ThrowIfNullOrEmpty(FeatureColumnName);
        if ((DemonstrationFeaturesColumnName is null) != (DemonstrationLabelsColumnName is null))
            throw new ArgumentException($"{nameof(DemonstrationFeaturesColumnName)} and {nameof(DemonstrationLabelsColumnName)} go together: set both, or none for a support set.");
        if (DemonstrationFeaturesColumnName is { Length: 0 } || DemonstrationLabelsColumnName is { Length: 0 }) throw new ArgumentException("The name of a column of demonstrations is empty.");
        if (new object?[] { Regressor, RegressorPath, Pretraining }.Count(source => source is not null) > 1)
            throw new ArgumentException($"At most one of {nameof(Regressor)}, {nameof(RegressorPath)} and {nameof(Pretraining)} can be set: each says where the regressor comes from.");
        Pretraining?.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(Draws, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Draws, 256);
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchRows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BatchRows, 4096);
    }
}
