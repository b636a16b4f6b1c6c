using System.Globalization;
using MlNetIcl.Probes;
using static System.FormattableString;

namespace MlNetIcl.Reports.Claims;

/// <summary>How claims and what came of them read, the same on a page, in Markdown and on a terminal.</summary>
public static class ClaimWords
{
    /// <summary>What stands where a claim has no source.</summary>
    public const string NoSource = "no source found";

    /// <summary>The verdict in one word; <c>failed</c> where the experiment did.</summary>
    public static string Verdict(ClaimResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Finding is { } finding ? finding.Verdict.ToString().ToLowerInvariant() : "failed";
    }

    /// <summary>How many claims have which verdict, in one sentence.</summary>
    public static string Summary(IReadOnlyList<ClaimResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var counts = new[] { "reproduced", "refuted", "depends", "failed" }.Select(verdict => (verdict, Count: results.Count(r => Verdict(r) == verdict))).Where(v => v.Count > 0);
        return Invariant($"Of {results.Count} {(results.Count == 1 ? "claim" : "claims")}: {string.Join(", ", counts.Select(v => Invariant($"{v.Count} {v.verdict}")))}.");
    }

    /// <summary>Why an experiment failed, in one line.</summary>
    public static string Failure(ClaimResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Failure is { } failure ? string.Join(' ', failure.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(word => string.Concat(word.Where(c => !char.IsControl(c))))) : "";
    }

    /// <summary>A figure's number with interval and n: <c>-92.1 % [-94.0, -90.3], n = 32</c>.</summary>
    public static string Value(ClaimFigure figure)
    {
        ArgumentNullException.ThrowIfNull(figure);
        string unit = figure.Unit.Length == 0 ? "" : $" {figure.Unit}";
        string interval = figure.Interval is var (low, high) ? $" [{Number(low)}, {Number(high)}]" : "";
        return Number(figure.Value) + unit + interval + (figure.N is { } n ? Invariant($", n = {n}") : "");

        string Number(double value) => !double.IsFinite(value) ? Numbers.Missing
            : figure.Interval is null && value == Math.Round(value) && Math.Abs(value) < 1e15 ? value.ToString("N0", CultureInfo.InvariantCulture)
            : value != 0 && Math.Abs(value) < 0.0005 ? value.ToString("0.0e-0", CultureInfo.InvariantCulture)
            : figure.Unit is "%" or "points" || Math.Abs(value) >= 1000 ? Plain(value.ToString("N1", CultureInfo.InvariantCulture))
            : Numbers.Score(value);
    }

    /// <summary>The command that runs the claim again with these settings.</summary>
    public static string Command(Claim claim, ClaimsOptions options)
    {
        ArgumentNullException.ThrowIfNull(claim);
        ArgumentNullException.ThrowIfNull(options);
        if (!claim.Command.StartsWith("icl claims ", StringComparison.Ordinal)) return claim.Command;
        return string.Join(' ', new[]
        {
            claim.Command,
            options.Quick ? null : "--full",
            options.Seed == 0 ? null : Invariant($"--seed {options.Seed}"),
            options.ModelPath is { } model ? $"--model {Quoted(model)}" : null,
            options.DataPath is { } data ? $"--data {Quoted(data)}" : null,
        }.OfType<string>());
    }

    private static string Quoted(string path) => path.Any(c => !char.IsLetterOrDigit(c) && !"/\\.-_:".Contains(c, StringComparison.Ordinal)) ? $"\"{path}\"" : path;

    private static string Plain(string text) => text == "-0.0" ? "0.0" : text;
}
