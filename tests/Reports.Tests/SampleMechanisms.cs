using MlNetIcl.Models;
using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Tests;

/// <summary>Made-up results of the experiments on mechanisms. All numbers differ, settings as well; some things were not measured.</summary>
internal static class SampleMechanisms
{
    public static GradientDescentResult GradientDescent(int layers = 1, bool softmax = true)
    {
        var numbers = new DifferentNumbers();
        var options = new GradientDescentOptions
        {
            Dimension = 11,
            Examples = 13,
            Range = 0.75,
            Layers = layers,
            Seeds = 2,
            Steps = 1234,
            BatchTasks = 567,
            LearningRate = 0.0021,
            ClipNorm = 0.0017,
            InitialVariance = 0.0031,
            TestTasks = 8901,
            SearchTasks = 1903,
            ShiftFactors = [0.25, 4],
            Softmax = softmax ? new() { Layers = 5, Width = 96, Heads = 6, Steps = 1717, BatchTasks = 143, LearningRate = 0.0041, Mlp = false } : null,
            Seed = 37,
        };
        GradientReference[] references =
        [
            .. new[] { 1, 2, 4, 8 }.Select(steps => new GradientReference(ReferenceKind.GradientDescent, steps, numbers.Next(), 0, numbers.Estimate())),
            new(ReferenceKind.PlusPlus, Math.Max(2, layers), numbers.Next(), numbers.Next(), numbers.Estimate()),
            new(ReferenceKind.LeastSquares, 0, 0, 0, numbers.Estimate()),
        ];
        GradientDescentRun Run(int seed, bool linear) => new()
        {
            Seed = seed,
            Curve = [(617, numbers.Next()), (1234, numbers.Next())],
            Loss = numbers.Estimate(),
            Alignments = [.. references.Select(r => new Alignment { Reference = r, PredictionDifference = numbers.Estimate(), Cosine = numbers.Estimate(), GradientDifference = numbers.Estimate(), ExcessLoss = numbers.Estimate() })],
            Interpolation = linear ? [.. new[] { 0, 0.5, 1 }.Select(share => new InterpolatedLoss(share, numbers.Estimate()))] : [],
            OptimumDistance = linear && layers == 1 ? numbers.Next() : null,
            ConstructionDistance = linear && layers == 1 ? numbers.Next() : null,
        };
        return new()
        {
            Options = options,
            Optimum = OneStepOptimum.Of(options.Dimension, options.Examples, options.Range),
            Construction = [new(1, 1.5e-7, 2.5e-7), new(2, 3.5e-7, 4.5e-7)],
            References = references,
            Runs = [Run(37001, true), Run(37002, true)],
            Softmax = softmax ? [Run(37001, false), Run(37002, false)] : [],
            Shifts =
            [
                .. Enum.GetValues<TaskShift>().Select(shift => new ShiftCurve(shift, [.. options.ShiftFactors.Select(factor => new ShiftPoint
                {
                    Factor = factor,
                    Expected = layers == 1 ? numbers.Next() : null,
                    Trained = numbers.Estimate(),
                    GradientDescent = numbers.Estimate(),
                    LeastSquares = numbers.Estimate(),
                    Softmax = softmax ? numbers.Estimate() : null,
                })])),
            ],
        };
    }

    public static LinearAttentionResult LinearAttention(string model = "sample", bool converged = true)
    {
        var numbers = new DifferentNumbers();
        SmootherComparison Comparison(AttentionKind attention, SmootherKind smoother, bool equal, SmootherSource source = SmootherSource.Constructed, double? ridge = null) => new()
        {
            Attention = attention,
            Source = source,
            Model = source == SmootherSource.Decoder ? model : null,
            Smoother = smoother,
            Kernel = attention == AttentionKind.Linear ? SmootherKernel.Linear : SmootherKernel.Exponential,
            Ridge = ridge,
            ExpectedEqual = equal,
            MaxDifference = equal ? 1e-6 * numbers.Next() : numbers.Next(),
            Scale = numbers.Next(),
            Gap = numbers.Estimate(),
            N = source == SmootherSource.Decoder ? 17 : 2345,
            Heads = source == SmootherSource.Decoder ? 19 : 1,
        };
        KeyQueryResult Kind(KeyQueryKind kind, int seed)
        {
            bool separate = kind == KeyQueryKind.Separate;
            DynamicsRun Run(int number) => new()
            {
                Seed = number,
                Points = [.. new[] { 0, 71, 1409, 2711 + number }.Select(step => new DynamicsPoint { Step = step, Loss = numbers.Next(), TrainingLoss = numbers.Next(), Learned = [numbers.Next(), numbers.Next()], Alignment = separate ? [numbers.Next(), numbers.Next()] : [] })],
                Drops = separate ? [new(613 + number, [1], 3, numbers.Next()), new(1811 + number, [0], 5, numbers.Next())] : [new(911 + number, [1, 0], null, null)],
                Plateaus = [.. Enumerable.Range(0, separate ? 3 : 2).Select(i => new LossPlateau(31 * (i + 1), numbers.Next(), i, numbers.Next()))],
                LeastTrainingLoss = numbers.Next(),
                Converged = converged,
            };
            return new() { Kind = kind, Heads = separate ? 23 : 29, InitialSize = numbers.Next(), LearningRate = numbers.Next(), ExpectedDrops = separate ? 2 : 1, FinalLoss = numbers.Estimate(), Runs = [Run(seed), Run(seed + 1)] };
        }
        return new()
        {
            Equality = new()
            {
                Options = new() { Tasks = 2345, Examples = 22, Dimension = 6, StepSize = 1.25, Ridges = [0.02, 20], Rows = 17, Length = 33, TrainingSteps = 104, Seed = 41 },
                Comparisons =
                [
                    Comparison(AttentionKind.Linear, SmootherKind.Unnormalised, true), Comparison(AttentionKind.Softmax, SmootherKind.Normalised, true), Comparison(AttentionKind.Softmax, SmootherKind.Normalised, true, SmootherSource.Decoder),
                    Comparison(AttentionKind.Linear, SmootherKind.Normalised, false), Comparison(AttentionKind.Linear, SmootherKind.Ridge, false, ridge: 0.02), Comparison(AttentionKind.Linear, SmootherKind.Ridge, false, ridge: 20),
                    Comparison(AttentionKind.Softmax, SmootherKind.Ridge, false, ridge: 0.02), Comparison(AttentionKind.Softmax, SmootherKind.Ridge, false, ridge: 20),
                ],
            },
            Dynamics = new()
            {
                Options = new() { Eigenvalues = [0.375, 0.625], Examples = 34, Sequences = 5123, Seeds = 2, Steps = 2753, MostSteps = 4_999_999, Seed = 43 },
                Eigenvalues = [0.375, 0.625],
                Levels = [1, numbers.Next(), numbers.Next()],
                Kinds = [Kind(KeyQueryKind.Merged, 43), Kind(KeyQueryKind.Separate, 43)],
            },
        };
    }

    public static RegressionStudyResult Regression(bool comparison = true, string learner = "ML.NET Sample", RegressionFamily family = RegressionFamily.Linear)
    {
        var numbers = new DifferentNumbers();
        RegressionError Error(int tasks = 1777) => new(numbers.Next(), 0.01 * numbers.Next(), tasks);
        RegressionError[] Errors(RegressionShift shift, int tasks = 1777) => [.. Enumerable.Range(0, 5).Select(shots => shift.Exists(shots, 3) ? Error(tasks) : RegressionError.None)];
        var regressor = new InContextRegressorOptions { Family = family, Dimension = family == RegressionFamily.Linear ? 3 : 1, Demonstrations = 4, Noise = 0.15, PaddedShare = 0.45, Layers = 7, DModel = 48, Heads = 6, Steps = 1501, BatchTasks = 77, LearningRate = 0.0071, Seed = 53 };
        RegressionShift[] shifts = [default, .. family == RegressionFamily.Linear ? [new(RegressionShiftKind.Skewed), new(RegressionShiftKind.Orthogonal), new RegressionShift(RegressionShiftKind.InputScale, 0.5)] : Array.Empty<RegressionShift>()];
        return new()
        {
            Options = new() { BaselineDimension = 21, BaselineShots = [6, 42], BaselineTasks = 19_999, BaselineNoise = 1.75, Lambda = 1.35, Regressor = regressor, Shifts = shifts, TestTasks = 1777, LearnerTasks = 88, LearnerShots = [2], Seed = 59 },
            Baselines = [.. RegressionLearners.Classic.SelectMany(name => new[] { 6, 42 }.SelectMany(shots => new[] { 0, 1.75 }.Select(noise =>
                new BaselineResult(name, shots, noise, Error(19_999), name == RegressionLearners.Averaging ? numbers.Next() : null))))],
            Comparison = !comparison ? null : new()
            {
                Regressor = regressor,
                Parameters = 54_321,
                TrainingError = (numbers.Next(), numbers.Next()),
                Sets =
                [
                    .. shifts.Select(shift => new ShiftResult(shift,
                    [
                        .. new[] { RegressionLearners.InContext }.Concat(RegressionLearners.Classic).Select(name => new LearnerCurve(name, Errors(shift))),
                        .. shift.Kind == RegressionShiftKind.None ? [new LearnerCurve(learner, [RegressionError.None, RegressionError.None, Error(88), RegressionError.None, RegressionError.None])] : Array.Empty<LearnerCurve>(),
                    ])),
                ],
            },
        };
    }

    public static ParadigmResult Paradigms(params IReadOnlyList<RegressionFamily> families)
    {
        var numbers = new DifferentNumbers();
        RegressionError Error() => new(numbers.Next(), 0.01 * numbers.Next(), 443);
        var shift = new RegressionShift(RegressionShiftKind.LabelScale, 2);
        int counted = 0;
        ParadigmLearner Learner(Paradigm paradigm, string name, int updates, long tasks) => new()
        {
            Paradigm = paradigm,
            Name = name,
            Parameters = 1700 + ++counted,
            Updates = updates,
            PretrainingTasks = tasks + (tasks > 0 ? counted : 0),
            PretrainingExamples = 3 * (tasks + counted),
            ByShots = [Error(), Error()],
            Shifted = [(shift, Error())],
            AdaptationTime = TimeSpan.FromMilliseconds(12.5 + counted),
        };
        return new()
        {
            Options = new() { Families = families, Dimension = 4, Shots = [3, 9], TestTasks = 443, InContextSteps = 2011, MetaSteps = 3011, InnerSteps = 6, ScratchSteps = 211, Hidden = 39, Lambda = 0.0125, Seed = 61 },
            Families =
            [
                .. families.Select(family => new ParadigmFamilyResult(family, family == RegressionFamily.Linear ? 4 : 1,
                [
                    .. family == RegressionFamily.Linear ? [Learner(Paradigm.Classical, "ridge", 1, 0)] : Array.Empty<ParadigmLearner>(),
                    Learner(Paradigm.Classical, "network from scratch", 211, 0), Learner(Paradigm.MetaLearning, "MAML", 6, 75_000), Learner(Paradigm.InContext, "in-context model", 0, 128_000),
                ])),
            ],
        };
    }
}
