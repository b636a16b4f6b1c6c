using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Probes;

namespace MlNetIcl.Estimators;

/// <summary>
/// A trainer of ML.NET as a learner of <see cref="RegressionStudy"/>: it is fitted on the demonstrations of each task and answers its query. Features are
/// <c>Features</c>, labels <c>Label</c>. Where the trainer diverges on a task, the answer is NaN. Not thread-safe.
/// </summary>
/// <param name="name">What it is called in results.</param>
/// <param name="context">The context.</param>
/// <param name="trainer">The trainer, or a pipeline that ends in one.</param>
public sealed class TrainerLearner(string name, MLContext context, IEstimator<ITransformer> trainer) : IRegressionLearner
{
    private const int Passes = 100;
    private static readonly string[] NoNumbers = ["non-finite weights", "NaN or Infinite"];

    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <summary>
    /// ML.NET's own linear trainers, stochastic dual coordinate ascent and online gradient descent, with 100 passes over the demonstrations, on one thread, so
    /// that results repeat, and otherwise their defaults. (Left to itself, the first makes tens of thousands of passes over so few rows.)
    /// </summary>
    /// <param name="context">The context, whose seed they draw by.</param>
    public static IReadOnlyList<IRegressionLearner> OfMlNet(MLContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return
        [
            new TrainerLearner("ML.NET Sdca", context, context.Regression.Trainers.Sdca(new Microsoft.ML.Trainers.SdcaRegressionTrainer.Options { NumberOfThreads = 1, MaximumNumberOfIterations = Passes })),
            new TrainerLearner("ML.NET OnlineGD", context, context.Regression.Trainers.OnlineGradientDescent(numberOfIterations: Passes)),
        ];
    }

    /// <inheritdoc/>
    public float Predict(IReadOnlyList<float[]> inputs, IReadOnlyList<float> outputs, float[] query)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        ArgumentNullException.ThrowIfNull(query);
        var schema = SchemaDefinition.Create(typeof(Example));
        schema[nameof(Example.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, query.Length);
        ITransformer model;
        try
        {
            model = trainer.Fit(context.Data.LoadFromEnumerable(inputs.Zip(outputs, (x, y) => new Example { Features = x, Label = y }), schema));
        }
        // How ML.NET's linear trainers say that they diverged: on one task of thousands that is a finding, and no reason to end.
        catch (Exception e) when (e is ArgumentException or InvalidOperationException && Array.Exists(NoNumbers, words => e.Message.Contains(words, StringComparison.Ordinal)))
        {
            return float.NaN;
        }
        var scored = model.Transform(context.Data.LoadFromEnumerable([new Example { Features = query }], schema));
        float score = scored.GetColumn<float>("Score").Single();
        (model as IDisposable)?.Dispose();
        return score;
    }

    private sealed class Example
    {
        public float[] Features { get; set; } = [];

        public float Label { get; set; }
    }
}
