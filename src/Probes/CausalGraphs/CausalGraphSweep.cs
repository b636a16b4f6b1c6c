using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>What a sweep varies.</summary>
public enum CausalGraphVariable
{
    /// <summary><see cref="CausalGraphOptions.Faithfulness"/>.</summary>
    Faithfulness,

    /// <summary><see cref="CausalGraphOptions.Alpha"/>.</summary>
    Alpha,

    /// <summary><see cref="CausalGraphOptions.TrainingRows"/>.</summary>
    TrainingRows,

    /// <summary><see cref="CausalGraphOptions.Steps"/>.</summary>
    Steps,
}

/// <summary>One value of a sweep.</summary>
/// <param name="Value">The value.</param>
/// <param name="Result">What was found with it.</param>
public sealed record CausalGraphSweepPoint(double Value, CausalGraphResult Result);

/// <summary>How learning a causal graph depends on one setting. Immutable.</summary>
public sealed record CausalGraphSweepResult
{
    /// <summary>What was varied.</summary>
    public required CausalGraphVariable Variable { get; init; }

    /// <summary>The settings that all values share.</summary>
    public required CausalGraphOptions Options { get; init; }

    /// <summary>The values, ascending.</summary>
    public required IReadOnlyList<CausalGraphSweepPoint> Points { get; init; }
}

/// <summary>Runs <see cref="CausalGraphProbe"/> for several values of one setting, all else equal, seeds included. Members are thread-safe.</summary>
public static class CausalGraphSweep
{
    /// <summary>The usual values of a variable, ascending.</summary>
    public static IReadOnlyList<double> DefaultValues(CausalGraphVariable variable) => variable switch
    {
        CausalGraphVariable.Faithfulness => [0, 0.25, 0.5, 0.75, 1],
        CausalGraphVariable.Alpha => [0.03, 0.1, 0.3, 1, 3],
        CausalGraphVariable.TrainingRows => [16, 64, 256, 1024, 4096, 16_384],
        CausalGraphVariable.Steps => [512, 2048, 8192, 16_384],
        _ => throw new ArgumentOutOfRangeException(nameof(variable), variable, "Expected a known variable."),
    };

    /// <summary>Trains and measures for all values.</summary>
    /// <param name="variable">What is varied.</param>
    /// <param name="values">Its values, ascending, at least one. Null for <see cref="DefaultValues"/>.</param>
    /// <param name="options">All other settings; null for the defaults. Nothing is kept in a checkpoint folder.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every step.</param>
    /// <exception cref="ArgumentException">A value or an option is out of range.</exception>
    public static CausalGraphSweepResult Run(CausalGraphVariable variable, IReadOnlyList<double>? values = null, CausalGraphOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        values ??= DefaultValues(variable);
        if (values.Count == 0 || !Setting.Ascends(values)) throw new ArgumentException($"Expected ascending values, at least one, got {string.Join(", ", values)}.", nameof(values));
        var shared = (options ?? new()) with { CheckpointFolder = null };
        CausalGraphOptions[] all = [.. values.Select(value => With(shared, variable, value))];
        foreach (var one in all) one.Validate();
        double whole = all.Sum(o => (double)o.Steps), done = 0;
        var points = new List<CausalGraphSweepPoint>();
        for (int i = 0; i < all.Length; i++)
        {
            points.Add(new(values[i], CausalGraphProbe.Run(all[i], progress.Part(done / whole, (done + all[i].Steps) / whole), cancellationToken)));
            done += all[i].Steps;
        }
        return new() { Variable = variable, Options = shared, Points = points };
    }

    private static CausalGraphOptions With(CausalGraphOptions options, CausalGraphVariable variable, double value) => variable switch
    {
        CausalGraphVariable.Faithfulness => options with { Faithfulness = value },
        CausalGraphVariable.Alpha => options with { Alpha = value },
        CausalGraphVariable.TrainingRows => options with { TrainingRows = Whole(value) },
        _ => options with { Steps = Whole(value) },
    };

    private static int Whole(double value) => value is >= 1 and <= int.MaxValue && value == Math.Floor(value) ? (int)value
        : throw new ArgumentException(FormattableString.Invariant($"Expected a whole number of at least 1, got {value}."), nameof(value));
}
