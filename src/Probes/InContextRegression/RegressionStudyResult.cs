namespace MlNetIcl.Probes;

/// <summary>One baseline at one number of demonstrations.</summary>
/// <param name="Learner">Which, as <see cref="RegressionLearners"/> names it.</param>
/// <param name="Shots">k.</param>
/// <param name="Noise">Standard deviation of the noise on demonstrations' outputs.</param>
/// <param name="Error">Its error on the query without noise.</param>
/// <param name="Expected">The expected error: a closed form, for ridge with lambda = sigma^2 the Bayes risk of the very inputs; null where there is none.</param>
public sealed record BaselineResult(string Learner, int Shots, double Noise, RegressionError Error, double? Expected);

/// <summary>A learner's errors behind 0, 1, …, n demonstrations; NaN where it was not asked.</summary>
/// <param name="Learner">Which.</param>
/// <param name="ByShots">The errors.</param>
public sealed record LearnerCurve(string Learner, IReadOnlyList<RegressionError> ByShots);

/// <summary>All learners on one set of tasks.</summary>
/// <param name="Shift">How its tasks differ from those that the regressor was trained on. Errors are divided by the square of a scale's factor too, so that an answer of 0 keeps its error.</param>
/// <param name="Curves">The learners; the in-context regressor is the first.</param>
public sealed record ShiftResult(RegressionShift Shift, IReadOnlyList<LearnerCurve> Curves)
{
    /// <summary>One learner's errors.</summary>
    public LearnerCurve this[string learner] => Curves.Single(c => c.Learner == learner);
}

/// <summary>The in-context regressor beside other learners.</summary>
public sealed record RegressionComparison
{
    /// <summary>What the regressor was trained on and how.</summary>
    public required InContextRegressorOptions Regressor { get; init; }

    /// <summary>Its number of parameters.</summary>
    public required long Parameters { get; init; }

    /// <summary>Mean error of the first and the last tenth of its training; null where it was trained before.</summary>
    public (double First, double Last)? TrainingError { get; init; }

    /// <summary>The sets of tasks; the first is the one that it was trained on.</summary>
    public required IReadOnlyList<ShiftResult> Sets { get; init; }
}

/// <summary>What <see cref="RegressionStudy"/> found. Immutable.</summary>
public sealed record RegressionStudyResult
{
    /// <summary>The settings.</summary>
    public required RegressionStudyOptions Options { get; init; }

    /// <summary>The table of baselines: without noise, then with it; learners and numbers of demonstrations in order.</summary>
    public required IReadOnlyList<BaselineResult> Baselines { get; init; }

    /// <summary>The regressor beside them; null where baselines alone were asked for.</summary>
    public RegressionComparison? Comparison { get; init; }
}

/// <summary>Names of the learners that come with the study.</summary>
public static class RegressionLearners
{
    /// <summary>The trained decoder.</summary>
    public const string InContext = "in-context model";

    /// <summary>Least squares, of least length where not unique.</summary>
    public const string LeastSquares = "least squares";

    /// <summary>Ridge with a fixed lambda.</summary>
    public const string Ridge = "ridge";

    /// <summary>(1/k) sum y x as weights.</summary>
    public const string Averaging = "averaging";

    /// <summary>The mean of the three nearest demonstrations.</summary>
    public const string NearestNeighbours = "3 nearest";

    /// <summary>Those that know one task alone.</summary>
    public static IReadOnlyList<string> Classic { get; } = [LeastSquares, Ridge, Averaging, NearestNeighbours];
}
