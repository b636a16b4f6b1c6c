using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.InContextRegression;
using MlNetIcl.Transforms.ModelStorage;
using MlNetIcl.Transforms.Rows;

[assembly: LoadableClass(typeof(InContextRegressionTransformer), null, typeof(SignatureLoadModel), "In-context regression", InContextRegressionTransformer.LoaderSignature)]

namespace MlNetIcl.Transforms.InContextRegression;

/// <summary>
/// Predicts each row's label from demonstrations, those of a support set or the row's own, by a decoder whose weights never change. Made by
/// <c>mlContext.Regression.Trainers.InContextRegression</c>; adds the column <c>Score</c>.
/// </summary>
/// <remarks>A row with a feature that is NaN or infinite scores NaN. Owns the regressor. See <see cref="BatchTransformer"/> for the rest.</remarks>
public sealed class InContextRegressionTransformer : BatchTransformer, ISingleFeaturePredictionTransformer<InContextRegressor>
{
    internal const string LoaderSignature = "IclInContextRegression";
    internal const string ScoreColumnName = "Score";
    private const string RegressorFile = "Regressor.safetensors";
    private static readonly VersionInfo CurrentVersion = VersionOf(typeof(InContextRegressionTransformer), "ICLREGRE", LoaderSignature);

    private readonly InContextRegressionSettings _settings;

    /// <param name="environment">The environment.</param>
    /// <param name="settings">What was learned.</param>
    /// <param name="regressor">The regressor, which is the stage's from now on.</param>
    internal InContextRegressionTransformer(IHostEnvironment environment, InContextRegressionSettings settings, InContextRegressor regressor)
        : base(environment, nameof(InContextRegressionTransformer))
    {
        settings.Validate(regressor.Options.Demonstrations, regressor.Options.Dimension);
        (_settings, Model) = (settings, regressor);
    }

    /// <summary>The regressor. It belongs to the transformer.</summary>
    public InContextRegressor Model { get; }

    /// <summary>Name of the column of features.</summary>
    public string FeatureColumnName => _settings.FeatureColumnName;

    /// <summary>Its type: a vector of as many numbers as there were in training.</summary>
    public DataViewType FeatureColumnType => new VectorDataViewType(NumberDataViewType.Single, _settings.Scaling.Features);

    /// <summary>Demonstrations that a prediction is made from at a time; 0 where rows bring their own.</summary>
    public int SupportSize => _settings.SupportLabels?[0].Length ?? 0;

    internal InContextRegressionSettings Settings => _settings;

    internal override BatchLimits Limits => new(_settings.BatchRows, int.MaxValue);

    private protected override IReadOnlyList<InputColumn> Inputs => _settings.RowsBringDemonstrations
        ? [InputColumn.Features(FeatureColumnName, _settings.Scaling.Features), InputColumn.Numbers(_settings.DemonstrationFeaturesColumnName!), InputColumn.Numbers(_settings.DemonstrationLabelsColumnName!)]
        : [InputColumn.Features(FeatureColumnName, _settings.Scaling.Features)];

    private protected override IReadOnlyList<DataViewSchema.DetachedColumn> Outputs { get; } = [ScoreColumn()];

    private protected override VersionInfo Version => CurrentVersion;

    internal static InContextRegressionTransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        context.CheckAtModel(CurrentVersion);
        var settings = context.ReadJson<InContextRegressionSettings>();
        byte[] content = context.ReadFile(RegressorFile);
        return new(environment, settings, TemporaryFile.Use(RegressorFile, file =>
        {
            File.WriteAllBytes(file, content);
            return InContextRegressor.Load(file);
        }));
    }

    /// <summary>The column that regression trainers of ML.NET add, with its annotations.</summary>
    internal static DataViewSchema.DetachedColumn ScoreColumn()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(AnnotationUtils.Kinds.ScoreColumnKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = AnnotationUtils.Const.ScoreColumnKind.Regression.AsMemory());
        annotations.Add(AnnotationUtils.Kinds.ScoreValueKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = AnnotationUtils.Const.ScoreValueKind.Score.AsMemory());
        return new(ScoreColumnName, NumberDataViewType.Single, annotations.ToAnnotations());
    }

    private protected override void Save(ModelSaveContext context)
    {
        context.WriteJson(_settings);
        context.WriteFile(RegressorFile, TemporaryFile.Use(RegressorFile, file =>
        {
            Model.Save(file);
            return File.ReadAllBytes(file);
        }));
    }

    private protected override RowBatch CreateRowBatch(DataViewRow source, bool[] activeOutputs, BatchLimits limits) => _settings.RowsBringDemonstrations
        ? new OwnDemonstrationsRowBatch(source, _settings, limits, Model, Host)
        : new SupportSetRowBatch(source, _settings, limits, Model, Host);

    private protected override void Free() => Model.Dispose();
}
