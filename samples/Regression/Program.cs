// Regression from a few labelled rows, without training on them: a decoder that was trained on other tasks, beside ML.NET's own trainers.
//   dotnet run --project samples/Regression [regressor that 'icl regression --save' wrote, of three inputs or more]
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.FastTree;
using MlNetIcl.Estimators;
using MlNetIcl.Probes;
using MlNetIcl.Samples;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var ml = new MLContext(seed: 1);
var clock = Stopwatch.StartNew();
using var regressor = args.Length > 0 ? InContextRegressor.Load(args[0]) : InContextRegressor.Train(new()
{
    Dimension = Reading.Width,
    Demonstrations = 12,
    Layers = 4,
    Steps = 1500,
    Noise = 2,
    NoiseVaries = true,
});
Console.WriteLine($"A decoder of {regressor.ParameterCount:N0} parameters, {(args.Length > 0 ? "loaded" : $"trained on {regressor.Options.Steps * regressor.Options.BatchTasks:N0} random linear tasks")} in {clock.Elapsed.TotalSeconds:0} s. It changes no more.");
Console.WriteLine("Errors are squared, over those of answering the mean: 0 is perfect, 1 is no use; with 95 % intervals over sensors.\n");

// 1. Every row brings its own demonstrations: another sensor, another function. One transform answers all of them; others are fitted to each row.
const int sensors = 200, known = 8;
var rows = new Sensors(seed: 1).ManySensors(sensors, known);
double variance = Variance(rows);
Console.WriteLine($"{sensors} sensors, {known} known readings of each in its row, one asked for:");
var inContext = ml.Regression.Trainers.InContextRegression(new()
{
    Regressor = regressor,
    DemonstrationFeaturesColumnName = nameof(Reading.KnownFeatures),
    DemonstrationLabelsColumnName = nameof(Reading.KnownLabels),
});
Print("in context", "one transform", () => Errors(Fit(inContext, rows, rows), rows, variance)); // fitting reads the sizes of the values
foreach (var learner in Trainers(known).Select(t => new TrainerLearner(t.Name, ml, t.Trainer)).Prepend<IRegressionLearner>(new LeastSquares()))
    Print(learner.Name, $"{sensors} fits", () => Errors([.. rows.Select(r => learner.Predict([.. r.KnownFeatures.Chunk(Reading.Width)], r.KnownLabels, r.Features))], rows, variance));
Print("FastTree for all", "one fit", () => Errors(Fit(ml.Regression.Trainers.FastTree(), [.. rows.SelectMany(r => r.Known)], rows), rows, variance));

// 2. One function for all rows: those given to Fit are the support set.
const int repeats = 40;
foreach (int count in new[] { 6, 12, 200 })
{
    (Reading[] Train, Reading[] Test)[] sets = [.. Enumerable.Range(0, repeats).Select(i => new Sensors(seed: 100 + i)).Select(s => s.OneSensor(count, asked: 200))];
    Console.WriteLine($"\nOne sensor, {count} labelled readings, {sets[0].Test.Length} others asked for; {repeats} times:");
    double usual = sets.Average(set => Variance(set.Test));
    void Compare(string name, Func<Reading[], Reading[], float[]> predict) => Print(name, $"{repeats} fits", () => [.. sets.Select(set => Errors(predict(set.Train, set.Test), set.Test, usual).Average())]);

    var support = ml.Regression.Trainers.InContextRegression(regressor: regressor);
    Compare("in context", (train, test) => Fit(support, train, test));
    Compare("least squares", (train, test) => LeastSquares.Predict([.. train.Select(r => r.Features)], [.. train.Select(r => r.Label)], [.. test.Select(r => r.Features)]));
    foreach (var (name, trainer) in Trainers(count)) Compare(name, (train, test) => Fit(trainer, train, test));
}

// ML.NET's own, with features brought to one size; on one thread, so that they repeat.
(string Name, IEstimator<ITransformer> Trainer)[] Trainers(int labelled)
{
    IEstimator<ITransformer> Scaled(IEstimator<ITransformer> last) => ml.Transforms.NormalizeMeanVariance(nameof(Reading.Features), fixZero: false).Append(last);
    return
    [
        ("ML.NET Sdca", Scaled(ml.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options { NumberOfThreads = 1, MaximumNumberOfIterations = 100, L2Regularization = 0.1f }))),
        ("ML.NET OnlineGD", Scaled(ml.Regression.Trainers.OnlineGradientDescent(numberOfIterations: 100))),
        ("ML.NET LbfgsPoisson", Scaled(ml.Regression.Trainers.LbfgsPoissonRegression(new LbfgsPoissonRegressionTrainer.Options { NumberOfThreads = 1 }))),
        ("ML.NET FastTree", ml.Regression.Trainers.FastTree(new FastTreeRegressionTrainer.Options { NumberOfThreads = 1, MinimumExampleCountPerLeaf = Math.Clamp(labelled / 4, 1, 10) })),
    ];
}

float[] Fit(IEstimator<ITransformer> estimator, Reading[] train, Reading[] test)
{
    var fitted = estimator.Fit(ml.Data.LoadFromEnumerable(train));
    using var owner = fitted as IDisposable;
    return [.. fitted.Transform(ml.Data.LoadFromEnumerable(test)).GetColumn<float>("Score")];
}

static double[] Errors(float[] scores, Reading[] asked, double unit) => [.. scores.Zip(asked, (score, row) => Math.Pow(score - row.Label, 2) / unit)];

static double Variance(Reading[] asked)
{
    double mean = asked.Average(r => r.Label);
    return asked.Average(r => Math.Pow(r.Label - mean, 2));
}

static void Print(string name, string effort, Func<double[]> measure)
{
    var clock = Stopwatch.StartNew();
    double[] errors = measure();
    double error = errors.Average(), half = 1.96 * Math.Sqrt(errors.Sum(e => Math.Pow(e - error, 2)) / (errors.Length - 1) / errors.Length);
    Console.WriteLine($"    {name,-20} {error,6:0.000} ± {half:0.000}   {effort}, {clock.Elapsed.TotalMilliseconds:N0} ms");
}
