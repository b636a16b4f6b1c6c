using System.Globalization;
using MlNetIcl.Probes;
using static System.FormattableString;

namespace MlNetIcl.Reports.Emergence;

/// <summary>The sentences of emergence, the same on a page, in Markdown and on a terminal.</summary>
public static class EmergenceWords
{
    /// <summary>What fractions of training do not say.</summary>
    public const string Caveat =
        "A fraction of training depends on the length that somebody chose: a run of twice the steps has the same midpoint at half the fraction. Steps and tokens are what can be compared.";

    /// <summary>What was found, in a few sentences.</summary>
    public static string Summary(EmergenceResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var group = result.Groups[0];
        string text = Invariant($"Induction heads formed in {Formed(group)} {(group.Runs.Count == 1 ? "run" : "runs")} of {Name(group.Size)}");
        text += group.Change is { } change
            ? Invariant($", from step {Steps(change.Onset)} to {Steps(change.Completion)}, half-way at {Steps(change.Midpoint)}: {Fraction(result, change.Midpoint)}.")
            : "; the induction score does not rise enough for a change point.";
        foreach (var control in result.Groups.Skip(1).Where(g => g.Size.Layers == 1)) text += Invariant($" Control, {Name(control.Size)}: {Formed(control)}.");
        return text;
    }

    /// <summary>A shape in words.</summary>
    public static string Name(EmergenceSize size)
    {
        ArgumentNullException.ThrowIfNull(size);
        return Invariant($"{size.Layers} {(size.Layers == 1 ? "layer" : "layers")} of width {size.Width} with {size.Heads} {(size.Heads == 1 ? "head" : "heads")}");
    }

    /// <summary>A shape briefly: <c>2 x 64, 4 heads</c>.</summary>
    public static string Short(EmergenceSize size)
    {
        ArgumentNullException.ThrowIfNull(size);
        return Invariant($"{size.Layers} x {size.Width}, {size.Heads} {(size.Heads == 1 ? "head" : "heads")}");
    }

    /// <summary>How many runs end with an induction head: <c>5 of 5</c>.</summary>
    public static string Formed(EmergenceGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return Invariant($"{group.Formed} of {group.Runs.Count}");
    }

    /// <summary>A run with its shape.</summary>
    public static string RunName(EmergenceGroup group, EmergenceRun run)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(run);
        return $"{Short(group.Size)}, {run.Name}";
    }

    /// <summary>A step with its interval: <c>213 [204, 225]</c>.</summary>
    public static string Steps(ChangeTime? time) => time is null ? Numbers.Missing
        : Whole(time.Step) + (time.Interval is { } interval ? $" [{Whole(interval.Low)}, {Whole(interval.High)}]" : "");

    /// <summary>A step as tokens and as share of the training: <c>436,000 tokens, 21.3 % of the training</c>.</summary>
    public static string Fraction(EmergenceResult result, ChangeTime time)
    {
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(time);
        int last = result.Groups[0].Runs[0].Points[^1].Step;
        string tokens = result.TokensPerStep is { } each ? $"{Whole(Math.Round(time.Step * each / 1000) * 1000)} tokens, " : "";
        return Invariant($"{tokens}{100 * time.Step / last:0.0} % of {Whole(last)} steps");
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(EmergenceResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var points = result.Groups[0].Runs[0].Points;
        return
        [
            ("Shape", Name(result.Groups[0].Size)),
            ("Training", result.TokensPerStep is { } tokens ? Invariant($"{Whole(points[^1].Step)} steps of {Whole(tokens)} tokens, random tokens that repeat") : Invariant($"checkpoints in '{result.Groups[0].Runs[0].Name}'")),
            ("Checkpoints", Invariant($"{points.Count}, step {Whole(points[0].Step)} to {Whole(points[^1].Step)}")),
            ("Held out (n)", Invariant($"{result.Protocol.Sequences} sequences, a period of {result.Protocol.Period} random tokens, twice; seed {result.Protocol.Seed}")),
            ("Change point", "10, 50 and 90 % of the rise of the strongest head's induction score"),
        ];
    }

    private static string Whole(double value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
